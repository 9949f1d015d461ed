// A backup that is made beside a running server can be served, and has all that the server had.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { everyNamed } from "../src/cache/named.ts";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { commands } from "../src/main.ts";
import { start } from "../src/server/start.ts";
import { type BackupOptions, backUp } from "../src/store/backup.ts";
import { type FolderOptions, folderHome, readFolderBackup } from "../src/store/backup-folder.ts";
import { readNote } from "../src/store/backup-note.ts";
import { fileOf, layoutOf } from "../src/store/layout.ts";
import { lockData } from "../src/store/lock.ts";
import { restore as restoreFrom } from "../src/store/restore.ts";
import { configText } from "./support/config.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { databaseUrl } from "./support/postgres.ts";
import { run } from "./support/run.ts";
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
const source = () => ({ layout: layoutOf(server.data), files: null });
const again = (more: Partial<BackupOptions> = {}, how: FolderOptions = {}) =>
  backUp(source(), folderHome(folder, how), options(more));
const restore = (from: string, to: string, told: () => void) =>
  restoreFrom((root) => readFolderBackup(from, root), to, told);

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
    "catalogs",
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
    await expect(backUp(source(), folderHome(wrong), options())).rejects.toThrow("overlap");
  expect(existsSync(join(server.data, "backup"))).toBe(false);
});

const KELP = "/npm/kelp/-/kelp-1.0.0.tgz";
const fileIn = (root: string, sha256: string) => fileOf(layoutOf(root).blobs, sha256);
async function digestOf(path: string): Promise<string> {
  const [, base64] = await get(path);
  return createHash("sha256")
    .update(Buffer.from(String(base64), "base64"))
    .digest("hex");
}

test("one that was cut is none, and goes on", async () => {
  await get(TARBALL);
  await get(KELP);
  const cut = () => {
    throw new Error("cut");
  };
  await expect(again({ told: cut })).rejects.toThrow("cut");
  await expect(readNote(folder)).rejects.toThrow("holds no backup that came to its end");
  const { missing } = await again();
  expect(missing).toEqual([]);
  // The server's keys are in it.
  expect(statSync(layoutOf(folder).database).mode & 0o777).toBe(0o600);
  expect((await readNote(folder)).holdfast).toBe("0.0.0");
  // One that is cut later leaves the one before whole.
  await get("/npm/@reef%2fcoral/-/coral-1.4.2.tgz");
  await get("/npm/@reef%2fcoral");
  await expect(again({ told: cut })).rejects.toThrow("cut");
  expect((await readNote(folder)).holdfast).toBe("0.0.0");
});

test("what a power cut shortened is copied once more, and what rots is found", async () => {
  const sha256 = await digestOf(TARBALL);
  await again();
  chmodSync(fileIn(folder, sha256), 0o600);
  writeFileSync(fileIn(folder, sha256), "short");
  expect((await again()).files).toBe(1);
  expect(readFileSync(fileIn(folder, sha256))).toEqual(readFileSync(fileIn(server.data, sha256)));

  chmodSync(fileIn(folder, sha256), 0o600);
  writeFileSync(fileIn(folder, sha256), Buffer.alloc(readFileSync(fileIn(folder, sha256)).length));
  const verified = await play("backup", "verify", folder);
  expect(verified.code).toBe(1);
  expect(verified.printed).toContain("altered ");
  const to = join(folder, "..", "restored");
  const restored = await play("restore", folder, "--data", to);
  expect(restored.code).toBe(1);
  expect(restored.printed).toContain(`damaged  ${sha256}`);
  expect(existsSync(fileIn(to, sha256))).toBe(false);
  expect(existsSync(layoutOf(to).database)).toBe(true);
});

test("files that go while the catalog is taken are not missed, and those that are lost are told", async () => {
  const [one, two] = [await digestOf(TARBALL), await digestOf(KELP)];
  const database = new Database(layoutOf(server.data).database);
  let isFirst = true;
  const made = await again({
    // Removed to make room, after the catalog was taken and before its files are looked for.
    named({ read }) {
      if (isFirst) {
        database.query("DELETE FROM artifacts WHERE sha256 = ?").run(one);
        for (const root of [server.data, folder]) rmSync(fileIn(root, one), { force: true });
      }
      isFirst = false;
      return everyNamed(read);
    },
  });
  database.close();
  expect(made.missing).toEqual([]);
  for (const root of [server.data, folder]) rmSync(fileIn(root, two), { force: true });
  expect((await again()).missing).toEqual([two]);
});

test("how old it is, is told to people, programs and whoever waits for the next one", async () => {
  expect(await play("backup", "show", folder)).toMatchObject({
    code: 1,
    printed: expect.stringContaining("holds no backup that came to its end"),
  });
  await again();
  const { madeAt, catalog } = await readNote(folder);
  expect(await play("backup", "show", folder, "--within", "1h")).toEqual({
    code: 0,
    printed: `A backup of ${madeAt}, by Holdfast 0.0.0. That is 0 hours ago.\n`,
  });
  const { printed } = await play("backup", "show", folder, "--json");
  expect(JSON.parse(printed)).toMatchObject({ madeAt, catalog, ageSeconds: expect.any(Number) });
  const old = {
    holdfast: "0.0.0",
    madeAt: new Date(Date.now() - 7_500_000).toISOString(),
    catalog,
  };
  writeFileSync(join(folder, "backup.json"), JSON.stringify(old));
  expect(await play("backup", "show", folder, "--within", "3h")).toMatchObject({ code: 0 });
  expect(await play("backup", "show", folder, "--within", "2h")).toMatchObject({
    code: 1,
    printed: expect.stringMatching(/2 hours ago\.\nIt is older than 2h\.\n$/),
  });
  expect((await play("backup", "show", folder, "--within", "soon")).code).toBe(2);
  const made = (madeAt: string) =>
    writeFileSync(join(folder, "backup.json"), JSON.stringify({ ...old, madeAt }));
  made(new Date(Date.now() + 7_500_000).toISOString());
  expect(await play("backup", "show", folder, "--within", "3h")).toMatchObject({
    code: 1,
    printed: expect.stringMatching(/still to come\.\nHow old it is cannot be said: /),
  });
  // Two machines' clocks are never quite the same.
  made(new Date(Date.now() + 60_000).toISOString());
  expect(await play("backup", "show", folder, "--within", "3h")).toMatchObject({
    code: 0,
    printed: expect.stringContaining("That is 0 hours ago."),
  });
  made("last night");
  expect(await play("backup", "show", folder, "--within", "3h")).toMatchObject({
    code: 1,
    printed: expect.stringContaining("backup.json is damaged"),
  });
});

test("files can be further names of the same bytes", async () => {
  const sha256 = await digestOf(TARBALL);
  await again({}, { isLinked: true });
  expect(statSync(fileIn(folder, sha256)).ino).toBe(statSync(fileIn(server.data, sha256)).ino);
  const to = join(folder, "..", "restored");
  expect((await play("restore", folder, "--data", to)).code).toBe(0);
  expect(statSync(fileIn(to, sha256)).ino).not.toBe(statSync(fileIn(folder, sha256)).ino);
});

test("a restore writes over nothing, and goes on where it was cut", async () => {
  await get(TARBALL);
  await get(KELP);
  await again();
  const to = join(folder, "..", "restored");
  const cut = () => {
    throw new Error("cut");
  };
  await expect(restore(folder, to, cut)).rejects.toThrow("cut");
  expect(existsSync(layoutOf(to).database)).toBe(false);
  // Nobody starts a server on half of it.
  const config = loadConfig({ formats, flags: { data: to }, env: {} });
  await expect(start({ config, log: createLog("json", () => {}) })).rejects.toThrow("was cut");
  expect((await restore(folder, to, () => {})).files).toBeLessThan(3);
  expect(statSync(layoutOf(to).database).mode & 0o777).toBe(0o600);
  expect(existsSync(join(to, "restore.json"))).toBe(false);
  await expect(restore(folder, to, () => {})).rejects.toThrow("is not empty");
  await expect(restore(folder, folder, () => {})).rejects.toThrow("overlap");

  const other = join(folder, "..", "other");
  await expect(restore(folder, other, cut)).rejects.toThrow("cut");
  await get("/npm/@reef%2fcoral");
  await again();
  await expect(restore(folder, other, () => {})).rejects.toThrow("restore of another backup");

  const served = new Database(layoutOf(folder).database);
  served.run("CREATE TABLE more (a TEXT)");
  served.close();
  await expect(restore(folder, join(to, "..", "third"), () => {})).rejects.toThrow(
    "not the one that was backed up",
  );
  expect((await play("restore", folder)).code).toBe(2);
});

async function play(...words: string[]): Promise<{ code: number; printed: string }> {
  const terminal = fakeTerminal({ cwd: join(folder, ".."), now: Date.now });
  const code = await runCli(words, commands(), terminal);
  return { code, printed: terminal.printed.out + terminal.printed.err };
}

test("of several the files of each stay for as long as it does, and then go", async () => {
  const keep = { retention: { count: 2, ms: null } };
  await get("/npm/kelp");
  const [, tarball] = await get(TARBALL);
  const [row] = server.files().filter(({ file }) => file === "kelp-2.0.0.tgz");
  const { sha256 } = row!;
  const inCopy = () => existsSync(fileOf(layoutOf(folder).blobs, sha256));
  expect(await again(keep)).toMatchObject({ generations: 1, pruned: 0 });
  const first = await readNote(folder);

  await server.restart({}, () => {
    const database = new Database(layoutOf(server.data).database);
    database.run("DELETE FROM artifacts WHERE file = 'kelp-2.0.0.tgz'");
    database.close();
    rmSync(fileOf(layoutOf(server.data).blobs, sha256));
  });
  expect(await again(keep)).toMatchObject({ generations: 2, pruned: 0 });
  expect(inCopy()).toBe(true);
  const note = await readNote(folder);
  expect(note.earlier).toEqual(
    [{ ...first, earlier: undefined }].map(({ earlier: _, ...one }) => one),
  );
  // Cut before it counted: the two of before are as they were.
  const cut = { ...keep, takeCatalog: () => Promise.reject(new Error("cut here")) };
  await expect(again(cut)).rejects.toThrow("cut here");
  expect(await readNote(folder)).toEqual(note);

  const before = Date.parse(first.madeAt);
  const to = join(folder, "..", "earlier");
  await restoreFrom(
    (root) => readFolderBackup(folder, root, before),
    to,
    () => {},
  );
  const bytes = readFileSync(fileOf(layoutOf(to).blobs, sha256)).toString("base64");
  expect(bytes).toBe(String(tarball));
  const terminal = fakeTerminal();
  expect(await runCli(["verify", "--data", to], commands(), terminal)).toBe(0);
  await expect(readFolderBackup(folder, to, before - 1)).rejects.toThrow("has no backup of");

  // Where nothing is new it is the same backup.
  expect(await again(keep)).toMatchObject({ generations: 2, pruned: 0 });
  await get("/npm/kelp/-/kelp-1.0.0.tgz");
  expect(await again(keep)).toMatchObject({ generations: 2, pruned: 1 });
  expect(inCopy()).toBe(false);
  const verify = fakeTerminal();
  expect(await runCli(["verify", "--data", folder], commands(), verify)).toBe(0);
  expect(readdirSync(join(folder, "catalogs"))).toHaveLength(3);
  // Without a word on it none of them goes but the last, whose place it takes.
  await get("/npm/@reef/coral/-/coral-1.4.2.tgz");
  expect(await again()).toMatchObject({ generations: 2, pruned: null });
});

test("a note that cannot be read is not none: no backup is forgotten, and none is said to be missing", async () => {
  const keep = { retention: { count: 2, ms: null } };
  await again(keep);
  const note = await readNote(folder);
  const path = join(folder, "backup.json");
  renameSync(path, `${path}.aside`);
  symlinkSync("backup.json", path); // leads to itself
  const strange = "The backup is not as this server made it";
  await expect(readNote(folder)).rejects.toThrow(strange);
  await expect(readFolderBackup(folder, join(folder, "..", "to"))).rejects.toThrow(strange);
  await expect(again(keep)).rejects.toThrow(strange);
  rmSync(path);
  writeFileSync(path, '{"madeAt":');
  await expect(readNote(folder)).rejects.toThrow("backup.json is damaged");
  await expect(again(keep)).rejects.toThrow("backup.json is damaged");
  renameSync(`${path}.aside`, path);
  expect(await readNote(folder)).toEqual(note);
});

test("a disk that is full is the backup's where it is, and not the server's", async () => {
  const small = tempFolder("backup-disk");
  const mounted = await run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", small], {
    cwd: "/",
  });
  expect(mounted, "this test needs root, to mount a small disk of its own").toMatchObject({
    code: 0,
  });
  try {
    await expect(backUp(source(), folderHome(join(small, "to")), options())).rejects.toThrow(
      "The disk that holds the backup is full",
    );
  } finally {
    await run(["umount", small], { cwd: "/" });
    removeTemp(small);
  }
});

test("which backups are there is read when no other one can come to its end any more", async () => {
  await again({ retention: { count: 2, ms: null } });
  const writing = folderHome(folder).write(source());
  expect(() => lockData(layoutOf(folder).lock)).toThrow();
  const writer = await writing;
  expect(writer.earlier).toHaveLength(1);
  await writer.close();
});

test("the server knows how the last one ended, whoever was told, and doctor says when one fails", async () => {
  await server.restart({ hasControl: true });
  const file = join(folder, "..", "holdfast.yaml");
  const names = ["npm", "pypi", "go", "composer", "debian", "debian-security"];
  const repositories = Object.fromEntries(names.map((name) => [name, false]));
  const database = server.place && databaseUrl(server.place);
  writeFileSync(
    file,
    JSON.stringify({ data: server.data, repositories, ...(database && { database }) }),
  );
  const play = async (...words: string[]) => {
    const terminal = fakeTerminal({ now: Date.now });
    const code = await runCli([...words, "--config", file], commands(), terminal);
    return { code, printed: terminal.printed.out + terminal.printed.err };
  };
  const metrics = async () => (await fetch(`${server.url}/-/metrics`)).text();
  expect(await metrics()).not.toMatch(/^holdfast_backup_age_seconds /m);
  expect((await play("doctor")).printed).not.toContain("backups");

  const made = await play("backup", folder);
  expect([made.code, made.printed]).toEqual([0, expect.not.stringContaining("could not be told")]);
  server.advance(90_000);
  const [, age] = /^holdfast_backup_age_seconds ([\d.]+)$/m.exec(await metrics())!;
  expect(Number(age)).toBeGreaterThanOrEqual(90);
  expect((await play("doctor")).printed).toContain(
    `the last one, to ${folder}, came to its end on`,
  );

  // Without a server it is written down as well; and a failure beside what is known.
  await server.restart({ hasControl: true }, async () => {
    writeFileSync(join(folder, "lock.json"), "");
    const held = lockData(layoutOf(folder).lock);
    expect((await play("backup", folder)).code).toBe(1);
    held.release();
  });
  const { printed } = await play("doctor");
  expect(printed).toMatch(/! backups .*came to its end on .*; on .* one failed: .*is running on/);
  server.advance(3 * 86_400_000);
  await server.operate("alarms look", "");
  expect(server.log.join("\n")).toContain("since then one failed");
  expect((await play("backup", folder)).code).toBe(0);
  expect((await play("doctor")).printed).not.toMatch(/backups .*one failed/);

  // Nor is one the worse where nothing can be written, or what is there made one of this version.
  await server.restart({ hasControl: true }, async () => {
    if (database) return;
    const { database: catalog, lock } = layoutOf(server.data);
    const version = (set = "") => {
      const file = new Database(catalog);
      if (set) file.run(`PRAGMA user_version = ${set}`);
      const { user_version: found } = file.query("PRAGMA user_version").get() as never;
      file.close();
      return Number(found);
    };
    const current = version();
    version(`${current - 1}`);
    const held = lockData(layoutOf(folder).lock);
    const older = await play("backup", folder);
    held.release();
    expect(older).toEqual({
      code: 1,
      printed: expect.stringContaining("this program speaks version"),
    });
    expect(version()).toBe(current - 1);
    version(`${current}`);
    renameSync(lock, `${lock}.away`);
    mkdirSync(lock);
    const there = await play("backup", join(folder, "..", "once more"));
    expect(there).toEqual({ code: 0, printed: expect.stringContaining("could not be told") });
    rmdirSync(lock);
    renameSync(`${lock}.away`, lock);
  });
});
