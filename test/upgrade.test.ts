// A data directory of an earlier version serves on under this one, and what this one wrote is refused by one that does not know it.
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { start } from "../src/server/start.ts";
import { CURRENT } from "../src/store/migrate.ts";
import answers from "./fixtures/data-0.2.0/answers.json" with { type: "json" };
import { removeTemp, tempFolder } from "./support/temp.ts";

// Version 0.2.0 was started on an empty directory, asked for what answers.json lists, restarted and stopped. The catalog is its
// holdfast.db as SQL; `sha256` there is of a body in which the server's own address is http://HERE.
const FIXTURE = new URL("fixtures/data-0.2.0/", import.meta.url).pathname;
const VERSION = 2;

let home: string;
let data: string;
beforeEach(() => {
  home = tempFolder("upgrade");
  data = join(home, "data");
  mkdirSync(data, { mode: 0o700 });
  const database = new Database(join(data, "holdfast.db"), { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.exec(readFileSync(join(FIXTURE, "catalog.sql"), "utf8"));
  database.close();
  for (const name of readdirSync(join(FIXTURE, "blobs"))) {
    const folder = join(data, "blobs", "sha256", name.slice(0, 2));
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(FIXTURE, "blobs", name), join(folder, name.slice(2)));
  }
});
afterEach(() => removeTemp(home));

function open() {
  const file = join(home, "holdfast.yaml");
  writeFileSync(file, JSON.stringify({ offline: true }));
  const config = loadConfig({ file, formats, flags: { data, listen: "127.0.0.1:0" }, env: {} });
  return start({ config, log: createLog("json", () => {}) });
}

test("all that 0.2.0 had is served, with the bytes that its clients got", async () => {
  const server = await open();
  const url = server.url.replace(/\/$/, "");
  try {
    for (const { path, headers, status, type, sha256 } of answers.answers) {
      const response = await fetch(url + path, { headers: headers as Record<string, string> });
      const body = Buffer.from(await response.arrayBuffer()).toString("latin1");
      const told = createHash("sha256")
        .update(body.replaceAll(url, "http://HERE"), "latin1")
        .digest("hex");
      expect([path, response.status, response.headers.get("content-type"), told]).toEqual([
        path,
        status,
        type,
        sha256,
      ]);
    }
  } finally {
    await server.stop();
  }
});

test("the catalog of before is kept beside it, and goes back into its place", async () => {
  await (await open()).stop();
  expect(versionOf("holdfast.db")).toBe(CURRENT);
  const copy = `holdfast.db.version-${VERSION}`;
  expect(versionOf(copy)).toBe(VERSION);
  const files = new Database(join(data, copy), { readonly: true });
  expect(files.query("SELECT count(*) AS files FROM artifacts").get()).toEqual({ files: 7 });
  files.close();
  // As docs/operation.md says: and it is upgraded once more, from what it is by now.
  renameSync(join(data, copy), join(data, "holdfast.db"));
  for (const beside of ["-wal", "-shm"])
    rmSync(join(data, `holdfast.db${beside}`), { force: true });
  await (await open()).stop();
  expect(versionOf("holdfast.db")).toBe(CURRENT);
});

test("a copy that an upgrade was cut in is made again", async () => {
  writeFileSync(join(data, `holdfast.db.version-${VERSION}.part`), "half");
  writeFileSync(join(data, `holdfast.db.version-${VERSION}`), "of an upgrade before");
  await (await open()).stop();
  expect(versionOf(`holdfast.db.version-${VERSION}`)).toBe(VERSION);
});

test("a newer catalog is refused with what to do, and is left as it was", async () => {
  await (await open()).stop();
  const file = join(data, "holdfast.db");
  const newer = new Database(file);
  newer.run(`PRAGMA user_version = ${CURRENT + 1}`);
  newer.close();
  const before = readFileSync(file);
  const refusal = `written by a newer Holdfast (database version ${CURRENT + 1}; this one knows ${CURRENT}). Run that one, or put the copy of ${file} from before`;
  await expect(open()).rejects.toThrow(refusal);
  expect(readFileSync(file)).toEqual(before);
});

function versionOf(name: string): number {
  const file = new Database(join(data, name), { readonly: true });
  const { user_version: version } = file.query("PRAGMA user_version").get() as {
    user_version: number;
  };
  file.close();
  return version;
}
