import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Changes, createChanges } from "../../store/changes.ts";
import type { Database } from "../../store/database.ts";
import { openTestDatabase } from "../../store/testkit.ts";
import { index } from "../testkit.ts";
import { createInService, type InService } from "./in-service.ts";
import type { NewState } from "./state.ts";

let root: string;
let database: Database;
let changes: Changes;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-in-service-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  changes = createChanges();
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const now = () => 1_800_000_000_000;
/** As in another process: what it remembers it hears of through `heard` alone. */
const open = (heard: Changes = changes, on: Database = database): InService =>
  createInService({ repository: "toy", database: on, changes: heard, now });

const state = (blob: string, entries: string[] = []): NewState => ({
  received: blob,
  blob,
  size: 1,
  storedSize: 1,
  etag: null,
  lastModified: null,
  foundAt: null,
  upstream: "upstream.example.test",
  overlay: Object.fromEntries(
    entries.map((file) => [
      file,
      { state: "fetched", version: "1", integrity: null, since: "", entry: null },
    ]),
  ),
  checkedAt: now(),
  freshUntil: now() + 1000,
  skipped: [],
});
const adding = (file: string) => (before: NewState | null) => ({
  ...before!,
  overlay: { ...before!.overlay, ...state("", [file]).overlay },
});
const files = async (of: InService) => Object.keys((await of.find(index))!.overlay).sort();

test("changes of one document take turns, and none is lost", async () => {
  const one = open();
  await one.change(index, () => state("a"));
  const names = Array.from({ length: 20 }, (_, at) => `f${at}`).sort();
  await Promise.all(names.map((file) => one.change(index, adding(file))));
  expect(await files(one)).toEqual(names);
  expect((await one.find(index))!.revision).toBe(21);
  expect(await files(open(createChanges()))).toEqual(names);
});

test("who remembers an older state than the stored one reads again before it changes it", async () => {
  const one = open();
  const deaf = open(createChanges());
  await one.change(index, () => state("a"));
  await deaf.find(index);
  await one.change(index, adding("x"));
  const seen: number[] = [];
  const made = await deaf.change(index, (before) => {
    seen.push(Object.keys(before!.overlay).length);
    return adding("y")(before);
  });
  expect(seen).toEqual([0, 1]);
  expect(Object.keys(made!.overlay).sort()).toEqual(["x", "y"]);
  expect(made!.revision).toBe(3);
});

test("a first state that was stored meanwhile is not written over", async () => {
  const deaf = open(createChanges());
  await open().change(index, () => state("a"));
  const seen: (string | null)[] = [];
  await deaf.change(index, (before) => {
    seen.push(before?.blob ?? null);
    return before ? null : state("b");
  });
  expect(seen.at(-1)).toBe("a");
  expect((await open(createChanges()).find(index))!.blob).toBe("a");
});

test("another one that listens hears of a change, and has the new state then", async () => {
  const [one, two] = [open(), open()];
  await one.change(index, () => state("a"));
  const before = (await two.find(index))!;
  expect(two.isNewest(index, before)).toBe(true);
  const after = (await one.change(index, adding("x")))!;
  expect(one.isNewest(index, after)).toBe(true);
  expect(two.isNewest(index, before)).toBe(false);
  expect(await files(two)).toEqual(["x"]);
});

test("what is stored with a change is stored once, and not at all when the change is not", async () => {
  const one = open();
  const deaf = open(createChanges());
  await one.change(index, () => state("a"));
  await deaf.find(index);
  await one.change(index, adding("x"));
  let times = 0;
  await deaf.change(index, adding("y"), async () => {
    times += 1;
  });
  expect(times).toBe(1);
  await one.change(
    index,
    () => null,
    async () => {
      times += 1;
    },
  );
  expect(times).toBe(1);
});

test("freshness moves at once in memory, and never back the state that was stored meanwhile", async () => {
  const one = open();
  const first = (await one.change(index, () => state("a")))!;
  const learned = one.change(index, adding("x"));
  const later = { etag: '"2"', checkedAt: now() + 5000, freshUntil: now() + 6000 };
  const touched = one.touch(index, first, later);
  expect([touched.checkedAt, one.isNewest(index, touched)]).toEqual([now() + 5000, true]);
  const made = (await learned)!;
  expect([Object.keys(made.overlay), made.checkedAt, made.etag]).toEqual([
    ["x"],
    now() + 5000,
    '"2"',
  ]);
  // What was touched is not what is stored now.
  await one.change(index, () => state("b"));
  expect(one.touch(index, first, later).blob).toBe("b");
});

test("what was read before another server's change was heard of is not remembered after it", async () => {
  await open().change(index, () => state("a"));
  const hub = createChanges();
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let isSlow = true;
  // Its answer is on the way while the change comes.
  const read = (async (...query: Parameters<Database["read"]>) => {
    const rows = await database.read(...query);
    asked.resolve();
    if (isSlow) await goOn.promise;
    return rows;
  }) as Database["read"];
  const late = open(hub, {
    ...database,
    read: Object.assign(read, { unsafe: database.read.unsafe, finalize() {} }),
  });
  const finding = late.find(index);
  await asked.promise;
  await open(createChanges()).change(index, adding("x"));
  await hub.hear([{ kind: "document", repository: "toy", key: "index\0thing" }]);
  goOn.resolve();
  await finding;
  isSlow = false;
  expect(await files(late)).toEqual(["x"]);
  await open(createChanges()).change(index, adding("y"));
  await hub.hear(null);
  expect(await files(late)).toEqual(["x", "y"]);
});
