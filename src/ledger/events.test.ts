import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createEvents, type Events, pageOfEvents } from "./events.ts";

let root: string;
let database: Database;
let events: Events;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-events-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  events = createEvents(
    database,
    createLog("json", () => {}),
    createMetrics(),
    () => 7,
  );
  for (let at = 1; at <= 600; at += 1)
    events.report(at % 2 ? "npm" : "pypi", {
      kind: at % 3 ? "refused" : "tampered",
      package: `p${at}`,
      message: "m",
    });
  await events.settled();
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

test("the newest events are listed oldest first, of a kind or a repository alone where that is asked", async () => {
  const list = async (filter: { kind?: string; repository?: string }) =>
    (await events.list({ limit: 2, ...filter })).map((event) => event.package);
  expect(await list({})).toEqual(["p599", "p600"]);
  expect(await list({ kind: "tampered" })).toEqual(["p597", "p600"]);
  expect(await list({ repository: "npm" })).toEqual(["p597", "p599"]);
  expect(await list({ kind: "tampered", repository: "npm" })).toEqual(["p591", "p597"]);
});

test("pages hold what the caller may read, and none is left out or told twice between them", async () => {
  const seen: string[] = [];
  const mayRead = (event: { package: string }) => event.package.endsWith("0");
  for (let before: number | null = null; ; ) {
    const page = await pageOfEvents(database.read, { limit: 7, before, mayRead });
    seen.push(...page.events.map((event) => event.package));
    before = page.next;
    if (before === null) break;
    expect(page.events).toHaveLength(7);
  }
  expect(seen).toEqual(Array.from({ length: 60 }, (_, at) => `p${600 - 10 * at}`));
});
