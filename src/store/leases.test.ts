// What one of several servers does for all: who has it, until when, and that nobody else ever has it at the same time.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../test/support/wait.ts";
import type { Database } from "./database.ts";
import { watchLease } from "./kept-lease.ts";
import { alone } from "./leases.ts";
import { openTestDatabase, twoServers } from "./testkit.ts";

let root: string;
let database: Database;
let world: Awaited<ReturnType<typeof twoServers>>["world"];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-leases-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

async function two() {
  const { world: shared, first, second } = await twoServers(database);
  world = shared;
  return { a: first.nodes, b: second.nodes, ours: first.leases, theirs: second.leases };
}
const rows = async () =>
  (await database.read`SELECT name FROM leases ORDER BY name`).map(({ name }) => name);

test("one node has it, the other gets it once it was let go", async () => {
  const { a, ours, theirs } = await two();
  const lease = await ours.take("job gc");
  expect(lease!.isHeld()).toBe(true);
  expect(await theirs.take("job gc")).toBeNull();
  expect((await theirs.holder("job gc"))!.id).toBe(a.id()!);
  await lease!.release();
  await lease!.release();
  expect(lease!.isHeld()).toBe(false);
  expect(await rows()).toEqual([]);
  expect(await theirs.holder("job gc")).toBeNull();
  expect((await theirs.take("job gc"))!.isHeld()).toBe(true);
  expect(await ours.take("job gc")).toBeNull();
});

test("of many that ask at once one node gets it", async () => {
  const { ours, theirs } = await two();
  const asked = await Promise.all(
    Array.from({ length: 20 }, (_, at) => (at % 2 ? ours : theirs).take("fill x")),
  );
  const won = asked.filter((lease) => lease !== null);
  expect(won).toHaveLength(10);
  await Promise.all(won.map((lease) => lease.release()));
  expect(await rows()).toEqual([]);
});

test("in one node it keeps nobody out, and lasts until all have let go", async () => {
  const { ours, theirs } = await two();
  const [first, second] = [await ours.take("job gc"), await ours.take("job gc")];
  await first!.release();
  expect(await theirs.take("job gc")).toBeNull();
  expect(second!.isHeld()).toBe(true);
  await second!.release();
  expect(await theirs.take("job gc")).not.toBeNull();
});

test("what a dead node had goes to who asks next, and the dead one knows before it goes on", async () => {
  const { a, b, ours, theirs } = await two();
  const lease = (await ours.take("job gc"))!;
  await world.pass(3, [b]);
  expect(await theirs.take("job gc")).toBeNull();
  expect(lease.isHeld()).toBe(false); // it cannot know any more
  await world.pass(2, [b]);
  const next = (await theirs.take("job gc"))!;
  expect(next.isHeld()).toBe(true);
  const stored = database.write((sql) => lease.assure(sql));
  await expect(stored).rejects.toThrow("Another server has taken this over");
  await database.write((sql) => next.assure(sql));
  await a.turn();
  expect(lease.isHeld()).toBe(false);
  await lease.release();
  expect((await ours.holder("job gc"))!.id).toBe(b.id()!);
  expect(await ours.take("job gc")).toBeNull();
});

test("long work ends where another server has its lease by now, and goes on where the node was taken for dead and nobody took it", async () => {
  const { a, b, ours, theirs } = await two();
  const [kept, lost] = [
    watchLease(ours, "operation kept", (await ours.take("operation kept"))!, 1),
    watchLease(ours, "operation lost", (await ours.take("operation lost"))!, 1),
  ];
  world.cut(a, true);
  await world.pass(6, [b]);
  const next = (await theirs.take("operation lost"))!;
  await Bun.sleep(20);
  expect(lost.lost.aborted).toBe(false); // nobody can say
  world.cut(a, false);
  await a.turn();
  await waitFor(
    async () => lost.lost.aborted && (await rows()).includes("operation kept"),
    () => "it does not notice",
  );
  await Bun.sleep(20);
  expect(kept.lost.aborted).toBe(false);
  await Promise.all([kept.release(), lost.release()]);
  expect(next.isHeld()).toBe(true);
  expect((await theirs.take("operation kept"))!.isHeld()).toBe(true);
});

test("a node that does not reach the database can take nothing, and what it let go of meanwhile is let go of later", async () => {
  const { a, b, ours, theirs } = await two();
  const lease = (await ours.take("job gc"))!;
  world.cut(a, true);
  await lease.release();
  expect(await theirs.take("job gc")).toBeNull();
  world.sleep(3_000);
  await expect(ours.take("job x")).rejects.toMatchObject({ kind: "busy" });
  world.cut(a, false);
  await Promise.all([a.turn(), b.turn()]);
  await ours.settle();
  expect(await theirs.take("job gc")).not.toBeNull();
});

test("what its holder tells is heard by who listens, for as long as it is the holder's, and the holder knows whether anybody does", async () => {
  const { a, ours, theirs } = await two();
  expect(await theirs.listen("fill x")).toBeNull();
  const lease = (await ours.take("fill x"))!;
  expect(await lease.isAwaited()).toBe(false);
  expect(await theirs.listen("fill x")).toBeNull();
  expect([await lease.isAwaited(), await lease.tell("half")]).toEqual([true, true]);
  expect(await theirs.listen("fill x")).toBe("half");
  await lease.tell("more");
  expect(await theirs.listen("fill x")).toBe("more");
  await lease.release();
  expect([await lease.tell("all"), await lease.isAwaited()]).toEqual([false, false]);
  expect(await theirs.listen("fill x")).toBeNull();
  const next = (await theirs.take("fill x"))!; // nobody has listened to this one
  expect(await next.isAwaited()).toBe(false);
  await next.tell("half");
  await world.pass(6, [a]);
  expect(await ours.listen("fill x")).toBeNull();
  expect(await next.tell("more")).toBe(false);
});

test("what is owed is not taken from who has taken it anew", async () => {
  const { a, ours, theirs } = await two();
  const lease = (await ours.take("job gc"))!;
  world.cut(a, true);
  await lease.release();
  world.cut(a, false);
  const again = (await ours.take("job gc"))!;
  await ours.settle();
  expect(again.isHeld()).toBe(true);
  expect(await theirs.take("job gc")).toBeNull();
});

test("what is shared is taken until the last has let go, and is no other's", async () => {
  const { ours, theirs } = await two();
  const [first, second] = [await ours.share("hold x"), await theirs.share("hold x")];
  expect(await ours.isTaken("hold")).toBe(true);
  expect(await ours.isTaken("hold x")).toBe(true);
  expect(await ours.isTaken("hold x2")).toBe(false);
  await first.release();
  expect(await ours.isTaken("hold x")).toBe(true);
  expect(second.isHeld()).toBe(true);
  await second.release();
  expect(await ours.isTaken("hold x")).toBe(false);
  await theirs.take("leaving x");
  expect(await ours.isTaken("leaving x")).toBe(true);
});

test("any text is a name, however long, and other text is another", async () => {
  const { ours, theirs } = await two();
  for (const name of ["fill a\0b", "fill a\0c", `fill ${"x".repeat(5_000)}`, "fill ö", ""]) {
    expect(await ours.take(name)).not.toBeNull();
    expect(await theirs.take(name)).toBeNull();
  }
  for (const name of await rows()) expect(name.length).toBeLessThan(201);
});

test("a server alone is granted everything, and keeps it", async () => {
  const lease = (await alone.take("job gc"))!;
  await lease.release();
  const shared = await alone.share("hold x");
  expect([lease.isHeld(), shared.isHeld(), alone.hasOthers]).toEqual([true, true, false]);
  expect([await alone.holder("job gc"), await alone.isTaken("hold x")]).toEqual([null, false]);
});
