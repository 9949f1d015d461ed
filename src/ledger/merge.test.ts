import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fact } from "../core/document.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { everyFact, PAGE, readFact } from "./fact-rows.ts";
import type { Change } from "./facts.ts";
import { mergeFacts } from "./merge.ts";

const NOW = "2026-01-02T00:00:00.000Z";
let root: string;
let database: Database;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-ledger-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const fact = (file: string, integrity = `sha1-${file}`): Fact => ({
  file,
  version: "1",
  integrity,
});
const many = (count: number) => Array.from({ length: count }, (_, at) => fact(`f${at}`));

async function merge(facts: Fact[], on = database): Promise<Change[]> {
  const how = { complete: true, isKnown: false, now: NOW };
  const options = { repository: "toy", package: "p", facts, ...how };
  return (await mergeFacts(on, options, async (_, changes) => changes)).flat();
}

const known = (file: string) => readFact(database.read, { repository: "toy", package: "p", file });

async function all(): Promise<string[]> {
  const files: string[] = [];
  for await (const page of everyFact(database.read, "toy", "p"))
    for (const { file } of page) files.push(file);
  return files;
}

test("a package of many files is taken in a thousand at a time, and the next time nothing is written", async () => {
  const facts = many(2 * PAGE + 10);
  expect(await merge(facts)).toEqual([]);
  expect((await all()).length).toBe(facts.length);
  const { commits } = database;
  expect(commits).toBe(3);
  expect(await merge(facts)).toEqual([]);
  expect(database.commits).toBe(commits);
  expect((await known("f0"))!.revision).toBe(1);
});

test("what only tells more of a file makes none known", async () => {
  await merge([{ ...fact("f0"), isAside: true }]);
  expect(await all()).toEqual([]);
});

test("what is no longer named has gone, told once, also in a package of many", async () => {
  const facts = many(PAGE + 10);
  await merge(facts);
  const left = facts.slice(0, 3);
  expect((await merge(left)).length).toBe(PAGE + 7);
  expect(await merge(left)).toEqual([]);
  expect((await merge(facts)).map(({ kind }) => kind)).toEqual(Array(PAGE + 7).fill("returned"));
});

test("a merge that was cut off half way is done the next time: first seen stays first", async () => {
  const facts = many(2 * PAGE);
  let writes = 0;
  const dying: Database = {
    ...database,
    write: (work) => (++writes > 1 ? Promise.reject(new Error("killed")) : database.write(work)),
  };
  await expect(merge(facts, dying)).rejects.toThrow("killed");
  expect((await all()).length).toBe(PAGE);
  const later = facts.map(({ file }) => fact(file, "sha1-changed"));
  const changes = await merge(later);
  expect(changes.length).toBe(PAGE);
  expect((await known("f0"))!.integrity).toBe("sha1-f0");
  expect((await known(`f${2 * PAGE - 1}`))!.integrity).toBe("sha1-changed");
});

test("of two that meet a file for the first time at once, one is first, and the other one hears of it", async () => {
  const [one, two] = await Promise.all([
    merge([fact("a", "sha1-AAAA")]),
    merge([fact("a", "sha1-BBBB")]),
  ]);
  expect([one.length, two.length].sort()).toEqual([0, 1]);
  const first = (await known("a"))!;
  const lost = [...one, ...two][0]!;
  expect(lost).toMatchObject({ kind: "tampered", first: first.integrity });
  expect(first.tampered!.shown).toBe(lost.shown!);
});

test("a change that was made after the row was read is not written over", async () => {
  await merge([fact("a", "sha1-AAAA")]);
  let raced = false;
  const racing: Database = {
    ...database,
    async write(work) {
      // Between the reading and the writing of this one, another one adds a hash.
      if (!raced) {
        raced = true;
        await merge([fact("a", "sha512-CCCC sha1-AAAA")]);
      }
      return database.write(work);
    },
  };
  const place = { ...fact("a", "sha1-AAAA"), location: "https://files.example.test/a" };
  expect(await merge([place], racing)).toEqual([]);
  expect(await known("a")).toMatchObject({
    integrity: "sha512-CCCC sha1-AAAA",
    isGrown: true,
    location: "https://files.example.test/a",
    revision: 3,
  });
});

test("file names are text of any kind; what is no text is left out", async () => {
  const names = ["__proto__", "constructor", "a'b\"c", "ü\u{1F41F}", "a\nb", "a\\b"];
  await merge([...names, "a\0b", "\ud800"].map((file) => fact(file)));
  expect((await all()).sort()).toEqual(names.sort());
  expect((await known("__proto__"))!.integrity).toBe("sha1-__proto__");
});
