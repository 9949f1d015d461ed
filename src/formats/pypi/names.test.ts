import { expect, test } from "bun:test";
import {
  belongsTo,
  isDistribution,
  isFileName,
  isName,
  normalizeName,
  projectOfFile,
  releasePurl,
  sidecarOf,
  versionOfFile,
} from "./names.ts";

const normal: [name: string, want: string][] = [
  ["six", "six"],
  ["Friendly-Bard", "friendly-bard"],
  ["FRIENDLY-BARD", "friendly-bard"],
  ["friendly.bard", "friendly-bard"],
  ["friendly_bard", "friendly-bard"],
  ["friendly--bard", "friendly-bard"],
  ["FrIeNdLy-._.-bArD", "friendly-bard"],
];
for (const [name, want] of normal)
  test(`normalizeName(${name})`, () => expect(normalizeName(name)).toBe(want));

const names: [name: string, want: boolean][] = [
  ["a", true],
  ["A.b_c-9", true],
  ["", false],
  ["-a", false],
  ["a.", false],
  ["a b", false],
  ["a/b", false],
  ["..", false],
  ["é", false],
  ["a\n", false],
];
for (const [name, want] of names)
  test(`isName(${JSON.stringify(name)})`, () => expect(isName(name)).toBe(want));

const fileNames: [name: string, want: boolean][] = [
  ["six-1.0.tar.gz", true],
  ["a b-1.0+x.zip", true],
  ["ünïcode-1.0.zip", true],
  ["", false],
  [".", false],
  ["..", false],
  [".hidden", false],
  ["a/b", false],
  ["a\\b", false],
  ["a\0b", false],
  ["a\r\nb", false],
  ["trailing ", false],
  ["\ud800-1.0.zip", false],
  ["x".repeat(256), false],
];
for (const [name, want] of fileNames)
  test(`isFileName(${JSON.stringify(name.slice(0, 20))})`, () =>
    expect(isFileName(name)).toBe(want));

const versions: [file: string, project: string, want: string][] = [
  ["six-1.16.0-py2.py3-none-any.whl", "six", "1.16.0"],
  ["six-1.16.0.tar.gz", "six", "1.16.0"],
  ["Flask_SQLAlchemy-3.0-1-py3-none-any.whl", "flask-sqlalchemy", "3.0"],
  ["Flask-SQLAlchemy-3.0b1.tar.gz", "flask-sqlalchemy", "3.0b1"],
  ["zope.interface-5.0.zip", "zope-interface", "5.0"],
  ["backports.zoneinfo-0.2.1.tar.gz", "backports-zoneinfo", "0.2.1"],
  ["python-dateutil-2.8.2.tar.gz", "python-dateutil", "2.8.2"],
  ["a-1-2.0.tar.gz", "a-1", "2.0"],
  ["torch-2.0.0+cu118-cp311-cp311-linux_x86_64.whl", "torch", "2.0.0+cu118"],
  ["foo-1.0_1-py3-none-any.whl", "foo", "1.0.post1"],
  ["foo-1.0-1.tar.gz", "foo", "1.0.post1"],
  ["foo-1.0-rc.1.tgz", "foo", "1.0rc1"],
  ["foo-1.0-py2.7.egg", "foo", "1.0"],
  ["foo-1.0.win32-py2.7.exe", "foo", "1.0"],
  ["foo-1.0.win-amd64.exe", "foo", "1.0"],
  ["foo-1.0.linux-x86_64.tar.gz", "foo", "1.0"],
  ["foo-2004c.tar.gz", "foo", "2004rc0"],
  ["foo-odd.version.tar.gz", "foo", "odd.version"],
  ["bar-1.0.tar.gz", "foo", ""],
  ["foo.tar.gz", "foo", ""],
  ["foo-.tar.gz", "foo", ""],
  ["foo-1.0.txt", "foo", ""],
  ["../foo-1.0.tar.gz", "foo", ""],
];
for (const [file, project, want] of versions)
  test(`versionOfFile(${file}, ${project})`, () => {
    expect(versionOfFile(file, project)).toBe(want);
    expect(belongsTo(file, project)).toBe(want !== "");
  });

const projects: [file: string, want: string | null][] = [
  ["Flask_SQLAlchemy-3.0-py3-none-any.whl", "flask-sqlalchemy"],
  ["python-dateutil-2.8.2.tar.gz", "python-dateutil"],
  ["six-v1.0.zip", "six"],
  ["six.tar.gz", null],
  ["-1.0.tar.gz", null],
  ["notes-1.0.txt", null],
];
for (const [file, want] of projects)
  test(`projectOfFile(${file})`, () => expect(projectOfFile(file)).toBe(want));

test("sidecarOf() knows what stands beside a distribution", () => {
  expect(sidecarOf("six-1.0-py3-none-any.whl.metadata")).toEqual({
    of: "six-1.0-py3-none-any.whl",
    sidecar: ".metadata",
  });
  expect(sidecarOf("six-1.0.zip.asc")).toEqual({ of: "six-1.0.zip", sidecar: ".asc" });
  expect(sidecarOf("six-1.0.zip")).toBeNull();
  expect(sidecarOf("notes.metadata")).toBeNull();
  expect(sidecarOf(".metadata")).toBeNull();
});

test("releasePurl() names a release", () => {
  expect(releasePurl("requests", "2.31.0")).toBe("pkg:pypi/requests@2.31.0");
  expect(releasePurl("torch", "2.0.0+cu118")).toBe("pkg:pypi/torch@2.0.0%2Bcu118");
  expect(releasePurl("requests", "")).toBe("pkg:pypi/requests");
});

/** Mulberry32: the same texts in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test("names never throw, and what they accept never leaves its folder", () => {
  const next = random(503);
  const alphabet = ["a", "Z", "9", "-", "_", ".", "..", "/", "\\", "%2f", "\0", " ", "+", "!", "é"];
  const ends = ["", ".whl", ".tar.gz", ".zip", ".egg", ".metadata", ".asc", ".linux-x"];
  for (let round = 0; round < 20_000; round += 1) {
    let text = "";
    for (let length = next() * 10; length > 0; length -= 1)
      text += alphabet[Math.floor(next() * alphabet.length)];
    text += ends[Math.floor(next() * ends.length)];
    const project = projectOfFile(text);
    if (project !== null) expect(isName(project) && normalizeName(project) === project).toBe(true);
    const version = versionOfFile(text, "a");
    expect(version).not.toMatch(/[/\\%\s]/);
    const shown = sidecarOf(text)?.of ?? text;
    if (!isDistribution(shown) && !isFileName(shown)) continue;
    expect(new URL(encodeURIComponent(shown), "http://x.test/files/a/").pathname).toStartWith(
      "/files/a/",
    );
    expect(shown).not.toMatch(/[/\\]/);
  }
});
