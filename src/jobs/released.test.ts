import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../test/support/wait.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { PolicyRule } from "../core/policy.ts";
import { createEvents, type Events } from "../ledger/events.ts";
import { createWithheldTold } from "../ledger/withheld.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { policyOf } from "./policy.ts";
import { watchReleases } from "./released.ts";

const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 26);
let root: string;
let database: Database;
let events: Events;
let clock = START;
let revision = 0;
let waived: Waiver[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-released-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  clock = START;
  waived = [];
  const log = createLog("json", () => {});
  events = createEvents(database, log, createMetrics(), () => clock);
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const cooldown: PolicyRule = {
  name: "cooldown",
  packages: ["pkg:npm/*"],
  repositories: null,
  versions: null,
  minimumAge: 7 * DAY,
};
const npm = (rules: PolicyRule[]) => ({ name: "npm", purlType: "npm", order: null, rules });
const watch = (policed: () => ReturnType<typeof npm>[]) =>
  watchReleases(policed, {
    events,
    database,
    waivers: { revision: () => revision, all: () => waived },
    told: { revision: () => 0 },
    now: () => clock,
  });

/** Releases of a package, each so many days old, told of as held. */
async function hold(name: string, ages: Record<string, number>): Promise<void> {
  const policy = policyOf(database.read, npm([cooldown]), []);
  const why = [];
  for (const [version, days] of Object.entries(ages)) {
    const at = START - days * DAY;
    await database.write(
      (
        sql,
      ) => sql`INSERT INTO facts (repository, package, file, version, is_grown, published_at, revision)
        VALUES ('npm', ${name}, ${`${name}-${version}.tgz`}, ${version}, 0, ${new Date(at).toISOString()}, 1)`,
    );
    why.push(policy.decide({ package: name, version, publishedAt: at }, clock, [])!);
  }
  createWithheldTold({ repository: "npm", database, events, now: () => clock }).tell(name, why);
  const all = async () => (await events.list({ limit: 100 })).some((one) => one.package === name);
  await waitFor(all, () => "nothing was told");
}

async function released(): Promise<unknown[]> {
  await events.settled();
  const all = await events.list({ limit: 100, kind: "released" });
  return all.map(({ package: name, detail }) => [name, detail!["versions"]]);
}

test("what is old enough is told to be let in, once, by the clock alone and across a restart", async () => {
  await hold("ui", { "1.0.0": 6, "1.1.0": 6, "2.0.0": 1 });
  const policed = [npm([cooldown])];
  const first = watch(() => policed);
  await first.run();
  expect(await released()).toEqual([]);
  clock += 2 * DAY;
  await first.run();
  await first.run();
  await watch(() => policed).run();
  expect(await released()).toEqual([["ui", ["1.0.0", "1.1.0"]]]);
  const [event] = await events.list({ limit: 1, kind: "released" });
  expect(event!.message).toBe("2 releases of ui are withheld no more: 1.0.0 and others");
  clock += 5 * DAY;
  await watch(() => policed).run();
  expect((await released()).slice(1)).toEqual([["ui", ["2.0.0"]]]);
});

test("a waiver and a changed configuration are told of as well, and a longer rule is no release", async () => {
  await hold("ui", { "1.0.0": 1 });
  await hold("lib", { "1.0.0": 1 });
  let policed = [npm([cooldown])];
  const job = watch(() => policed);
  await job.run();
  revision += 1;
  waived = [
    {
      id: "1",
      repository: null,
      purlType: "npm",
      package: "ui",
      versions: "1.0.0",
      reason: "needed",
      owner: "ann",
      createdAt: clock,
      until: null,
    },
  ];
  await job.run();
  expect(await released()).toEqual([["ui", ["1.0.0"]]]);
  policed = [npm([{ ...cooldown, minimumAge: 30 * DAY }])];
  await job.run();
  clock += 10 * DAY;
  await job.run();
  expect(await released()).toHaveLength(1);
  policed = [npm([])];
  await job.run();
  expect((await released()).slice(1)).toEqual([["lib", ["1.0.0"]]]);
});
