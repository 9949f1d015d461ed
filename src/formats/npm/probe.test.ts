import { expect, test } from "bun:test";
import { probe } from "./probe.ts";

const rows: [what: string, status: number, type: string, start: string, is: boolean][] = [
  ["a registry", 200, "application/json", "{}", true],
  ["a registry that says no more than that it is there", 200, "", "", true],
  ["a page", 200, "text/html", "<!doctype html>", false],
  ["a no", 404, "application/json", "{}", false],
];
for (const [what, status, type, start, is] of rows)
  test(`${what} is ${is ? "" : "not "}recognised`, () => {
    expect(probe().recognises({ status, type, start })).toBe(is);
  });
