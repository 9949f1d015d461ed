// What several servers do for all: a job by one at a time, an operation by one at a time, and by another when that is dead.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../test/support/wait.ts";
import { createLog } from "../core/log.ts";
import type { Repository } from "../core/repository.ts";
import type { Database } from "../store/database.ts";
import type { Leases } from "../store/leases.ts";
import { openTestDatabase, twoServers } from "../store/testkit.ts";
import { createBoard } from "./board.ts";
import { createOperations } from "./operations.ts";
import { startJobs } from "./runner.ts";

let root: string;
let database: Database;
let ends: (() => Promise<void>)[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-servers-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  ends = [];
  lines = [];
});
afterEach(async () => {
  for (const end of ends) await end();
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

let lines: string[] = [];
const log = createLog("json", (line) => void lines.push(JSON.parse(line).msg));
const YEAR_MS = 2 ** 31 - 1;

/** A job that has a turn when it is told to. */
function jobOn(leases: Leases, isForAll: boolean) {
  const board = createBoard(() => 0);
  let turns = 0;
  const run = async () => {
    turns += 1;
  };
  const end = startJobs([{ name: "Tide", everyMs: YEAR_MS, isForAll, run }], log, board, leases);
  ends.push(end);
  const [state] = [() => board.list()[0]!];
  return {
    state,
    turns: () => turns,
    end,
    /** Resolves when it has had its turn, or it is known that it is another's. */
    async turn() {
      const before = turns;
      board.run("Tide");
      await waitFor(
        () => (turns > before && !state().isRunning) || state().isElsewhere,
        () => "The job had no turn",
        60_000,
      );
    },
  };
}

test("a job for all is one server's, which keeps it until it ends or dies", async () => {
  const { first, second } = await twoServers(database);
  const [ours, theirs] = [jobOn(first.leases, true), jobOn(second.leases, true)];
  await ours.turn();
  await theirs.turn();
  await ours.turn();
  expect([ours.turns(), theirs.turns()]).toEqual([2, 0]);
  expect(theirs.state().isElsewhere).toBe(true);
  await expect(theirs.turn()).rejects.toThrow("Another server does Tide for all of them");
  await ours.end();
  expect(await database.read`SELECT name FROM leases`).toEqual([]);
});

test("when its server is dead another one has it, and the dead one finds that when it comes back", async () => {
  const { first, second, die } = await twoServers(database);
  const [ours, theirs] = [jobOn(first.leases, true), jobOn(second.leases, true)];
  await theirs.turn();
  await die();
  await ours.turn();
  await second.nodes.turn();
  await theirs.turn();
  expect([ours.turns(), theirs.turns()]).toEqual([1, 1]);
  expect(theirs.state().isElsewhere).toBe(true);
});

test("who takes a job over from another says so, once; who gets back its own does not", async () => {
  const { world, first, second, die } = await twoServers(database);
  const theirs = jobOn(second.leases, true);
  await theirs.turn();
  const board = createBoard(() => 0);
  const state = () => board.list()[0]!;
  const until = (isSo: () => boolean) => waitFor(isSo, () => `${lines}`, 60_000);
  let turns = 0;
  const run = async () => {
    turns += 1;
  };
  const job = { name: "Tide", everyMs: 10, firstMs: 0, isForAll: true, run };
  ends.push(startJobs([job], log, board, first.leases));
  await until(() => state().isElsewhere);
  await die();
  await until(() => turns > 0);
  world.cut(first.nodes, true);
  world.sleep(10_000);
  await until(() => state().isElsewhere);
  world.cut(first.nodes, false);
  await first.nodes.turn();
  const before = turns;
  await until(() => turns > before);
  expect(lines).toEqual(["Tide: this server does it for all from now on"]);
});

test("a job of its own each server does", async () => {
  const { first, second } = await twoServers(database);
  const [ours, theirs] = [jobOn(first.leases, false), jobOn(second.leases, false)];
  await ours.turn();
  await theirs.turn();
  expect([ours.turns(), theirs.turns()]).toEqual([1, 1]);
});

test("a job for all is nobody's while the database cannot be asked, and comes back", async () => {
  const { world, first } = await twoServers(database);
  const ours = jobOn(first.leases, true);
  world.cut(first.nodes, true);
  world.sleep(10_000);
  await ours.turn();
  expect([ours.turns(), ours.state().isElsewhere]).toEqual([0, true]);
});

test("an operation runs on one server, and the other says where", async () => {
  const { first, second, die } = await twoServers(database);
  const began: string[] = [];
  const end = Promise.withResolvers<boolean>();
  const on = (name: string, leases: Leases) => {
    const run = async () => {
      began.push(name);
      return end.promise;
    };
    const repository = { name: "deb", options: {}, keep: async () => {} } as unknown as Repository;
    const operations = [
      { name: "mirror run", summary: "", flags: {} },
      { name: "mirror clean", summary: "", flags: {} },
    ] as never;
    const service = { operations: { "mirror run": run, "mirror clean": run } };
    const all = [{ format: { name: "toy", operations }, service, repository }];
    return createOperations(
      () => all,
      log,
      () => 0,
      leases,
    );
  };
  const [ours, theirs] = [on("ours", first.leases), on("theirs", second.leases)];
  const wanted = (name: string) => ({ name, repository: "deb", flags: new Set<string>() });
  const call = { progress() {}, say() {}, signal: new AbortController().signal };
  const running = theirs.run(wanted("mirror run"), call);
  await waitFor(
    () => began.length > 0,
    () => "It did not begin",
    60_000,
  );
  const refused = ours.run(wanted("mirror clean"), call);
  await expect(refused).rejects.toThrow(
    `mirror runs on deb already, at ${first.nodes.list()[0]!.host} (node ${second.nodes.id()})`,
  );
  await die();
  const next = ours.run(wanted("mirror run"), call);
  end.resolve(true);
  expect([await running, await next]).toEqual([true, true]);
  expect(began).toEqual(["theirs", "ours"]);
});
