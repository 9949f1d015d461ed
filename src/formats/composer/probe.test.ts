import { expect, test } from "bun:test";
import { probe } from "./probe.ts";

const rows: [what: string, status: number, start: string, is: boolean][] = [
  ["a lazy repository", 200, '{"packages":[],"metadata-url":"/p2/%package%.json"}', true],
  ["the beginning of a large one", 200, '{ "packages": { "acme/kelp": { "1.0.0": {"na', true],
  ["a page", 200, '<html>"packages":', false],
  ["JSON of another kind", 200, '{"swagger":"2.0"}', false],
  ["a no", 404, '{"packages":[]}', false],
];
for (const [what, status, start, is] of rows)
  test(`${what} is ${is ? "" : "not "}recognised`, () => {
    expect(probe().recognises({ status, type: "application/json", start })).toBe(is);
  });
