// Tables made with golang.org/x/mod (testdata/vectors.go), and fuzz: never throws, never gives a name that escapes.
import { expect, test } from "bun:test";
import {
  escapeCase,
  isModulePath,
  isRelease,
  isVersionQuery,
  matchesPrefix,
  modulePurl,
  unescapePath,
  unescapeVersion,
  versionPath,
} from "./names.ts";
import vectors from "./testdata/names.json" with { type: "json" };
import { compareVersions } from "./version.ts";

for (const { Path, Ok, Escaped } of vectors.paths)
  test(`module path ${JSON.stringify(Path)} is ${Ok ? "valid" : "invalid"}`, () => {
    expect(isModulePath(Path)).toBe(Ok);
    if (!Ok) return;
    expect(escapeCase(Path)).toBe(Escaped);
    expect(unescapePath(Escaped)).toBe(Path);
  });

for (const { Path, Version, Ok } of vectors.releases)
  test(`${Path}@${Version} is ${Ok ? "" : "not "}a release`, () => {
    expect(isRelease(Path, Version)).toBe(Ok);
  });

for (const { Version, Ok, Escaped } of vectors.versions)
  test(`version query ${JSON.stringify(Version)} is ${Ok ? "valid" : "invalid"}`, () => {
    expect(isVersionQuery(Version)).toBe(Ok);
    if (Ok) expect(unescapeVersion(Escaped)).toBe(Version);
  });

for (const { Patterns, Path, Ok } of vectors.globs)
  test(`${Patterns} ${Ok ? "matches" : "does not match"} ${Path}`, () => {
    expect(matchesPrefix(Patterns.split(","), Path)).toBe(Ok);
  });

test("versions sort as Go sorts them", () => {
  const shuffled = [...vectors.order].sort();
  expect(shuffled).not.toEqual(vectors.order);
  expect(shuffled.sort((a, b) => compareVersions(a, b) || (a < b ? -1 : 1))).toEqual(vectors.order);
});

test("escaped names are refused when they are not canonical", () => {
  for (const escaped of ["x.y/A", "x.y/!A", "x.y/!", "x.y/!!a", "x.y/!1"])
    expect(unescapePath(escaped)).toBeNull();
  for (const escaped of ["v1.0.0-RC1", "a!", "!/"]) expect(unescapeVersion(escaped)).toBeNull();
});

test("a path upstream is escaped and percent-encoded", () => {
  const path = versionPath("github.com/BurntSushi/toml", "v2.0.0-RC1+incompatible", "info");
  expect(path).toBe("github.com/!burnt!sushi/toml/@v/v2.0.0-!r!c1+incompatible.info");
  expect(versionPath("x.y/z", "a#b", "info")).toBe("x.y/z/@v/a%23b.info");
});

test("two modules that differ in case have two purls", () => {
  expect(modulePurl("github.com/BurntSushi/toml", "v1.0.0+incompatible")).toBe(
    "pkg:golang/github.com/BurntSushi/toml@v1.0.0%2Bincompatible",
  );
});

/** Mulberry32: the same numbers on every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("names of random bytes never throw and never escape", () => {
  const next = random(7);
  const parts = [
    "x.y",
    "/",
    "..",
    ".",
    "!",
    "a",
    "A",
    "!a",
    "v2",
    "%",
    "\\",
    "\0",
    "é",
    "@",
    "~1",
    "+",
    "-",
  ];
  let valid = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const length = Math.floor(next() * 8);
    const text = Array.from({ length }, () => parts[Math.floor(next() * parts.length)]).join("");
    const path = unescapePath(text);
    if (path === null) continue;
    valid += 1;
    expect(escapeCase(path)).toBe(text);
    expect(path).toMatch(/^[a-z0-9.-]+(\/[-._~0-9A-Za-z]+)*$/);
    expect(path.split("/")).not.toContain("..");
    unescapeVersion(text);
  }
  expect(valid).toBeGreaterThan(100);
});
