import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileBody } from "../core/reply.ts";
import { openViewFiles, VIEWS_OF_ONE } from "./view-files.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "holdfast-views-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** All files, relative to the root. */
const stored = () =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const view = (digest: string, name = "all") => openViewFiles(root).file(["d"], digest, [name]);
const bytesOf = async (digest: string, name = "all") => {
  const found = await view(digest, name).load();
  return found instanceof Uint8Array ? Buffer.from(found).toString() : found;
};

async function save(digest: string, text: string, name = "all"): Promise<void> {
  const file = view(digest, name);
  writeFileSync(await file.begin(), text);
  await file.finish();
}

test("a view is found again by what it depends on", async () => {
  await save("one", "text");
  expect(await bytesOf("one")).toBe("text");
  expect(await bytesOf("two")).toBe(null);
  expect(await bytesOf("one", "other")).toBe(null);
});

test("a view that a power cut left short is not sent", async () => {
  await save("one", "text");
  truncateSync(stored()[0]!, 2);
  expect(await bytesOf("one")).toBe(null);
  await save("one", "text");
  expect(await bytesOf("one")).toBe("text");
});

test("views of what the document was go, but neither a young one nor one that is being written", async () => {
  await save("old", "old");
  const old = new Date(Date.now() - 120_000);
  utimesSync(stored()[0]!, old, old);
  await save("new", "new");
  const running = view("newer");
  writeFileSync(await running.begin(), "newer");
  await save("old", "again", "other"); // an older state may be rendered last
  await running.finish();
  expect([await bytesOf("old", "all"), await bytesOf("new"), await bytesOf("newer")]).toEqual([
    null,
    "new",
    "newer",
  ]);
});

test("two that render one view at a time do not write into each other's file", async () => {
  const views = openViewFiles(root);
  const begin = () => views.file(["d"], "one", ["all"]).begin();
  expect(await begin()).not.toBe(await begin());
});

test("no document has more views than a few: names that clients choose are part of them", async () => {
  for (let at = 0; at < VIEWS_OF_ONE + 5; at += 1) {
    await save("one", "text", `base ${at}`);
    expect(await bytesOf("one", `base ${at}`)).toBe("text");
  }
  expect(stored().length).toBe(VIEWS_OF_ONE);
});

for (const [what, size] of [
  ["small", 1000],
  ["large", 1024 * 1024 + 1],
] as const) {
  const flip = (path: string) => {
    const { atime, mtime } = statSync(path);
    const file = openSync(path, "r+");
    writeSync(file, "x", 700);
    closeSync(file);
    return { hide: () => utimesSync(path, atime, mtime) };
  };

  test(`a ${what} view that the disk altered is not sent after a start, but told and removed`, async () => {
    await save("one", "v".repeat(size));
    const path = stored()[0]!;
    flip(path).hide();
    const told: string[] = [];
    const views = openViewFiles(root, (path) => told.push(path));
    expect(await views.isSound(path)).toBe(false);
    expect(await views.file(["d"], "one", ["all"]).load()).toBeNull();
    expect(told).toEqual([path]);
    expect(stored()).toEqual([]);
  });
}

test("a large view that is altered while it is in service is hashed again", async () => {
  await save("one", "v".repeat(1024 * 1024 + 1));
  const views = openViewFiles(root);
  const body = (await views.file(["d"], "one", ["all"]).load()) as FileBody;
  expect(await views.isThere(body)).toBe(true);
  expect(await views.isSound(body.path)).toBe(true);
  writeFileSync(body.path, "w".repeat(1024 * 1024 + 1));
  utimesSync(body.path, new Date(1), new Date(1));
  expect(await views.isThere(body)).toBe(false);
  expect(await views.file(["d"], "one", ["all"]).load()).toBeNull();
});

test("what is being written, or was by an earlier version, is no view to judge", async () => {
  const file = view("one");
  writeFileSync(await file.begin(), "half");
  const views = openViewFiles(root);
  expect(await views.isSound(stored()[0]!)).toBeNull();
  expect(
    await views.isSound(join(root, "ab", "c", `${"0".repeat(32)}-${"0".repeat(32)}-4.gz`)),
  ).toBeNull();
});

test("views that were removed with their folder are none", async () => {
  rmSync(root, { recursive: true });
  expect(await Array.fromAsync(openViewFiles(root).list())).toEqual([]);
  await save("one", "again");
  expect(await Array.fromAsync(openViewFiles(root).list())).toHaveLength(1);
});
