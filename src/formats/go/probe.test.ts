import { expect, test } from "bun:test";
import { probe } from "./probe.ts";

const rows: [what: string, status: number, type: string, start: string, is: boolean][] = [
  ["a list of versions", 200, "text/plain", "v0.1.0\nv0.2.0\n", true],
  ["a list of nothing", 200, "text/plain", "", true],
  ["a no in plain text", 404, "text/plain", "not found: no such module", true],
  ["a page", 200, "text/html", "<!doctype html>\n<p>v1.0.0</p>", false],
  ["a no of any web server", 404, "text/html", "<h1>Not Found</h1>", false],
];
for (const [what, status, type, start, is] of rows)
  test(`${what} is ${is ? "" : "not "}recognised`, () => {
    expect(probe().recognises({ status, type, start })).toBe(is);
  });
