import { beforeEach, expect, test } from "bun:test";
import { tar } from "../../archive/testdata/archives.ts";
import { readDirectory } from "../../archive/zip.ts";
import { Problem } from "../../core/problem.ts";
import type { CodeSource, SourceRef } from "../../core/source.ts";
import { readCode, versionOfBranch, versionOfTag } from "./code.ts";
import { archiveOf } from "./code-archive.ts";
import { FakeRepository } from "./testdata/repository.ts";

// As Composer's VcsRepository has them (2.5.5).
const tags: [tag: string, version: string | null, normalized?: string][] = [
  ["v1.2.0", "v1.2.0", "1.2.0.0"],
  ["1.2", "1.2", "1.2.0.0"],
  ["release-1.2.0", "1.2.0", "1.2.0.0"],
  ["1.0.0-RC1", "1.0.0-RC1", "1.0.0.0-RC1"],
  ["2024.01.02", "2024.01.02", "2024.01.02.0"],
  ["1.0.0+build", "1.0.0+build", "1.0.0.0"],
  ["1.0.0-dev", null],
  ["dev-main", null],
  ["master", null],
  ["1.x-dev", null],
  ["latest", null],
  ["ui/1.0.0", null],
];
for (const [tag, version, normalized] of tags)
  test(`the tag ${tag} is ${version}`, () =>
    expect(versionOfTag(tag)).toEqual(
      version === null ? null : { version, normalized: normalized! },
    ));

const branches: [branch: string, version: string | null, normalized?: string][] = [
  ["main", "dev-main", "dev-main"],
  ["feature/leaf", "dev-feature/leaf", "dev-feature/leaf"],
  ["1.x", "1.x-dev", "1.9999999.9999999.9999999-dev"],
  ["v2", "v2.x-dev", "2.9999999.9999999.9999999-dev"],
  ["2.1", "2.1.x-dev", "2.1.9999999.9999999-dev"],
  ["dev-x", "dev-dev-x", "dev-dev-x"],
  ["a,b", null],
  ["a|b", null],
];
for (const [branch, version, normalized] of branches)
  test(`the branch ${branch} is ${version}`, () =>
    expect(versionOfBranch(branch)).toEqual(
      version === null ? null : { version, normalized: normalized! },
    ));

let repository: FakeRepository;
beforeEach(() => {
  repository = new FakeRepository();
});

let codes = 0;
/** How often commits were read of any. */
let asked = 0;
/** Of composer.json texts by tag, and by branch; the first branch is the one that is shown first. */
function codeOf(tags: Record<string, string | null>, branches: Record<string, string | null> = {}) {
  const texts = new Map<string, string | null>();
  const refs = (some: Record<string, string | null>, start: number) =>
    new Map(
      Object.entries(some).map(([name, text], at): [string, SourceRef] => {
        const commit = `${start + at}`.padStart(40, "0");
        texts.set(commit, text);
        return [name, { name, commit, isGone: false, firstSeenAt: at }];
      }),
    );
  const found = {
    tags: refs(tags, 100),
    branches: refs(branches, 200),
    head: Object.keys(branches)[0] ?? null,
    revision: "1",
  };
  codes += 1;
  return {
    root: "acme/ui",
    url: `https://git.example.test/${codes}.git`,
    folder: "",
    refs: async () => found,
    async commitsWith(ids: readonly string[]) {
      asked += 1;
      return ids.map((id) => {
        const text = texts.get(id) ?? null;
        return { commit: { id, time: 0 }, file: text === null ? null : Buffer.from(text) };
      });
    },
  } as unknown as CodeSource;
}

const own = (more: object = {}) => JSON.stringify({ name: "acme/ui", ...more });
const versions = async (source: CodeSource) =>
  (await readCode("acme/ui", source, repository)).map(({ version }) => version);
const told = () => repository.events.map(({ kind, message }) => `${kind}: ${message}`);

test("a composer.json that cannot be used takes its own version away, is told once, and never read again", async () => {
  const source = codeOf(
    { "1.0.0": "{", "1.1.0": own(), "1.2.0": null, "1.3.0": own({ require: { a: "latest" } }) },
    { main: own() },
  );
  expect(await versions(source)).toEqual(["1.1.0", "dev-main"]);
  expect(await versions(source)).toEqual(["1.1.0", "dev-main"]);
  expect(told()).toHaveLength(3);
  expect(told()[0]).toContain("it is no JSON");
});

test("a tag whose composer.json says another version is none, and of two that are one the first stays", async () => {
  const source = codeOf(
    {
      "v1.0.0": own({ version: "1.0.1" }),
      "v1.1.0": own({ version: "1.1" }),
      "1.1.0": own(),
      "2.0.0": own({ version: "2.0.0-dev" }),
    },
    { main: own({ version: "9.9" }) },
  );
  expect(await versions(source)).toEqual(["1.1", "2.0.0", "dev-main"]);
});

test("the branch that is shown first says whose the code is, for versions with an older name too", async () => {
  const old = JSON.stringify({ name: "acme/old" });
  expect(await versions(codeOf({ "1.0.0": old }, { main: own() }))).toEqual(["1.0.0", "dev-main"]);
  expect(await versions(codeOf({ "1.0.0": old, "1.1.0": own() }, { main: null }))).toEqual([
    "1.1.0",
  ]);
  const failure = await versions(codeOf({ "1.0.0": own() }, { main: old })).catch((error) => error);
  expect(failure).toBeInstanceOf(Problem);
  expect(failure).toMatchObject({ kind: "notFound" });
  expect(failure.message).toContain("is acme/old by the composer.json of its branch main");
});

test("thousands of tags are read some hundred at a time, once", async () => {
  const tags = Array.from({ length: 1200 }, (_, at) => [`1.${at}.0`, own()]);
  const source = codeOf(Object.fromEntries(tags), { main: own() });
  asked = 0;
  expect(await versions(source)).toHaveLength(1201);
  expect(await versions(source)).toHaveLength(1201);
  expect(asked).toBeLessThan(6);
});

async function archived(bytes: Buffer, exclude: string[] = [], folder = "") {
  const source = {
    url: "https://git.example.test/ui.git",
    folder,
    tree: async () => [],
    async *archive() {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    },
  } as unknown as CodeSource;
  const parts: Uint8Array[] = [];
  for await (const part of archiveOf("1".repeat(40), exclude, source)) parts.push(part);
  return Buffer.concat(parts);
}
const listed = async (bytes: Buffer) => {
  const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
  const entries = await readDirectory({ size: bytes.length, read });
  return entries.map(({ name, mode }) => `${mode.toString(8)} ${name}`);
};

test("an archive is the same bytes each time, with modes and links, and without what is excluded", async () => {
  const packed = tar(
    { name: "composer.json", text: own() },
    { name: "bin/tool", text: "x", mode: 0o755 },
    { name: "docs/a.md", text: "x" },
    { name: "link", flag: "2", target: "bin/tool" },
    { name: "out", flag: "2", target: "../../etc" },
    { name: "bin/up", flag: "2", target: "../composer.json" },
    { name: "large", text: "x".repeat(3_000_000) },
  );
  const first = await archived(packed, ["/docs"]);
  expect(await archived(packed, ["/docs"])).toEqual(first);
  expect(await listed(first)).toEqual([
    "100644 composer.json",
    "100755 bin/tool",
    "120777 link",
    "120777 bin/up",
    "100644 large",
  ]);
  const folder = tar({ name: "packages/oak/composer.json", text: own() });
  expect(await listed(await archived(folder, [], "packages/oak"))).toEqual([
    "100644 composer.json",
  ]);
});

test("a path that no disk takes as it is, and an archive of nothing, are problems", async () => {
  for (const name of ["a\\b", "../x", "a/./b", "a//b"]) {
    const failure = await archived(tar({ name, text: "x" })).catch((error) => error);
    expect([name, failure?.kind]).toEqual([name, "malformed"]);
  }
  const nothing = await archived(tar({ name: "a", text: "x" }), ["a"]).catch((error) => error);
  expect(nothing.message).toContain("leaves nothing for an archive");
});
