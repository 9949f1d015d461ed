import { expect, test } from "bun:test";
import { normalizeVersion } from "./versions.ts";

const versions: [text: string, want: string][] = [
  ["1.0", "1.0"],
  [" v1.0 ", "1.0"],
  ["01.002.0", "1.2.0"],
  ["1.0-Alpha.1", "1.0a1"],
  ["1.0beta", "1.0b0"],
  ["1.0c3", "1.0rc3"],
  ["1.0-preview_2", "1.0rc2"],
  ["1.0-1", "1.0.post1"],
  ["1.0-r4", "1.0.post4"],
  ["1.0.POST", "1.0.post0"],
  ["1.0.dev", "1.0.dev0"],
  ["1.0a1.post2.dev3", "1.0a1.post2.dev3"],
  ["0!1.0", "1.0"],
  ["2!1.0", "2!1.0"],
  ["1.0+Ubuntu-01_x", "1.0+ubuntu.1.x"],
  ["2004d", "2004d"],
  ["not a version", "not a version"],
  ["", ""],
];
for (const [text, want] of versions)
  test(`normalizeVersion(${JSON.stringify(text)})`, () => {
    expect(normalizeVersion(text)).toBe(want);
    expect(normalizeVersion(want)).toBe(want);
  });

test("normalizeVersion() takes linear time", () => {
  const long = `1${".1".repeat(90)}${"-".repeat(10)}x`;
  expect(normalizeVersion(long)).toBe(long);
  expect(normalizeVersion("9".repeat(100_000))).toHaveLength(100_000);
});
