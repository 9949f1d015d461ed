import { expect, test } from "bun:test";
import { traitsOf } from "./traits.ts";

const cases: [license: unknown, want: string | undefined][] = [
  ["MIT", "MIT"],
  [["MIT"], "MIT"],
  [["MIT", "GPL-2.0-only"], "MIT OR GPL-2.0-only"],
  [["MIT AND BSD-3-Clause", "GPL-2.0-only"], "(MIT AND BSD-3-Clause) OR GPL-2.0-only"],
  ["(MIT or GPL-2.0-only)", "(MIT or GPL-2.0-only)"],
  [[], undefined],
  [["MIT", 7], undefined],
  [["MIT", ""], undefined],
  [{ type: "MIT" }, undefined],
  [undefined, undefined],
  [null, undefined],
  ["x".repeat(300), undefined],
];

for (const [license, want] of cases)
  test(`the licence of ${JSON.stringify(license)?.slice(0, 40)}`, () =>
    expect(traitsOf({ license } as never).licence).toBe(want!));
