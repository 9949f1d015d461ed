// The append-only log beside a real catalog: what becomes leaves, what a crash leaves behind, and what is noticed of a loss.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { readTestLog, writeTestLog } from "../../../test/support/log-files.ts";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import { openCheckpoint } from "../../proof/checkpoint.ts";
import { checkTree, nodeHash, proveTree, recordHash, treeHash } from "../../proof/merkle.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import { openTestLogFiles } from "../../store/bucket-testkit.ts";
import type { Database } from "../../store/database.ts";
import type { LogFiles } from "../../store/log-files.ts";
import { openTestDatabase } from "../../store/testkit.ts";
import { createEvents, type Events } from "../events.ts";
import { mergeFacts } from "../merge.ts";
import { pin, unpin } from "../pins.ts";
import { readLeaf } from "./leaf.ts";
import { type LedgerLog, openLog } from "./log.ts";
import { countQueue, pinnedAt } from "./state.ts";
import { readEntries } from "./tree.ts";

let folder: string;
let database: Database;
let events: Events;
let files: LogFiles;
beforeEach(async () => {
  folder = tempFolder("log");
  files = openTestLogFiles(join(folder, "log"));
  await openCatalog();
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

async function openCatalog(): Promise<void> {
  database = await openTestDatabase(join(folder, "holdfast.db"));
  events = createEvents(
    database,
    createLog("json", () => {}),
    createMetrics(),
    () => 5,
  );
}
const open = (more: Partial<LogFiles> = {}) =>
  openLog({ files: { ...files, ...more }, database, events, name: "log.example.test" });

const key = (at: number) => ({ repository: "npm", package: "kelp", file: `kelp-${at}.tgz` });
const found = (sha256: string) => ({
  sha256: sha256.repeat(64),
  size: 3,
  firstSeen: 7,
  upstream: "registry.example.test",
  digests: null,
  content: null,
});
const pinSome = (from: number, count: number) =>
  database.write(async (sql) => {
    for (let at = from; at < from + count; at += 1) await pin(sql, key(at), found("a"));
  });

/** What all leaves say, checked against the checkpoint's root. */
async function leavesOf(log: LedgerLog): Promise<Record<string, unknown>[]> {
  expect(await log.signedAt()).toBeGreaterThan(0);
  const checkpoint = openCheckpoint(log.note()!, parseVerifierKey(log.verifier)!);
  expect(checkpoint.size).toBe(log.size());
  const entries: Uint8Array[] = [];
  for (let bundle = 0; bundle * 256 < log.size(); bundle += 1)
    entries.push(...(await readEntries(files, log.size(), bundle)));
  return entries.map((entry) => readLeaf(entry)!.said);
}

test("pins, what is taken back, facts and events become leaves in their order, and no name of a person among them", async () => {
  const log = await open();
  await pinSome(0, 1);
  await database.write((sql) => unpin(sql, key(0), { at: 9, by: "user:ann", reason: "ann asked" }));
  const said = { file: "kelp-1.tgz", version: "1.0.0", integrity: "sha256-abc" };
  const merge = { repository: "npm", package: "kelp", complete: false, isKnown: false, now: "" };
  await mergeFacts(database, { ...merge, facts: [said] }, async () => {});
  await mergeFacts(
    database,
    { ...merge, facts: [{ ...said, location: "elsewhere" }] },
    async () => {},
  );
  events.report("npm", { kind: "lifted", package: "kelp", message: "ann lifted it" });
  await events.settled();
  await log.drain();

  const leaves = await leavesOf(log);
  expect(leaves.map(({ kind }) => kind)).toEqual(["pin", "unpin", "fact", "fact", "event"]);
  expect(leaves[0]).toMatchObject({ file: "kelp-0.tgz", sha256: "a".repeat(64), firstSeen: 7 });
  expect(leaves[3]).toMatchObject({ version: "1.0.0", location: "elsewhere" });
  expect(leaves[4]).toMatchObject({
    event: "lifted",
    sealed: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(JSON.stringify(leaves)).not.toContain("ann");
  expect(await countQueue(database.read)).toBe(0);
});

test("a waiver is a leaf when it is made, when its end changes, and when it is taken back", async () => {
  const log = await open();
  await database.write(async (sql) => {
    await sql`INSERT INTO waivers (id, repository, purl_type, package, versions, reason, owner, created_at)
      VALUES ('w1', 'npm', 'npm', 'kelp', '1.0.0', 'ann needs it', 'user:ann', 7)`;
    await sql`UPDATE waivers SET ends_at = 9 WHERE id = 'w1'`;
    await sql`DELETE FROM waivers WHERE id = 'w1'`;
  });
  await log.drain();
  const leaves = await leavesOf(log);
  expect(leaves.map(({ kind, until }) => [kind, until])).toEqual([
    ["waiver", undefined],
    ["waiver", 9],
    ["unwaive", undefined],
  ]);
  expect(JSON.stringify(leaves)).not.toContain("ann");
});

test("facts become leaves again for what a leaf says of them, and for nothing else", async () => {
  const log = await open();
  const merge = { repository: "npm", package: "kelp", complete: false, isKnown: false, now: "" };
  const said = { file: "kelp-1.tgz", version: "1.0.0", integrity: "sha256-abc" };
  await mergeFacts(database, { ...merge, facts: [said] }, async () => {});
  await database.write(async (sql) => {
    await sql`UPDATE facts SET traits = '{}'`;
    await sql`UPDATE facts SET gone_at = '2026-01-01T00:00:00Z'`;
  });
  await log.drain();
  expect((await leavesOf(log)).map(({ goneAt }) => goneAt)).toEqual([
    undefined,
    "2026-01-01T00:00:00Z",
  ]);
});

test("a row that is rolled back leaves nothing to be logged", async () => {
  const log = await open();
  const failed = database.write(async (sql) => {
    await pin(sql, key(0), found("a"));
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  await log.drain();
  expect(log.size()).toBe(0);
});

test("each tree begins with the one before, over full tiles and partial ones", async () => {
  const log = await open();
  const hashes: Uint8Array[] = [];
  let before: { size: number; hash: Uint8Array } | null = null;
  for (const count of [1, 254, 1, 1, 300, 512]) {
    await pinSome(hashes.length, count);
    await log.drain();
    const tree = openCheckpoint(log.note()!, parseVerifierKey(log.verifier)!);
    for (let bundle = 0; bundle * 256 < tree.size; bundle += 1)
      for (const [at, entry] of (await readEntries(files, tree.size, bundle)).entries())
        hashes[bundle * 256 + at] = recordHash(entry);
    const read = async (all: { level: number; index: number }[]) =>
      Promise.all(all.map((at) => hashOf(hashes, at)));
    expect(Buffer.from(await treeHash(tree.size, read))).toEqual(Buffer.from(tree.hash));
    if (before)
      expect(checkTree(await proveTree(tree.size, before.size, read), tree, before)).toBe(true);
    before = tree;
    // A restart reads the same tree.
    expect((await open()).size()).toBe(hashes.length);
  }
  expect(hashes).toHaveLength(1069);
  expect(await pinnedAt(database.read, "npm", "kelp", "kelp-1000.tgz")).toBe(1000);
  expect((await log.tile("tile/0/000"))?.length).toBe(8192);
  expect((await log.tile("tile/1/000.p/4"))?.length).toBe(128);
  expect((await log.tile("tile/0/004.p/45"))?.length).toBe(1440);
  for (const none of [
    "tile/0/004",
    "tile/0/004.p/46",
    "tile/1/000.p/5",
    "tile/7/000",
    "key",
    "../holdfast.db",
  ])
    expect(await log.tile(none)).toBeNull();
});

async function hashOf(
  hashes: Uint8Array[],
  { level, index }: { level: number; index: number },
): Promise<Uint8Array> {
  if (level === 0) return hashes[index]!;
  const own = hashes.slice(index * 2 ** level, (index + 1) * 2 ** level);
  return half(own);
}
function half(own: Uint8Array[]): Uint8Array {
  const middle = own.length / 2;
  if (own.length === 1) return own[0]!;
  return nodeHash(half(own.slice(0, middle)), half(own.slice(middle)));
}

test("rows of before the log become leaves too, each once", async () => {
  await pinSome(0, 1200);
  // As the migration leaves them.
  await database.write(async (sql) => {
    await sql.unsafe("DELETE FROM log_queue");
    await sql.unsafe("INSERT INTO log_state (name, value) VALUES ('fill pin', '[]')");
  });
  const log = await open();
  await log.drain();
  expect(log.size()).toBe(1200);
  await (await open()).drain();
  expect((await open()).size()).toBe(1200);
});

for (const [when, broken] of [
  ["before the checkpoint is written", "before"],
  ["after it", "after"],
] as const)
  test(`a crash ${when} loses nothing and logs nothing twice`, async () => {
    await pinSome(0, 3);
    const crash = new Error("crash");
    const replace: LogFiles["replace"] = async (...given) => {
      if (broken === "after") await files.replace(...given);
      throw crash;
    };
    const first = await open({ replace });
    await expect(first.drain()).rejects.toBe(crash);
    await pinSome(3, 2);
    const again = await open();
    await again.drain();
    const leaves = await leavesOf(again);
    expect(leaves.map(({ file }) => file)).toEqual([0, 1, 2, 3, 4].map((at) => key(at).file));
    expect(await events.list({ limit: 9 })).toEqual([]);
  });

test("a crash at any write of a file loses nothing, logs nothing twice, and is told as no loss", async () => {
  await pinSome(0, 250);
  await (await open()).drain();
  // Over a bundle's end: full tiles, partial ones and a level more.
  await pinSome(250, 20);
  for (let at = 0; ; at += 1) {
    let writes = 0;
    const count = () => {
      writes += 1;
      if (writes > at) throw new Error("crash");
    };
    const crashing = await open({
      async write(...given) {
        count();
        return files.write(...given);
      },
      async replace(...given) {
        count();
        return files.replace(...given);
      },
    });
    const isDone = await crashing.drain().then(
      () => true,
      () => false,
    );
    // What is there is a whole log at each moment.
    const found = await leavesOf(await open());
    expect([250, 270]).toContain(found.length);
    if (isDone) break;
  }
  const leaves = await leavesOf(await open());
  expect(leaves.map(({ file }) => file)).toEqual(
    Array.from({ length: 270 }, (_, at) => key(at).file),
  );
  expect(await events.list({ limit: 9 })).toEqual([]);
});

test("a log that somebody else moved on is not moved by who knows an older checkpoint", async () => {
  const [one, other] = [await open(), await open()];
  await pinSome(0, 2);
  await one.drain();
  const note = one.note()!;
  await pinSome(2, 1);
  await expect(other.drain()).rejects.toThrow("was moved on by another server");
  expect(Buffer.from((await files.read("checkpoint"))!).toString()).toBe(note);
  await one.drain();
  expect(await leavesOf(await open())).toHaveLength(3);
});

test("a database that was put back to before is told of, and the log goes on", async () => {
  const log = await open();
  await pinSome(0, 2);
  await log.drain();
  const { note } = { note: log.note() };
  await pinSome(2, 2);
  await log.drain();
  // As a copy of the database of then has it.
  await database.write(async (sql) => {
    await sql`UPDATE log_state SET value = ${note} WHERE name = 'checkpoint'`;
    await sql.unsafe("DELETE FROM log_pins");
  });
  const again = await open();
  expect(await events.list({ limit: 9 })).toMatchObject([
    { kind: "history-lost", detail: { size: 4, known: 2 } },
  ]);
  await again.drain();
  expect((await leavesOf(again)).map(({ kind }) => kind)).toEqual([
    "pin",
    "pin",
    "pin",
    "pin",
    "event",
  ]);
  await open();
  expect(await events.list({ limit: 9 })).toHaveLength(1);
});

test("a log that was removed, cut or put back to before is told of, kept beside, and begun anew with all rows", async () => {
  const log = await open();
  await pinSome(0, 300);
  await log.drain();
  const at = join(folder, "log");
  const before = await readTestLog(at);
  await pinSome(300, 1);
  await log.drain();
  await writeTestLog(at, before);

  const second = await open();
  expect(await events.list({ limit: 9 })).toMatchObject([
    {
      kind: "log-lost",
      detail: { why: "it has 300 leaves, and had 301", aside: expect.stringContaining("log.1") },
    },
  ]);
  expect(second.verifier).not.toBe(log.verifier);
  await second.drain();
  expect(second.size()).toBe(302);

  const altered = await readTestLog(at);
  altered.get("tile/0/001.p/46")![5]! ^= 1;
  await writeTestLog(at, altered);
  const third = await open();
  await third.drain();
  expect(third.size()).toBe(303);
  await openTestLogFiles(at).remove("key");
  await open();
  const all = await events.list({ limit: 9 });
  expect(all.map(({ detail }) => detail?.["why"])).toEqual([
    "it has 300 leaves, and had 301",
    "The tiles of the log do not give the root of its checkpoint",
    "its key is not there",
  ]);
});

test("a catalog that is put back while the server runs is noticed before anything more is appended", async () => {
  const log = await open();
  await pinSome(0, 2);
  await log.drain();
  const note = log.note()!;
  await pinSome(2, 2);
  await log.drain();
  await database.write(async (sql) => {
    await sql`DELETE FROM artifacts WHERE file IN ('kelp-2.tgz', 'kelp-3.tgz')`;
    await sql`DELETE FROM log_queue`;
    await sql`UPDATE log_state SET value = ${note} WHERE name = 'checkpoint'`;
  });
  expect(await log.loss()).toBeNull();
  await pinSome(9, 1);
  await log.drain();
  expect(await log.loss()).toMatchObject({ kind: "history-lost" });
  const leaves = await leavesOf(log);
  expect(leaves.map(({ file }) => file).slice(0, 5)).toEqual(
    [0, 1, 2, 3, 9].map((at) => `kelp-${at}.tgz`),
  );
  expect(await countQueue(database.read)).toBe(0);
});
