import { expect, test } from "bun:test";
import {
  compareIntegrity,
  formatIntegrity,
  integrityFromHex,
  integrityToHex,
  mergeIntegrity,
  parseIntegrity,
  strongest,
} from "./integrity.ts";

const parsed: [text: string, want: Record<string, string>][] = [
  ["", {}],
  ["sha512-AAAA", { sha512: "AAAA" }],
  ["sha1-AAAA sha512-BB==", { sha1: "AAAA", sha512: "BB==" }],
  ["  sha1-AAAA\n\tsha512-BBBB ", { sha1: "AAAA", sha512: "BBBB" }],
  ["sha512-AAAA?opt=1", { sha512: "AAAA" }],
  ["sha512-AAAA sha512-BBBB", { sha512: "AAAA" }], // the first of an algorithm counts
  ["whirlpool-AAAA md5-BBBB", { md5: "BBBB" }],
  ["SHA512-AAAA", {}],
  ["sha512-", {}],
  ["sha512 AAAA", {}],
  ["sha512-A A", { sha512: "A" }],
];
for (const [text, want] of parsed)
  test(`parseIntegrity(${JSON.stringify(text)})`, () =>
    expect(Object.fromEntries(parseIntegrity(text))).toEqual(want));

test("the canonical text is the strongest first", () => {
  expect(formatIntegrity(parseIntegrity("md5-A sha1-B sha512-C own-D sha256-E", ["own"]))).toBe(
    "own-D sha512-C sha256-E sha1-B md5-A",
  );
  expect(strongest("sha1-B sha512-C md5-A")).toEqual({
    algorithm: "sha512",
    base64: "C",
    token: "sha512-C",
  });
  expect(strongest("nothing here")).toBeNull();
});

const compared: [a: string | null, b: string | null, want: string][] = [
  ["sha512-A", "sha512-A", "same"],
  ["sha512-A", "sha512-B", "different"],
  ["sha1-A sha512-B", "sha512-B", "same"],
  ["sha1-A sha512-B", "sha1-A sha512-C", "different"], // one that agrees does not outweigh one that differs
  ["sha1-A", "sha512-A", "unknown"],
  ["sha1-A", null, "unknown"],
  [null, null, "unknown"],
  ["", "", "unknown"],
  ["junk", "sha1-A", "unknown"],
];
for (const [a, b, want] of compared)
  test(`L7: ${a} and ${b} are ${want}`, () => {
    expect(compareIntegrity(a, b)).toBe(want as "same");
    expect(compareIntegrity(b, a)).toBe(want as "same");
  });

test("a merge adds and never changes", () => {
  expect(mergeIntegrity("sha1-A", "sha512-B")).toBe("sha512-B sha1-A");
  expect(mergeIntegrity("sha512-A", "sha512-B sha1-C")).toBe("sha512-A sha1-C");
});

test("hexadecimal there and back; anything else is null", () => {
  const hex = "00ff10";
  const token = integrityFromHex("sha256", hex)!;
  expect(token).toBe("sha256-AP8Q");
  expect(integrityToHex(token, "sha256")).toBe(hex);
  expect(integrityFromHex("sha256", "00FF10")).toBe(token);
  expect(integrityToHex(token, "sha512")).toBeNull();
  for (const bad of ["", "0", "xyz1", "00 ff"]) expect(integrityFromHex("sha1", bad)).toBeNull();
});

test("a digest of a format's own is known where it is asked for, and is no standard one", () => {
  expect([...parseIntegrity("tree-AAAA= sha1-B").keys()]).toEqual(["sha1"]);
  expect([...parseIntegrity("tree-AAAA= sha1-B", ["tree"]).keys()]).toEqual(["tree", "sha1"]);
  expect(mergeIntegrity("sha1-A", "tree-B sha512-C", ["tree"])).toBe("tree-B sha512-C sha1-A");
  expect(strongest("tree-AAAA= sha1-B")?.token).toBe("sha1-B");
});
