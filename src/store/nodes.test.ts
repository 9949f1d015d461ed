// Who lives, as servers see it that share a database: by beats that move, and by nobody's clock but that of who looks.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "./database.ts";
import { BEAT_MS } from "./nodes.ts";
import { askThrough, openTestDatabase, testNodes } from "./testkit.ts";

let root: string;
let database: Database;
let world: ReturnType<typeof testNodes>;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-nodes-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  world = testNodes(askThrough(database));
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const rows = async () =>
  (await database.read`SELECT id FROM nodes ORDER BY id`).map(({ id }) => id);

test("nodes see one another, and each is itself to itself", async () => {
  const [a, b] = [world.node(), world.node()];
  await world.pass(2, [a, b]);
  expect(a.list().map(({ id }) => id)).toEqual([a.id()!, b.id()!].sort());
  expect(a.list().filter(({ isSelf }) => isSelf)).toMatchObject([{ id: a.id()! }]);
  expect(b.list()).toHaveLength(2);
});

test("one that beats no more is dead after some seconds, to all, and its row goes", async () => {
  const [a, b, c] = [world.node(), world.node(), world.node()];
  await world.pass(1, [a, b, c]);
  const [{ silentMs } = { silentMs: 0 }] = a.list().filter(({ id }) => id === c.id());
  expect(silentMs).toBe(0);
  await world.pass(3, [a, b]);
  expect(a.list()).toHaveLength(3);
  await world.pass(2, [a, b]);
  expect(a.list()).toHaveLength(2);
  expect(await rows()).toEqual([a.id()!, b.id()!].sort());
});

test("who was buried is told of also where what follows fails at first", async () => {
  const through = askThrough(database);
  let fails = 0;
  world = testNodes((text, ...values) => {
    if (!text.join("").startsWith("DELETE FROM leases WHERE NOT EXISTS") || fails === 0)
      return through(text, ...values);
    fails -= 1;
    throw new Error("cut");
  });
  const [a, b] = [world.node(), world.node()];
  await world.pass(2, [a, b]);
  await world.pass(3, [a]);
  expect(await rows()).toHaveLength(2);
  world.sleep(BEAT_MS / 2);
  fails = 1;
  world.sleep(BEAT_MS);
  await expect(a.turn()).rejects.toThrow("cut");
  expect(await rows()).toEqual([a.id()!]);
  expect((await a.turn()).map(({ id }) => id)).toEqual([b.id()!]);
  expect(await a.turn()).toEqual([]);
});

test("clocks that differ by a minute, or are set, kill nobody", async () => {
  const [a, b] = [world.node(60_000), world.node(-60_000)];
  await world.pass(8, [a, b]);
  expect(await rows()).toHaveLength(2);
  expect(a.list().map(({ since }) => since)).toContain(world.startedAt - 60_000);
});

test("one that was stopped finds that it was taken for dead, and is another from then on", async () => {
  const [a, b] = [world.node(), world.node()];
  await world.pass(1, [a, b]);
  const before = b.id();
  expect(b.isSure()).toBe(true);
  await world.pass(6, [a]);
  expect(b.isSure()).toBe(false); // before it asks anybody
  await b.turn();
  expect(b.isSure()).toBe(true);
  expect(b.id()).not.toBe(before);
  expect(await rows()).toEqual([a.id()!, b.id()!].sort());
});

test("one that was stopped itself takes nobody for dead by that", async () => {
  const [a, b] = [world.node(), world.node()];
  await world.pass(1, [a, b]);
  world.sleep(60_000); // both, or the database: nobody could beat
  await a.turn();
  await b.turn();
  await world.pass(3, [a, b]);
  expect(await rows()).toHaveLength(2);
});

test("while the database cannot be asked a node is not sure, and takes nobody for dead when it can again", async () => {
  const [a, b] = [world.node(), world.node()];
  await world.pass(1, [a, b]);
  world.cut(a, true);
  for (let second = 0; second < 3; second += 1) {
    world.sleep(BEAT_MS);
    await expect(a.turn()).rejects.toThrow("is cut");
  }
  expect(a.isSure()).toBe(false);
  world.cut(a, false);
  await a.turn();
  expect(await rows()).toHaveLength(2);
  expect(a.isSure()).toBe(true);
});

test("what a node says of itself the others see, and say of it who it is", async () => {
  const [a, b] = [world.node(), world.node()];
  await world.pass(2, [a, b]);
  const seen = () => a.list().find(({ id }) => id === b.id());
  expect(seen()).toMatchObject({ pid: process.pid, url: null, config: null });
  b.say({ url: "http://two.test:4653" });
  b.say({ config: { access: "12ab" } });
  await world.pass(1, [b, a]);
  expect(seen()).toMatchObject({ url: "http://two.test:4653", config: { access: "12ab" } });
  world.cut(b, true);
  b.say({ config: { access: "34cd" } });
  await expect(b.turn()).rejects.toThrow("is cut");
  world.cut(b, false);
  await world.pass(1, [b, a]);
  expect(seen()).toMatchObject({ url: "http://two.test:4653", config: { access: "34cd" } });
  await world.pass(6, [a]);
  await world.pass(1, [b, a]); // another one by now, which says the same
  expect(b.id()).toBe(`${b.name}-2`);
  expect(seen()).toMatchObject({ url: "http://two.test:4653", config: { access: "34cd" } });
});

test("of several that see a node die one is told, with what it did for all", async () => {
  const [a, b, c] = [world.node(), world.node(), world.node()];
  await world.pass(1, [a, b, c]);
  await database.write(
    (sql) => sql`INSERT INTO leases (name, node) VALUES ('job Feeds', ${c.id()})`,
  );
  const told: string[] = [];
  for (let second = 0; second < 6; second += 1) {
    world.sleep(BEAT_MS);
    for (const node of [a, b])
      for (const { id, host, pid, leases } of await node.turn())
        told.push(`${id} ${host} ${pid} ${leases}`);
  }
  expect(told).toEqual([`${c.name} ${hostname()} ${process.pid} job Feeds`]);
});

test("one that leaves is gone at once", async () => {
  const [a, b] = [world.node(), world.node()];
  await world.pass(1, [a, b]);
  await b.leave();
  expect(await rows()).toEqual([a.id()!]);
  expect([b.id(), b.isSure()]).toEqual([null, false]);
  await b.leave();
});
