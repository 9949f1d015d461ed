// What the append-only log relies on, in a folder and in a bucket alike.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTestLogFiles } from "./bucket-testkit.ts";
import type { LogFiles } from "./log-files.ts";

let folder: string;
let files: LogFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-log-files-"));
  files = openTestLogFiles(join(folder, "log"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = async (path: string) => {
  const bytes = await files.read(path);
  return bytes && Buffer.from(bytes).toString();
};

test("what is written is read, in place of what was there, and nothing else is", async () => {
  expect([await read("tile/0/000"), await files.has("tile/0/000")]).toEqual([null, false]);
  await files.write("tile/0/000", "one");
  await files.write("tile/0/000", Buffer.from("two"));
  expect([await read("tile/0/000"), await files.has("tile/0/000")]).toEqual(["two", true]);
  expect(await read("tile/0/000/more")).toBeNull();
});

test("a file goes alone, and a folder with all that is in it", async () => {
  for (const path of ["tile/0/000", "tile/0/000.p/1", "tile/0/000.p/2", "checkpoint"])
    await files.write(path, path);
  await files.remove("tile/0/000.p");
  await files.remove("tile/0/000.p");
  await files.remove("none");
  expect(await read("tile/0/000.p/1")).toBeNull();
  expect(await read("tile/0/000")).toBe("tile/0/000");
  await files.remove("tile/0/000");
  expect(await read("tile/0/000")).toBeNull();
  expect(await read("checkpoint")).toBe("checkpoint");
  await files.remove(".");
  expect(await read("checkpoint")).toBeNull();
});

test("of those who replace the same text one does, and it may say so twice", async () => {
  expect(await files.replace("checkpoint", "one", "none")).toBe(false);
  expect(await files.replace("checkpoint", "one", null)).toBe(true);
  expect(await files.replace("checkpoint", "one", null)).toBe(true);
  expect(await files.replace("checkpoint", "two", null)).toBe(false);
  expect(await files.replace("checkpoint", "two", "one")).toBe(true);
  expect(await files.replace("checkpoint", "three", "one")).toBe(false);
  expect(await read("checkpoint")).toBe("two");
});

test("what is set aside is out of the way, whole, and not in the way of the next", async () => {
  for (const text of ["first", "second"]) {
    await files.write("checkpoint", text);
    await files.write("tile/0/000", text);
    expect(await files.setAside()).toContain(text === "first" ? "log.1" : "log.2");
    expect([await read("checkpoint"), await read("tile/0/000")]).toEqual([null, null]);
  }
});
