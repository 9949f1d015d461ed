// The append-only log of several servers: one appends, nobody forks it, and what others have made of it is no loss.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import { openCheckpoint } from "../../proof/checkpoint.ts";
import { checkTree, proveTree } from "../../proof/merkle.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import type { Database } from "../../store/database.ts";
import type { Leases } from "../../store/leases.ts";
import { type LogFiles, openLogFiles } from "../../store/log-files.ts";
import { openTestDatabase, twoServers } from "../../store/testkit.ts";
import { createEvents, type Events } from "../events.ts";
import { pin } from "../pins.ts";
import { readLeaf } from "./leaf.ts";
import { type LedgerLog, openLog } from "./log.ts";
import { replay } from "./replay.ts";
import { openSharedLog } from "./shared.ts";
import { CHECKPOINT, catchUp, NEXT } from "./start.ts";
import { countQueue, readState, writeState } from "./state.ts";
import { hashesOf } from "./tree.ts";

let folder: string;
let database: Database;
let events: Events;
let files: LogFiles;
beforeEach(async () => {
  folder = tempFolder("log");
  files = openLogFiles(join(folder, "log"));
  database = await openTestDatabase(join(folder, "holdfast.db"));
  events = createEvents(
    database,
    createLog("json", () => {}),
    createMetrics(),
    () => 5,
  );
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

const open = (leases: Leases, more: Partial<LogFiles> = {}) =>
  openSharedLog({
    ...{ files: { ...files, ...more }, database, events, name: "log.example.test", leases },
  });

const pinSome = (from: number, count: number) =>
  database.write(async (sql) => {
    for (let at = from; at < from + count; at += 1)
      await pin(
        sql,
        { repository: "npm", package: "kelp", file: `${at}` },
        {
          ...{ sha256: "a".repeat(64), size: 3, firstSeen: 7, upstream: "r", digests: null },
          content: null,
        },
      );
  });

const treeOf = (log: LedgerLog, note = log.note()!) =>
  openCheckpoint(note, parseVerifierKey(log.verifier)!);

/** The files that were pinned, as all leaves say them: the whole log is held against its checkpoint, and against the one before. */
async function pinned(log: LedgerLog, before: string | null = null): Promise<string[]> {
  const tree = treeOf(log);
  const found: string[] = [];
  const wrong: string[] = [];
  await replay({
    ...{ files, tree, tell: (line) => wrong.push(line) },
    each(entries) {
      for (const entry of entries) found.push(String(readLeaf(entry)!.said["file"]));
    },
  });
  expect(wrong).toEqual([]);
  if (before) {
    const old = treeOf(log, before);
    const proof = await proveTree(tree.size, old.size, hashesOf(files, tree.size));
    expect(checkTree(proof, tree, old)).toBe(true);
  }
  return found;
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => `${at}`);
const losses = async () => (await events.list({ limit: 9 })).map(({ kind }) => kind);

test("what any server writes is appended by one, and all know the same log", async () => {
  const { first, second } = await twoServers(database);
  const [ours, theirs] = await Promise.all([open(first.leases), open(second.leases)]);
  expect(ours.verifier).toBe(theirs.verifier);
  await pinSome(0, 300);
  await Promise.all([ours.drain(), theirs.drain()]);
  await pinSome(300, 5);
  await Promise.all([ours.drain(), theirs.drain()]);
  expect(await pinned(ours)).toEqual(upTo(305));
  expect([theirs.size(), theirs.note()]).toEqual([305, ours.note()]);
  expect(Buffer.from((await theirs.tile("tile/0/000"))!)).toHaveLength(8192);
  expect(await countQueue(database.read)).toBe(0);
  await ours.stop();
  await theirs.stop();
  expect(await database.read`SELECT name FROM leases`).toEqual([]);
});

test("a server that starts while others are ahead takes that for no loss, and goes on when they end", async () => {
  const { first, second } = await twoServers(database);
  const ours = await open(first.leases);
  await pinSome(0, 3);
  await ours.drain();
  const theirs = await open(second.leases);
  await pinSome(3, 3);
  await ours.drain();
  await ours.stop();
  await pinSome(6, 3);
  await theirs.drain();
  expect(await pinned(theirs, ours.note())).toEqual(upTo(9));
  expect(await losses()).toEqual([]);
});

test("a crash between catalog and checkpoint's file, or at the file of any tile, loses nothing and repeats nothing", async () => {
  const { first, second } = await twoServers(database);
  await pinSome(0, 250);
  const before = await open(first.leases);
  await before.drain();
  await before.stop();
  await pinSome(250, 20);
  for (let at = 0; ; at += 1) {
    let writes = 0;
    const write: LogFiles["write"] = async (path, bytes) => {
      writes += 1;
      if (writes > at) throw new Error("crash");
      return files.write(path, bytes);
    };
    const crashing = await open(first.leases, { write });
    const isDone = await crashing.drain().then(
      () => true,
      () => false,
    );
    await crashing.stop().catch(() => {});
    const next = await open(second.leases);
    expect([250, 270]).toContain((await pinned(next, before.note())).length);
    await next.stop().catch(() => {});
    if (isDone) break;
  }
  expect(await pinned(await open(second.leases), before.note())).toEqual(upTo(270));
  expect(await losses()).toEqual([]);
});

/** Files of which that of the checkpoint cannot be written while `isAway`, as when the bucket fails or the server is killed just then. */
function failing() {
  const state = { isAway: true };
  const write: LogFiles["write"] = async (path, bytes) => {
    if (state.isAway && path === CHECKPOINT) throw new Error("away");
    return files.write(path, bytes);
  };
  return { state, write };
}
async function cutOff(leases: Leases): Promise<void> {
  const cut = await open(leases, { write: failing().write });
  await expect(cut.drain()).rejects.toThrow("away");
  await cut.stop();
}
const written = async () => Buffer.from((await files.read(CHECKPOINT))!).toString();

test("a checkpoint's file that is behind is brought up by who appends next, or when it is tried again", async () => {
  const { first, second } = await twoServers(database);
  await pinSome(0, 3);
  await cutOff(first.leases);
  const next = await open(second.leases);
  expect(await written()).toBe(next.note()!);
  await next.stop();
  const { state, write } = failing();
  const again = await open(first.leases, { write });
  await pinSome(3, 3);
  await expect(again.drain()).rejects.toThrow("away");
  expect(await written()).toBe(next.note()!);
  state.isAway = false;
  await again.drain();
  expect(await written()).toBe(again.note()!);
  expect(await pinned(again)).toEqual(upTo(6));
  await again.stop();
});

test("one server alone goes on with what several have left, and several with what one has left", async () => {
  const { first, second } = await twoServers(database);
  await pinSome(0, 3);
  const before = await open(first.leases);
  await before.drain();
  await before.stop();
  await pinSome(3, 3);
  await cutOff(second.leases);
  await catchUp(database.read, files);
  const alone = await openLog({ files, database, events, name: "log.example.test" });
  expect([alone.verifier, alone.size()]).toEqual([before.verifier, 6]);
  await pinSome(6, 3);
  await alone.drain();
  await alone.stop();
  const note = await written();
  await catchUp(database.read, files);
  expect(await written()).toBe(note);
  const after = await open(first.leases);
  await pinSome(9, 3);
  await after.drain();
  expect(await pinned(after, before.note())).toEqual(upTo(12));
  expect(await losses()).toEqual([]);
  await after.stop();
});

test("rows that were to be the next leaves of several servers are made that by one alone, and do not hold up several later", async () => {
  const { first, second } = await twoServers(database);
  await pinSome(0, 3);
  const write: LogFiles["write"] = async () => {
    throw new Error("away");
  };
  const before = await open(first.leases);
  await before.drain();
  await before.stop();
  await pinSome(3, 3);
  const failed = await open(second.leases, { write });
  await expect(failed.drain()).rejects.toThrow("away");
  await failed.stop();
  const assigned = await readState(database.read, NEXT);
  expect(JSON.parse(assigned!)).toHaveLength(3);
  const alone = await openLog({ files, database, events, name: "log.example.test" });
  await pinSome(6, 3);
  await alone.drain();
  await alone.stop();
  expect(await readState(database.read, NEXT)).toBeNull();
  // Of a catalog where it was left standing. Numbers may be given out again, but this one.
  await database.write((sql) => writeState(sql, NEXT, "[0]"));
  const after = await open(first.leases);
  await pinSome(9, 3);
  await after.drain();
  expect(await countQueue(database.read)).toBe(0);
  expect(await pinned(after, before.note())).toEqual(upTo(12));
  await after.stop();
});

/** Stops a server at its `nth` write of a file, has another one go on, and lets the first one finish. False where it writes less often. */
async function stopAt(nth: number): Promise<boolean> {
  const { first, second, die, world } = await twoServers(database);
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let writes = 0;
  const others: Promise<void>[] = [];
  const write: LogFiles["write"] = async (path, bytes) => {
    writes += 1;
    if (writes === nth) {
      reached.resolve();
      await go.promise;
      return files.write(path, bytes);
    }
    const written = files.write(path, bytes);
    others.push(written);
    return written;
  };
  const theirs = await open(second.leases);
  const start = theirs.size();
  await theirs.stop();
  const stopped = await open(second.leases, { write });
  await pinSome(start, 20);
  const ending = stopped.drain().then(
    () => true,
    () => false,
  );
  const isStopped = await Promise.race([
    reached.promise.then(() => true),
    ending.then(() => false),
  ]);
  await Promise.all(others); // the same file is not written by two at once in one folder
  await die();
  const ours = await open(first.leases);
  await pinSome(start + 20, 300);
  await ours.drain();
  const after = ours.note();
  go.resolve();
  await ending;
  await second.nodes.turn();
  await stopped.drain();
  await pinSome(start + 320, 3);
  await Promise.all([stopped.drain(), ours.drain()]);
  await ours.drain();
  expect(stopped.note()).toBe(ours.note());
  expect(await pinned(ours, after)).toEqual(upTo(start + 323));
  await ours.stop();
  await stopped.stop();
  await world.pass(1, [first.nodes, second.nodes]);
  for (const { nodes } of [first, second]) await nodes.leave();
  return isStopped;
}

test("a server that is stopped at any write and comes back later forks nothing, and repeats nothing", async () => {
  for (let nth = 1; await stopAt(nth); nth += 1);
  expect(await losses()).toEqual([]);
});

test("who is told to make leaves of all waits for the server that appends", async () => {
  const { first, second } = await twoServers(database);
  const ours = await open(first.leases);
  const theirs = await open(second.leases);
  await pinSome(0, 3);
  const drained = theirs.drain();
  await ours.drain();
  await drained;
  expect(theirs.size()).toBe(3);
});

test("a server that does not append knows all that another one has shown, once it asks", async () => {
  const { first, second } = await twoServers(database);
  const [ours, theirs] = [await open(first.leases), await open(second.leases)];
  for (const [at, count] of [3, 300, 1].entries()) {
    const start = ours.size();
    await pinSome(start, count);
    await ours.drain();
    expect([at, theirs.size()]).toEqual([at, start]);
    await Promise.all([theirs.refresh(), ours.refresh(), theirs.refresh()]);
    expect([theirs.size(), theirs.note()]).toEqual([start + count, ours.note()]);
  }
  expect(await theirs.tile("tile/0/000")).toEqual(await ours.tile("tile/0/000"));
  // Who appends asks while it does, and goes on from there.
  await pinSome(304, 20);
  await Promise.all([ours.drain(), ours.refresh(), ours.refresh()]);
  await ours.refresh();
  expect(await pinned(ours)).toEqual(upTo(324));
  await ours.stop();
  await pinSome(324, 3);
  await theirs.drain();
  await ours.refresh();
  expect(await pinned(ours)).toEqual(upTo(327));
  expect(await losses()).toEqual([]);
});

test("what witnesses signed is known to all", async () => {
  const { first, second } = await twoServers(database);
  const [ours, theirs] = [await open(first.leases), await open(second.leases)];
  await pinSome(0, 1);
  await ours.drain();
  await ours.keepCosigned(ours.note()!);
  await theirs.drain();
  expect(theirs.cosigned()).toBe(ours.note());
});
