// What a server of several does beside requests, and what it leaves to the one that does it for all.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import { openToy } from "../cache/testkit.ts";
import { createLog } from "../core/log.ts";
import { createBoard } from "../jobs/board.ts";
import type { Leases } from "../store/leases.ts";
import { twoServers } from "../store/testkit.ts";
import type { Ground } from "./ground.ts";
import { type Jobs, startServerJobs } from "./jobs.ts";

const DAY = 24 * 60 * 60 * 1000;
const HASHING = "Hashing stored files again";

let toy: Awaited<ReturnType<typeof openToy>>;
let ends: Jobs[];
beforeEach(async () => {
  toy = await openToy();
  ends = [];
});
afterEach(async () => {
  for (const { stop } of ends) await stop();
  await toy.close();
});

async function jobsOn(leases: Leases) {
  const { database, blobs, soundness } = toy;
  const board = createBoard(() => 0);
  const shared = {
    database,
    blobs,
    soundness,
    leases,
    uses: { flush: async () => {} },
    now: () => 0,
  };
  const ground = { shared, layout: {}, pool: {}, log: createLog("json", () => {}), board };
  const jobs = startServerJobs(ground as unknown as Ground, [], async () => [], false);
  ends.push(jobs);
  const generation = { config: { scrub: DAY }, own: [] };
  await jobs.follow(generation as never, { turns: () => [] } as never);
  return () => {
    board.run(HASHING);
    const state = () => board.list().find(({ name }) => name === HASHING)!;
    const isDone = () => state().isElsewhere || (state().endedAt !== null && !state().isRunning);
    return waitFor(isDone, () => "It had no turn", 60_000).then(() => state().isElsewhere);
  };
}

test("files that several servers share are hashed again by one of them", async () => {
  const { first, second } = await twoServers(toy.database);
  const [ours, theirs] = [await jobsOn(first.leases), await jobsOn(second.leases)];
  expect([await ours(), await theirs()]).toEqual([false, true]);
  await ends[0]!.stop();
  const heir = await jobsOn(second.leases);
  expect(await heir()).toBe(false);
});
