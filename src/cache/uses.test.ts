import { afterEach, beforeEach, expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { openToy } from "./testkit.ts";
import { createUses, isToBeNoted, type Uses } from "./uses.ts";

const MINUTE = 60_000;
const file = (name: string) => ({ repository: "toy", package: "thing", file: name });

let toy: Awaited<ReturnType<typeof openToy>>;
let isFull: boolean;
let uses: Uses;
beforeEach(async () => {
  toy = await openToy();
  isFull = false;
  uses = createUses({
    async write(work) {
      if (isFull) throw new Problem("full", "The disk is full");
      return toy.database.write(work);
    },
  });
});
afterEach(() => toy.close());

test("a use is to be noted once in ten minutes, and never where it was published here", () => {
  expect(isToBeNoted(0, 9 * MINUTE)).toBe(false);
  expect(isToBeNoted(0, 10 * MINUTE)).toBe(true);
  expect(isToBeNoted(20 * MINUTE, 0)).toBe(false); // the clock was put back
  expect(isToBeNoted(null, 10 * MINUTE)).toBe(false);
});

test("what a full disk does not take waits for the next time", async () => {
  await toy.database.write(
    (
      sql,
    ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
      VALUES ('toy', 'thing', 'a', '1', 'p', 's', 1, 1, 'u', '/', 5)`,
  );
  const usedAt = async () => {
    const [row] = await toy.database.read`SELECT used_at FROM artifacts`;
    return Number(row.used_at);
  };
  uses.note(file("a"), 7);
  isFull = true;
  await expect(uses.flush()).rejects.toThrow("The disk is full");
  expect(await usedAt()).toBe(5);
  isFull = false;
  await uses.flush();
  expect(await usedAt()).toBe(7);
  uses.note(file("a"), 6); // an older one that comes late
  await uses.flush();
  expect(await usedAt()).toBe(7);
});

test("so many wait, and no more", async () => {
  for (let at = 0; at < 100_100; at += 1) uses.note(file(String(at)), at);
  const before = toy.database.commits;
  await uses.flush();
  expect(toy.database.commits - before).toBe(Math.ceil(100_000 / 256));
  await uses.flush();
  expect(toy.database.commits - before).toBe(Math.ceil(100_000 / 256));
}, 120_000);
