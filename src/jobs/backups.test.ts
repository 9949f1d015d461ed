// What is known of backups: the last that came to its end, and one that failed after it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMetrics } from "../core/metrics.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { BACKUP_ENDED, backupOperations, readBackups, watchBackups } from "./backups.ts";

let root: string;
let database: Database;
let clock = 1_000_000;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-backups-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  clock = 1_000_000;
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const call = {
  progress() {},
  say() {},
  signal: new AbortController().signal,
  flags: new Set<string>(),
};
const ended = (values: Record<string, string>) =>
  backupOperations(database, () => clock)[BACKUP_ENDED]!({ ...call, values });

test("a failure stands beside the last one that came to its end, and is over with the next", async () => {
  expect(await readBackups(database)).toEqual({ last: null, failed: null });
  await ended({ to: "/mnt/a", why: "the disk is full" });
  const first = { at: clock, to: "/mnt/a", why: "the disk is full" };
  expect(await readBackups(database)).toEqual({ last: null, failed: first });
  clock += 1_000;
  await ended({ to: "/mnt/a", missing: "2" });
  const last = { at: clock, to: "/mnt/a", missing: 2 };
  expect(await readBackups(database)).toEqual({ last, failed: null });
  await ended({ to: "s3://b", why: "away" });
  expect(await readBackups(database)).toEqual({
    last,
    failed: { at: clock, to: "s3://b", why: "away" },
  });
});

test("its age is told from the first one on, and never below nothing", async () => {
  const metrics = createMetrics();
  watchBackups(metrics, database, () => clock);
  const read = async () =>
    (await metrics.read("holdfast_backup_age_seconds")).map(({ value }) => value);
  expect(await read()).toEqual([]);
  await ended({ to: "/mnt/a" });
  clock += 90_000;
  expect(await read()).toEqual([90]);
  clock -= 100_000;
  expect(await read()).toEqual([0]);
});

test("what says nothing of where it went, or counts in words, is refused", async () => {
  for (const values of [{}, { to: "/mnt/a", missing: "some" }] as Record<string, string>[])
    await expect(ended(values)).rejects.toThrow("takes where it went to");
});
