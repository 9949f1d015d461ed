import { expect, test } from "bun:test";
import { JSON_DEPTH, jsonFault, readJson } from "./json.ts";

const nested = (depth: number, inner = "") => "[".repeat(depth) + inner + "]".repeat(depth);
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

const faults: [name: string, text: string, want: RegExp | null][] = [
  ["as deep as is allowed", nested(JSON_DEPTH), null],
  ["deeper", nested(JSON_DEPTH + 1), /nested deeper than 512/],
  ["objects", objects(JSON_DEPTH + 1), /nested deeper/],
  ["never closed", "[".repeat(JSON_DEPTH + 1), /nested deeper/],
  ["side by side", `[${Array(2000).fill("[]").join()}]`, null],
  ["brackets in a text", JSON.stringify("[".repeat(5000)), null],
  ["brackets behind an escaped quote", JSON.stringify(`"${"[".repeat(5000)}`), null],
  ["a backslash at the end of a text", `["\\\\",${nested(JSON_DEPTH)}]`, /nested deeper/],
  ["a text that never ends", `"${"[".repeat(5000)}`, null],
  ["more closed than opened", `${"]".repeat(9)}${nested(JSON_DEPTH + 1)}`, /nested deeper/],
];
for (const [name, text, want] of faults)
  test(`depth: ${name}`, () => {
    const fault = jsonFault(Buffer.from(text));
    if (want) expect(fault).toMatch(want);
    else expect(fault).toBeNull();
  });

test("values are counted before anything is parsed", () => {
  const list = (length: number) => Buffer.from(JSON.stringify(Array(length).fill(0)));
  expect(jsonFault(list(100), 100)).toBeNull();
  expect(jsonFault(list(101), 100)).toMatch("more than 100 values");
  expect(jsonFault(Buffer.from('{"a":1,"b":{"c":",,,,"}}'), 3)).toBeNull();
});

test("less depth is allowed to what becomes a part of something else", () => {
  expect(jsonFault(Buffer.from(nested(3)), undefined, 3)).toBeNull();
  expect(jsonFault(Buffer.from(nested(4)), undefined, 3)).toBe("is nested deeper than 3");
  expect(() => readJson(Buffer.from(nested(4)), undefined, 3)).toThrow("deeper than 3");
});

test("what is read is what JSON.parse reads, or a SyntaxError", () => {
  expect(readJson(Buffer.from('{"a":["é"]}'))).toEqual({ a: ["é"] });
  for (const bad of ["", "{", "<html>", nested(600)])
    expect(() => readJson(Buffer.from(bad))).toThrow(SyntaxError);
});
