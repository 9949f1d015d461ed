import { expect, test } from "bun:test";
import { oneSlash, pathFault } from "./path.ts";

const paths: [path: string, refused: boolean][] = [
  ["/npm/left-pad", false],
  ["/npm/@types%2fnode", false],
  ["/npm/@types%2Fnode/-/node-1.0.0.tgz", false],
  ["/npm/.well-known", false],
  ["/pypi/simple/", false],
  ["/go/github.com/!burnt!sushi/toml/@v/v1.0.0+incompatible.zip", false],
  ["/npm/..%2f..%2fetc/passwd", true],
  ["/npm/%2e%2e/x", true],
  ["/npm/%2E./x", true],
  ["/npm/a%2f..%2fb", true],
  ["/npm//x", true],
  ["/npm/./x", true],
  ["/npm/a%00b", true],
  ["/npm/a%0d%0ab", true],
  ["/npm/a%5c..%5cb", true],
  ["/npm/a\\b", true],
  ["/npm/%", true],
  ["/npm/%zz", true],
  ["/npm/é", true],
  ["/npm/a b", true],
  [`/npm/${"a".repeat(3000)}`, true],
];

for (const [path, refused] of paths)
  test(`pathFault(${path.slice(0, 60)}) ${refused ? "refuses" : "accepts"}`, () =>
    expect(pathFault(path) !== null).toBe(refused));

const slashes: [path: string, want: string][] = [
  ["/npm/left-pad", "/npm/left-pad"],
  ["//npm//pnpm", "/npm/pnpm"],
  ["///", "/"],
  ["/npm/a%2f/%2fb", "/npm/a%2f/%2fb"],
  ["/npm/..%2f//x", "/npm/..%2f/x"],
];
for (const [path, want] of slashes)
  test(`oneSlash(${path}) is ${want}`, () => expect(oneSlash(path)).toBe(want));
