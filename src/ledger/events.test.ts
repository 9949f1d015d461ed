import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import {
  countUnseen,
  createEvents,
  type EventQuestion,
  type Events,
  markSeen,
  markUnseen,
  pageOfEvents,
  readEvent,
} from "./events.ts";

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

test("pages are of what was asked for: kinds, a repository, a package, a time, what somebody has seen", async () => {
  const page = async (asked: Partial<EventQuestion>) =>
    (await pageOfEvents(database.read, { limit: 2, before: null, mayRead: () => true, ...asked }))
      .events;
  const names = async (asked: Partial<EventQuestion>) =>
    (await page(asked)).map((event) => event.package);
  expect(await names({ kinds: ["tampered"] })).toEqual(["p600", "p597"]);
  expect(await names({ kinds: ["tampered", "refused"] })).toEqual(["p600", "p599"]);
  expect(await names({ kinds: ["tampered"], repository: "npm" })).toEqual(["p597", "p591"]);
  expect(await names({ repository: "npm" })).toEqual(["p599", "p597"]);
  expect(await names({ package: "p12" })).toEqual(["p12"]);
  expect(await names({ package: "p12", kinds: ["refused"] })).toEqual([]);
  expect(await names({ since: 8 })).toEqual([]);
  expect(await names({ until: 7, since: 7 })).toEqual(["p600", "p599"]);

  const [newest, next] = await page({});
  const seen = { at: 9, by: "ann", note: "looked into" };
  expect(await countUnseen(database.read, ["tampered"], 0, 1_000)).toBe(200);
  await database.write((sql) => markSeen(sql, newest!.id, { ...seen, note: "" }));
  await database.write((sql) => markSeen(sql, newest!.id, seen));
  expect(await readEvent(database.read, newest!.id)).toEqual({ ...newest!, seen });
  expect(await countUnseen(database.read, ["tampered"], 0, 1_000)).toBe(199);
  expect(await countUnseen(database.read, ["tampered"], 0, 5)).toBe(5);
  expect(await countUnseen(database.read, ["tampered"], 8, 5)).toBe(0);
  const places = [
    {},
    { kinds: ["tampered"] },
    { repository: "pypi" },
    { package: "p600" },
  ] as const;
  for (const where of places) {
    expect(await names({ ...where, isSeen: true })).toEqual(["p600"]);
    expect(await names({ ...where, isSeen: false })).not.toContain("p600");
  }
  expect(await names({ isSeen: false })).toEqual([next!.package, "p598"]);
  expect(await database.write((sql) => markUnseen(sql, newest!.id))).toBe(true);
  expect(await database.write((sql) => markUnseen(sql, newest!.id))).toBe(false);
  expect((await readEvent(database.read, newest!.id)).seen).toBeNull();
  expect(readEvent(database.read, 0)).rejects.toThrow("There is no event 0");
});
