// The job that has what packages need read, as a server holds its repositories for it and ends it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { tempFolder } from "../../test/support/temp.ts";
import { waitFor } from "../../test/support/wait.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { catalogJobs } from "./catalog.ts";

let database: Database;
beforeEach(async () => {
  database = await openTestDatabase(join(tempFolder("catalog-jobs"), "holdfast.db"));
  for (const name of ["crab", "eel"])
    await database.write(
      (
        sql,
      ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
        VALUES (${"toy"}, ${name}, ${`${name}.toy`}, ${"1"}, ${`pkg:toy/${name}@1`}, ${"a".repeat(64)}, ${1}, ${1}, ${"up"}, ${"p"}, ${1})`,
    );
});
afterEach(() => database.close());

/** `work`: how a worker of the one repository reads. */
function jobOf(work: () => Promise<unknown>, signal: AbortSignal) {
  const holders = { now: 0 };
  const held = {
    name: "toy",
    format: { dependencies: { files: [/\.toy$/], needs: (told: object) => [told] } },
    repository: { for: () => ({ work }) },
    hold() {
      holders.now += 1;
      return () => {
        holders.now -= 1;
      };
    },
  };
  const jobs = catalogJobs(() => [held] as never, { database, now: () => 0 }, signal);
  return { job: jobs.find(({ name }) => name === "What packages need")!, holders };
}

const waiting = async () =>
  (await database.read`SELECT package, due_at FROM dependencies_waiting ORDER BY package`).map(
    (row) => [row.package, Number(row.due_at)],
  );

test("a repository is held while its packages are read, and no longer", async () => {
  const seen: number[] = [];
  const { job, holders } = jobOf(async () => {
    seen.push(holders.now);
    return [];
  }, new AbortController().signal);
  await job.run();
  expect([seen, holders.now, await waiting()]).toEqual([[1, 1], 0, []]);
});

test("a server that stops waits for no store that is silent, and nothing is put off", async () => {
  const ending = new AbortController();
  let asked = 0;
  const { job, holders } = jobOf(() => {
    asked += 1;
    return new Promise(() => {});
  }, ending.signal);
  const running = job.run();
  await waitFor(
    () => asked === 1,
    () => "nothing was read",
  );
  ending.abort();
  await running;
  expect([asked, holders.now]).toEqual([1, 0]);
  const untouched = [
    ["crab", 0],
    ["eel", 0],
  ];
  expect(await waiting()).toEqual(untouched);
});

test("nor where it began to stop just before the file was asked for", async () => {
  const ending = new AbortController();
  let asked = 0;
  const { job } = jobOf(() => {
    asked += 1;
    ending.abort();
    return new Promise(() => {});
  }, ending.signal);
  await job.run();
  expect(asked).toBe(1);
});
