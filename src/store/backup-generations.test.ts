// Which backups stay, and that nothing is to go where it is not known what one of them names.
import { expect, test } from "bun:test";
import { listOf, MOST, neededBy, type Retention, stayBeside } from "./backup-generations.ts";
import { NOTE_LIMIT, type Note, noteFrom } from "./backup-note.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Date.parse("2026-11-27T12:00:00Z");
const daysAgo = (days: number): Note => ({
  holdfast: "0.0.0",
  madeAt: new Date(NOW - days * DAY_MS).toISOString(),
  catalog: `${days}`.padStart(64, "0"),
});
const earlier = [1, 2, 3, 9].map(daysAgo);

const table: [what: string, retention: Retention, stay: number[]][] = [
  ["the last one alone", { count: 1, ms: null }, []],
  ["so many with the new one", { count: 3, ms: null }, [1, 2]],
  ["more than there are", { count: 9, ms: null }, [1, 2, 3, 9]],
  ["those of the last days", { count: null, ms: 2 * DAY_MS }, [1, 2]],
  ["what either keeps", { count: 2, ms: 3 * DAY_MS }, [1, 2, 3]],
  ["what either keeps, the other way round", { count: 5, ms: DAY_MS }, [1, 2, 3, 9]],
];
for (const [what, retention, stay] of table)
  test(`backups that stay: ${what}`, () => {
    expect(stayBeside(earlier, retention, NOW)).toEqual(stay.map(daysAgo));
  });

test("a file is needed that any of them names, and of a list that is not as its note tells nothing is known", async () => {
  const [a, b, c] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
  const lists = [listOf([b, a, b]), listOf([b])];
  const notes = lists.map(({ sha256 }, at) => ({ ...daysAgo(at), files: sha256 }));
  const read = async (note: Note) =>
    lists[notes.indexOf(note as (typeof notes)[number])]?.bytes ?? null;
  const isNeeded = await neededBy(notes, read);
  expect([a, b, c].map((one) => isNeeded!(one))).toEqual([true, true, false]);
  expect(await neededBy([...notes, daysAgo(7)], read)).toBeNull();
  expect(await neededBy(notes, async () => null)).toBeNull();
  expect(await neededBy(notes, async () => Buffer.alloc(32))).toBeNull();
});

test("a note tells of those before it, and one that does not is read as ever", () => {
  const plain = daysAgo(0);
  expect(noteFrom(JSON.stringify(plain))).toEqual(plain);
  const note: Note = { ...plain, files: "f".repeat(64), earlier, isPruning: true };
  expect(noteFrom(JSON.stringify(note))).toEqual(note);
  expect(noteFrom(JSON.stringify({ ...plain, catalog: "../x" }))).toBeNull();
});

test("a note of as many backups as may stay is one that can be read", () => {
  const hour = DAY_MS / 24;
  const hourly = Array.from({ length: 2 * MOST }, (_, at) => ({
    ...daysAgo(0),
    holdfast: "10.10.10-experimental.1",
    madeAt: new Date(NOW - at * hour).toISOString(),
    files: "f".repeat(64),
  }));
  const stay = stayBeside(hourly, { count: null, ms: 9_999 * DAY_MS }, NOW);
  expect(stay).toHaveLength(MOST - 1);
  const note: Note = { ...hourly[0]!, earlier: stay, isPruning: true };
  expect(Buffer.byteLength(JSON.stringify(note))).toBeLessThan(NOTE_LIMIT);
  expect(noteFrom(JSON.stringify(note))).toEqual(note);
});
