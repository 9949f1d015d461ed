import { expect, test } from "bun:test";
import {
  canonicalVersion,
  compareVersions,
  isPrerelease,
  isVersion,
  normalizeVersion,
} from "./versions.ts";

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

test("versions are ordered as PEP 440 has it", () => {
  const ordered = [
    "none at all",
    "1.dev0",
    "1.0.dev456",
    "1.0a1",
    "1.0a2.dev456",
    "1.0a12.dev456",
    "1.0a12",
    "1.0b1.dev456",
    "1.0b2",
    "1.0b2.post345.dev456",
    "1.0b2.post345",
    "1.0rc1.dev456",
    "1.0rc1",
    "1.0",
    "1.0+abc.5",
    "1.0+abc.7",
    "1.0+5",
    "1.0.post456.dev34",
    "1.0.post456",
    "1.0.15",
    "1.1.dev1",
    "1.10",
    "2!0.1",
  ];
  expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
  expect(compareVersions("1.0", "v1.0.0")).toBe(0);
});

test("versions are equal in more than one spelling", () => {
  for (const [version, want] of [
    ["1.0.0", "1"],
    ["1.0.0.post1", "1.post1"],
    ["1!0.0", "1!0"],
    ["10.0", "10"],
    ["1.0.10", "1.0.10"],
    ["1.0rc1", "1rc1"],
    ["2.0+1.0", "2+1.0"],
    ["0.0", "0"],
  ] as const)
    expect(canonicalVersion(version)).toBe(want);
});

test("what a version is, and a pre-release", () => {
  for (const text of ["1.0", "v1", "1!2.3-rc.1+a-b", " 1.0 "]) expect(isVersion(text)).toBe(true);
  for (const text of ["", "one", "1.0.x", "1..0"]) expect(isVersion(text)).toBe(false);
  for (const text of ["1.0a1", "1.0.dev2", "1.0-c.1"]) expect(isPrerelease(text)).toBe(true);
  for (const text of ["1.0", "1.0.post1", "1.0+a1"]) expect(isPrerelease(text)).toBe(false);
});
