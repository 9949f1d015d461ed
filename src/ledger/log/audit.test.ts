// The audit beside a real catalog: what was changed past the log is found and named, in rows, in files and in time; and an operator can accept it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import type { Database } from "../../store/database.ts";
import { openLogFiles } from "../../store/log-files.ts";
import { openTestDatabase } from "../../store/testkit.ts";
import { createEvents, type Events } from "../events.ts";
import { mergeFacts } from "../merge.ts";
import { pin, unpin } from "../pins.ts";
import { acceptHistory } from "./accept.ts";
import { auditLog } from "./audit.ts";
import { type LedgerLog, openLog } from "./log.ts";

const HOUR = 60 * 60 * 1000;
const isPostgres = Boolean(process.env["HOLDFAST_TEST_POSTGRES"]);

let folder: string;
let database: Database;
let events: Events;
let log: LedgerLog;
let time: number;
beforeEach(async () => {
  folder = tempFolder("audit");
  time = Date.UTC(2026, 0, 1);
  database = await openTestDatabase(join(folder, "holdfast.db"));
  events = createEvents(
    database,
    createLog("json", () => {}),
    createMetrics(),
    () => time,
  );
  log = await open();
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

const open = () =>
  openLog({ files: openLogFiles(join(folder, "log")), database, events, name: "log.example.test" });
const deps = () => ({
  ...{ files: log.files, read: database.read, log, now: () => time },
  ...{ database, events },
});
const call = (found: string[]) => ({
  async found({ kind, text }: { kind: string; text: string }) {
    found.push(`${kind}: ${text}`);
  },
  progress() {},
  signal: new AbortController().signal,
});
async function audit(): Promise<string[]> {
  const found: string[] = [];
  const { findings } = await auditLog(deps(), call(found));
  expect(findings).toBe(found.length);
  return found;
}
const key = (at: number) => ({ repository: "npm", package: "kelp", file: `kelp-${at}.tgz` });
const pinSome = (from: number, count: number) =>
  database.write(async (sql) => {
    const more = { size: 3, firstSeen: time, upstream: "r.example.test", digests: null };
    for (let at = from; at < from + count; at += 1)
      await pin(sql, key(at), { sha256: "a".repeat(64), content: null, ...more });
  });
const learn = (version: string, integrity: string) =>
  mergeFacts(
    database,
    {
      ...{ repository: "npm", package: "kelp", complete: false, isKnown: true },
      facts: [{ file: `kelp-${version}.tgz`, version, integrity }],
      now: new Date(time).toISOString(),
    },
    async () => {},
  );
/** What whoever can write the database's file can do: no trigger sees it. */
async function past(table: string, change: string): Promise<void> {
  await database.write(async (sql) => {
    if (isPostgres) {
      await sql.unsafe(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      await sql.unsafe(change);
      return sql.unsafe(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
    }
    const triggers =
      await sql`SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ${table}`;
    for (const { name } of triggers) await sql.unsafe(`DROP TRIGGER ${name}`);
    await sql.unsafe(change);
    for (const { sql: text } of triggers) await sql.unsafe(text);
  });
}

test("a log and a database that belong together are told as such, while both grow", async () => {
  await pinSome(0, 600);
  await learn("1.0.0", "sha256-abc");
  await learn("1.0.0", "sha256-abc sha512-def");
  await database.write((sql) => unpin(sql, key(3), { at: time, by: "ann", reason: "wrong" }));
  events.report("npm", { kind: "lifted", package: "kelp", message: "lifted" });
  await events.settled();
  expect(await audit()).toEqual([]);
  await pinSome(3, 1);
  expect(await audit()).toEqual([]);
});

const edits: [what: string, table: string, change: string, told: RegExp][] = [
  [
    "an edited pin",
    "pins",
    `UPDATE pins SET sha256 = '${"b".repeat(64)}' WHERE file = 'kelp-7.tgz'`,
    /^edited: the pin npm kelp kelp-7\.tgz is not what its newest leaf says/,
  ],
  [
    "a deleted pin",
    "pins",
    "DELETE FROM pins WHERE file = 'kelp-7.tgz'",
    /^missing: the pin npm kelp kelp-7\.tgz is in the log \(leaf 7\) and no longer in the database/,
  ],
  [
    "a pin past the log",
    "pins",
    `INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream)
      VALUES ('npm', 'kelp', 'kelp-9000.tgz', '${"c".repeat(64)}', 3, 7, 'elsewhere')`,
    /^unlogged: the pin npm kelp kelp-9000\.tgz is in the database, and no leaf of the log/,
  ],
  [
    "a pin that is back",
    "pins",
    `INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream)
      VALUES ('npm', 'kelp', 'kelp-3.tgz', '${"c".repeat(64)}', 3, 7, 'elsewhere')`,
    /^returned: the pin npm kelp kelp-3\.tgz was taken back/,
  ],
  [
    "an edited fact",
    "facts",
    "UPDATE facts SET published_at = '2020-01-01T00:00:00.000Z' WHERE file = 'kelp-1.0.0.tgz'",
    /^edited: the fact npm kelp 1\.0\.0 kelp-1\.0\.0\.tgz/,
  ],
  [
    "an event that has gone",
    "events",
    "DELETE FROM events WHERE kind = 'lifted'",
    /^missing: the event lifted npm kelp is in the log/,
  ],
  [
    "an event that says something else",
    "events",
    "UPDATE events SET message = 'nothing happened' WHERE kind = 'lifted'",
    /^missing: the event lifted npm kelp is in the log/,
  ],
  [
    "a waiver that nobody made",
    "waivers",
    `INSERT INTO waivers (id, repository, purl_type, package, versions, reason, owner, created_at)
      VALUES ('w1', '', 'npm', 'kelp', '*', 'why not', 'ann', 7)`,
    /^unlogged: the waiver w1 kelp \*/,
  ],
];

for (const [what, table, change, told] of edits)
  test(`${what} is found, and nothing else; accepted, it is no finding any more`, async () => {
    await pinSome(0, 10);
    await learn("1.0.0", "sha256-abc");
    await database.write((sql) => unpin(sql, key(3), { at: time, by: "ann", reason: "wrong" }));
    events.report("npm", { kind: "lifted", package: "kelp", message: "lifted" });
    await events.settled();
    expect(await audit()).toEqual([]);
    await past(table, change);
    const found = await audit();
    expect(found[0]).toMatch(told);
    // An event is known by all that it says: one that says something else is one more, and one less.
    expect(found).toHaveLength(what.includes("something else") ? 2 : 1);

    const before = log.note();
    expect(await acceptHistory(deps(), { by: "ann", reason: "a test" }, call([]))).toBe(
      found.length,
    );
    expect(log.note()).not.toBe(before);
    expect(await audit()).toEqual([]);
    expect(await events.list({ limit: 1 })).toMatchObject([
      { kind: "history-accepted", detail: { findings: found.length } },
    ]);
  });

test("what triggers saw and cannot be is found as well: another publication time, another integrity, a pin that changed", async () => {
  await pinSome(0, 2);
  await learn("1.0.0", "sha256-abc");
  await learn("1.1.0", "sha256-abc");
  await database.write(async (sql) => {
    await sql`UPDATE facts SET integrity = 'sha256-evil' WHERE file = 'kelp-1.0.0.tgz'`;
    await sql`UPDATE facts SET first_seen = '2020-01-01T00:00:00.000Z' WHERE file = 'kelp-1.1.0.tgz'`;
  });
  await log.drain();
  await past("pins", "DELETE FROM pins WHERE file = 'kelp-1.tgz'");
  time += 1;
  await pinSome(1, 1);
  expect(await audit()).toEqual([
    expect.stringMatching(
      /^rewritten: the fact .*1\.0\.0.* was given another integrity \(leaf 4\)/,
    ),
    expect.stringMatching(
      /^rewritten: the fact .*1\.1\.0.* another time of first sight \(leaf 5\)/,
    ),
    expect.stringMatching(/^rewritten: the pin .*kelp-1\.tgz was pinned once more \(leaf 6\)/),
  ]);
  await acceptHistory(deps(), { by: "ann", reason: "a test" }, call([]));
  expect(await audit()).toEqual([]);
});

test("a clock that was put back, and one that runs ahead, are found", async () => {
  await pinSome(0, 1);
  await log.drain();
  time -= 3 * HOUR;
  await pinSome(1, 3); // told once
  await log.drain();
  expect(await audit()).toEqual(
    [
      expect.stringMatching(/^clock: the clock was put back: .*leaf 1.*2025-12-31T21:00:00\.000Z/),
      expect.stringMatching(
        /^clock: the pin .*kelp-0\.tgz \(leaf 0\) is of 2026-01-01.* yet to come/,
      ),
    ].toReversed(),
  );
  time += 6 * HOUR;
  expect(await audit()).toHaveLength(1);
  await pinSome(4, 1);
  await acceptHistory(deps(), { by: "ann", reason: "the battery was empty" }, call([]));
  time += 1;
  await pinSome(5, 1);
  expect(await audit()).toEqual([]);
});

test("one byte of a tile, of entries and of the checkpoint is found, and cannot be accepted", async () => {
  await pinSome(0, 600);
  await log.drain();
  const paths = ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"];
  for (const path of [...paths, "tile/entries/002.p/88", "checkpoint"]) {
    const file = join(folder, "log", path);
    const bytes = readFileSync(file);
    const changed = Buffer.from(bytes);
    changed[40]! ^= 1;
    writeFileSync(file, changed);
    const found = await audit();
    expect([path, found]).toEqual([
      path,
      expect.arrayContaining([expect.stringMatching(/^files: /)]),
    ]);
    const accepting = acceptHistory(deps(), { by: "ann", reason: "a test" }, call([]));
    await expect(accepting).rejects.toThrow("nobody can accept");
    rmSync(file);
    expect((await audit())[0]).toContain("is not there");
    writeFileSync(file, bytes);
  }
  expect(await audit()).toEqual([]);
});
