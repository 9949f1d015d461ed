import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTar } from "../archive/tar.ts";
import type { SourceMatch } from "../core/source.ts";
import { mirrorName } from "./address.ts";
import { openMirrors } from "./mirrors.ts";
import { makeRepository } from "./testkit.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

function scene(options: Parameters<typeof openMirrors>[1] = {}) {
  const data = mkdtempSync(join(tmpdir(), "holdfast-mirrors-"));
  const code = makeRepository();
  cleanups.push(() => rmSync(data, { recursive: true, force: true }), code.remove);
  const mirrors = openMirrors(join(data, "git"), options);
  const settings = { names: "x.test/lib", git: code.url, everyMs: 1, limit: 2 ** 30 };
  const match: SourceMatch = { root: "x.test/lib", url: code.url, settings };
  return { data, code, mirrors, match, read: mirrors.read(code.url) };
}

async function textsOf(archive: AsyncIterable<Uint8Array>): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const entry of readTar(archive)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.chunks()) chunks.push(chunk);
    if (entry.type === "file") found[entry.name] = Buffer.concat(chunks).toString();
  }
  return found;
}

test("a mirror has what the code host has, and is asked again without a network", async () => {
  const { code, mirrors, match, read } = scene();
  const first = code.commit({ "a.txt": "one\n", "sub/b.txt": "two\n", link: "-> a.txt" });
  code.tag("v1.0.0");
  const second = code.commit({ "a.txt": "three\n" });
  code.git("tag", "--annotate", "--message", "A release", "v1.1.0");
  const fetched = (await mirrors.fetch(match, null))!;
  expect(fetched.head).toBe("main");
  expect(fetched.refs).toEqual([
    { kind: "branch", name: "main", commit: second },
    { kind: "tag", name: "v1.0.0", commit: first },
    { kind: "tag", name: "v1.1.0", commit: second },
  ]);
  expect(await mirrors.fetch(match, fetched.listing)).toBeNull();
  // Another repository of the server may not have heard of it yet.
  expect((await mirrors.fetch(match, null))!.refs).toHaveLength(3);
  code.remove();
  expect(await read.commit(first)).toEqual({ id: first, time: Date.UTC(2024, 0, 2, 3, 5, 5) });
  expect(await read.commit("0".repeat(40))).toBeNull();
  expect(await read.expand(second.slice(0, 12))).toBe(second);
  expect(await read.expand("main")).toBeNull();
  expect(await read.before(first, new Set([first, second]))).toEqual(new Set([first]));
  expect(await read.before(second, new Set([first, second]))).toEqual(new Set([first, second]));
  expect(await read.tree(first)).toEqual([
    { path: "a.txt", type: "file", size: 4 },
    { path: "link", type: "link", size: 5 },
    { path: "sub/b.txt", type: "file", size: 4 },
  ]);
  expect(await read.tree(first, "sub")).toHaveLength(1);
  expect(Buffer.from((await read.file(first, "a.txt", 100))!).toString()).toBe("one\n");
  expect(await read.file(first, "sub", 100)).toBeNull();
  expect(await read.file(first, "../a.txt", 100)).toBeNull();
  expect(await read.file(first, "a.txt\nHEAD:a.txt", 100)).toBeNull();
  await expect(read.file(first, "a.txt", 3)).rejects.toThrow(/larger than 3/);
  const tar = await textsOf(read.archive(first, { exportIgnore: false }));
  expect(tar).toEqual({ "a.txt": "one\n", "sub/b.txt": "two\n" });
  await expect(mirrors.fetch(match, fetched.listing)).rejects.toMatchObject({ kind: "notFound" });
});

test("attributes: line ends as asked for, nothing substituted, left out only where that is wanted", async () => {
  const { code, mirrors, match, read } = scene();
  const commit = code.commit({
    ".gitattributes":
      "*.crlf text eol=crlf\nsubst export-subst\nhidden export-ignore\n* filter=lfs\n",
    "a.crlf": "one\ntwo\n",
    subst: "$Format:%H$\n",
    hidden: "here\n",
  });
  await mirrors.fetch(match, null);
  const all = await textsOf(read.archive(commit, { exportIgnore: false }));
  expect(all["a.crlf"]).toBe("one\r\ntwo\r\n");
  expect(all["subst"]).toBe("$Format:%H$\n");
  expect(all["hidden"]).toBe("here\n");
  const some = await textsOf(read.archive(commit, { exportIgnore: true }));
  expect(some["subst"]).toBe("$Format:%H$\n");
  expect(Object.keys(some).sort()).toEqual([".gitattributes", "a.crlf", "subst"]);
});

test("many commits are read as each of them is", async () => {
  const { code, mirrors, match, read } = scene();
  const commits = [
    code.commit({ "in/a.json": "{}\n\n", "b.txt": "b" }),
    code.commit({ "in/a.json": Buffer.from([0, 10, 255, 10, 13]) }, "committer x <x> 1 +0000"),
    code.commit({ "in/a.json": "x".repeat(2000) }, "long ".repeat(20_000)),
    code.commit({ "in/a.json": null, "in/b.json": "{}\n\n" }),
  ];
  await mirrors.fetch(match, null);
  const lost = "1".repeat(40);
  for (const path of ["in/a.json", "b.txt", "in", "../a", "none"]) {
    const all = await read.commitsWith([...commits, lost, commits[0]!], path, 1000);
    for (const [at, id] of [...commits, lost, commits[0]!].entries()) {
      const file = await read.file(id, path, 1000).catch((error) => error);
      const commit = await read.commit(id);
      expect([path, at, all[at]]).toEqual([path, at, commit && { commit, file }]);
    }
  }
  expect(await read.commitsWith([], "a", 1)).toEqual([]);
});

test("what a tag named once is never lost, wherever the tag goes", async () => {
  const { code, mirrors, match, read } = scene();
  code.commit({ "a.txt": "one\n" });
  const lost = code.commit({ "a.txt": "two\n" });
  code.tag("v1.0.0");
  await mirrors.fetch(match, null);
  code.git("reset", "--quiet", "--hard", "HEAD~1");
  const other = code.commit({ "a.txt": "three\n" });
  code.tag("v1.0.0");
  const { refs } = (await mirrors.fetch(match, null))!;
  expect(refs.find(({ kind }) => kind === "tag")!.commit).toBe(other);
  expect(Buffer.from((await read.file(lost, "a.txt", 10))!).toString()).toBe("two\n");
});

test("all refs of a first copy are in one file, and half a copy of a process that was killed is in nobody's way", async () => {
  const { data, code, mirrors, match } = scene();
  const commits = Array.from({ length: 5 }, (_, at) => code.commit({ "a.txt": `${at}\n` }));
  for (const [at, commit] of commits.entries()) code.tag(`v1.${at}.0`, commit);
  const folder = join(data, "git", mirrorName(match.url));
  mkdirSync(join(folder, "coming", "objects"), { recursive: true });
  writeFileSync(join(folder, "coming", "HEAD"), "half");
  const fetched = (await mirrors.fetch(match, null))!;
  expect(fetched.refs).toHaveLength(6);
  expect(readdirSync(folder).sort()).toEqual(["exact", "listing", "mirror"]);
  const loose = readdirSync(join(folder, "mirror", "refs"), {
    recursive: true,
    withFileTypes: true,
  });
  expect(loose.filter((one) => one.isFile())).toEqual([]);
  const packed = readFileSync(join(folder, "mirror", "packed-refs"), "utf8");
  for (const commit of commits) expect(packed).toContain(`${commit} refs/kept/${commit}\n`);
});

test("a repository of SHA-256 is mirrored as well", async () => {
  const data = mkdtempSync(join(tmpdir(), "holdfast-mirrors-"));
  const code = makeRepository(undefined, ["--object-format=sha256"]);
  cleanups.push(() => rmSync(data, { recursive: true, force: true }), code.remove);
  const mirrors = openMirrors(data);
  const commit = code.commit({ "a.txt": "one\n" });
  const settings = { names: "x.test/lib", git: code.url, everyMs: 1, limit: 2 ** 30 };
  await mirrors.fetch({ root: "x.test/lib", url: code.url, settings }, null);
  expect(commit).toHaveLength(64);
  expect(await mirrors.read(code.url).tree(commit)).toHaveLength(1);
});

test("more refs, or more bytes, than the bounds is a problem that says so", async () => {
  const few = scene({ refs: 3 });
  few.code.commit({ "a.txt": "one\n" });
  for (const name of ["a", "b", "c"]) few.code.tag(name);
  await expect(few.mirrors.fetch(few.match, null)).rejects.toThrow(/more than 3 branches and tags/);
  expect(few.mirrors.has(few.match.url)).toBe(false);
});

test("git that takes too long, writes too much or fails is told of, and nothing of it is left", async () => {
  const { code, mirrors, match } = scene({ fetchMs: 1 });
  code.commit({ "a.txt": "one\n" });
  await expect(mirrors.fetch(match, null)).rejects.toMatchObject({ kind: "unreachable" });
});
