// A backup that is made beside a running server can be served, and has all that the server had.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { everyNamed } from "../src/cache/named.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { start } from "../src/server/start.ts";
import { type BackupOptions, backUp } from "../src/store/backup.ts";
import { layoutOf } from "../src/store/layout.ts";
import { configText } from "./support/config.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

let upstream: FakeUpstream;
let server: TestServer;
let folder: string;
beforeEach(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
  folder = join(tempFolder("backup"), "copy");
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
  removeTemp(join(folder, ".."));
});
const TARBALL = "/npm/kelp/-/kelp-2.0.0.tgz";
const get = async (path: string) => {
  const response = await fetch(server.url + path);
  return [response.status, Buffer.from(await response.arrayBuffer()).toString("base64")];
};
const options = (more: Partial<BackupOptions> = {}): BackupOptions => ({
  named: ({ read }) => everyNamed(read),
  version: "0.0.0",
  told() {},
  ...more,
});
const again = (more: Partial<BackupOptions> = {}) =>
  backUp(layoutOf(server.data), folder, options(more));

test("what was served is served from the backup, with the upstream off", async () => {
  const first = await get("/npm/kelp");
  expect((await again()).files).toBe(1);
  const tarball = await get(TARBALL);
  // Only what is new.
  expect((await again()).files).toBe(1);
  expect((await again()).files).toBe(0);
  expect(readdirSync(folder).sort()).toEqual([
    "backup.json",
    "blobs",
    "evidence",
    "holdfast.db",
    "incoming",
    "lock.db",
    "views",
  ]);
  const file = join(folder, "..", "holdfast.yaml");
  writeFileSync(file, configText(upstream, { offline: true }));
  const config = loadConfig({ file, formats, flags: { data: folder }, env: {} });
  const copy = await start({ config, log: createLog("json", () => {}) });
  try {
    await expect(again()).rejects.toThrow(`is running on the data directory ${folder}`);
    const from = async (path: string) => {
      const response = await fetch(copy.url + path);
      return [response.status, Buffer.from(await response.arrayBuffer()).toString("base64")];
    };
    expect(await from(TARBALL)).toEqual(tarball);
    const [status, text] = await from("/npm/kelp");
    const plain = (base64: unknown) =>
      Buffer.from(String(base64), "base64").toString().replaceAll(copy.url, server.url);
    expect([status, plain(text)]).toEqual([200, plain(first[1])]);
  } finally {
    await copy.stop();
  }
});

test("a backup into the data directory, or of it into what holds it, is refused", async () => {
  for (const wrong of [server.data, join(server.data, "backup"), join(server.data, "..")])
    await expect(backUp(layoutOf(server.data), wrong, options())).rejects.toThrow("overlap");
  expect(existsSync(join(server.data, "backup"))).toBe(false);
});
