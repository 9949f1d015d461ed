// Canonical forms and what "latest" means. https://go.dev/ref/mod#versions
import { expect, test } from "bun:test";
import { canonical, highest, isPseudo, pseudoTime } from "./version.ts";

const forms: [version: string, want: string | null][] = [
  ["v1", "v1.0.0"],
  ["v1.2", "v1.2.0"],
  ["v1.2.3", "v1.2.3"],
  ["v1.2.3-pre.1", "v1.2.3-pre.1"],
  ["v1.2.3+meta", "v1.2.3"],
  ["v1.2.3+incompatible", "v1.2.3+incompatible"],
  ["v1.2-pre", null],
  ["1.2.3", null],
  ["v1.02.3", null],
  ["v1.2.3-01", null],
  ["v1.2.3+", null],
  ["V1.2.3", null],
  ["v1.2.3\n", null],
];
for (const [version, want] of forms)
  test(`canonical(${JSON.stringify(version)})`, () => expect(canonical(version)).toBe(want));

const pseudo: [version: string, want: boolean][] = [
  ["v0.0.0-20180214005840-23179ee8a569", true],
  ["v1.2.4-0.20180214005840-23179ee8a569", true],
  ["v1.2.3-pre.0.20180214005840-23179ee8a569", true],
  ["v2.0.1-0.20180214005840-23179ee8a569+incompatible", true],
  ["v1.2.3", false],
  ["v1.2.3-20180214005840", false],
];
for (const [version, want] of pseudo)
  test(`isPseudo(${version})`, () => expect(isPseudo(version)).toBe(want));

const lists: [versions: string[], want: string | null][] = [
  [[], null],
  [["", "nonsense"], null],
  [["v1.0.0", "v1.10.0", "v1.9.0", "v2.0.0-rc.1"], "v1.10.0"],
  [["v1.0.0-rc.2", "v1.0.0-rc.10"], "v1.0.0-rc.10"],
  [["v1.0.0", "v3.0.0+incompatible"], "v3.0.0+incompatible"],
  [["v0.0.0-20180214005840-23179ee8a569"], null],
];
for (const [versions, want] of lists)
  test(`highest(${versions.join(" ")})`, () => expect(highest(versions)).toBe(want));

test("the time of a commit stands in its version", () => {
  expect(pseudoTime("v1.2.4-0.20180214005840-23179ee8a569")).toBe("2018-02-14T00:58:40.000Z");
  expect(pseudoTime("v0.0.0-20181414005840-23179ee8a569")).toBeNull();
  expect(pseudoTime("v1.2.3")).toBeNull();
});
