// Hooks of several servers on one database: each message is carried by one of them, and by another when that is dead.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../test/support/wait.ts";
import { type Carrier, type Outcome, type Told, typesOf } from "../core/hook.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Database } from "../store/database.ts";
import type { Leases } from "../store/leases.ts";
import { openTestDatabase, twoServers } from "../store/testkit.ts";
import { createHooks, type Hooks } from "./room.ts";

const HOUR = 60 * 60 * 1000;
const told: Told = { type: "publish", repository: "npm", package: "@acme/ui", message: "m" };

let root: string;
let database: Database;
let rooms: Hooks[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-hooks-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  rooms = [];
});
afterEach(async () => {
  for (const hooks of rooms) await hooks.stop();
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

function roomOn(leases: Leases) {
  const heard: string[] = [];
  const carrier: Carrier = {
    to: "receiver.test",
    most: 1,
    lanes: 2,
    restMs: 0,
    unavailable: () => null,
    async carry([letter]): Promise<Outcome> {
      heard.push(letter!.id);
      return { isTold: true };
    },
    close() {},
  };
  const log = createLog("json", () => {});
  const metrics = createMetrics();
  const quick = { lookMs: 5, graceMs: 10 };
  const hooks = createHooks({ database, log, metrics, now: Date.now, leases, ...quick });
  const wish = { types: typesOf(["publish"]), repositories: null, packages: null };
  hooks.use([{ name: "chat", ...wish, retryMs: HOUR, carrier }], () => undefined);
  hooks.start();
  rooms.push(hooks);
  return { hooks, heard };
}

const write = (hooks: Hooks) => database.write((sql) => hooks.tell(sql, told));
const open = async () =>
  Number(
    (await database.read`SELECT count(*) AS many FROM deliveries WHERE state = 'waiting'`)[0].many,
  );
const allTold = () =>
  waitFor(
    async () => (await open()) === 0,
    () => "Some were not told",
    60_000,
  );

test("each message is carried once, wherever it was written", async () => {
  const { first, second } = await twoServers(database);
  const [ours, theirs] = [roomOn(first.leases), roomOn(second.leases)];
  for (let nth = 0; nth < 10; nth += 1) await write(nth % 2 ? ours.hooks : theirs.hooks);
  await allTold();
  const all = [...ours.heard, ...theirs.heard];
  expect(all).toHaveLength(10);
  expect(new Set(all).size).toBe(10);
  expect([ours.heard.length, theirs.heard.length].sort()).toEqual([0, 10]);
});

test("a dead server's messages are carried by the other, and that one's by nobody else", async () => {
  const { second, first, die } = await twoServers(database);
  const theirs = roomOn(second.leases);
  await write(theirs.hooks);
  await allTold();
  const ours = roomOn(first.leases);
  await die();
  await write(theirs.hooks); // by one that does not know yet
  await allTold();
  expect([ours.heard.length, theirs.heard.length]).toEqual([1, 1]);
});

test("what is tried by hand is told by the server that was asked, and by no other", async () => {
  const { first, second } = await twoServers(database);
  const [ours, theirs] = [roomOn(first.leases), roomOn(second.leases)];
  await write(ours.hooks);
  await allTold();
  const courier = ours.heard.length > 0 ? ours : theirs;
  const other = courier === ours ? theirs : ours;
  const [known] = courier.heard;
  expect((await other.hooks.test("chat")).outcome).toEqual({ isTold: true });
  expect(await other.hooks.resend("chat", known!)).toEqual({ isTold: true });
  await write(ours.hooks);
  await allTold();
  expect([courier.heard.length, other.heard.length]).toEqual([2, 2]);
});
