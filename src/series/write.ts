// What was counted in memory goes into the database, some ten seconds at a time: all of it in one transaction, so that a crash loses the last ones or none.
import type { Labels } from "../core/metrics.ts";
import type { Query } from "../store/database.ts";
import { type Added, keyOf } from "./collect.ts";
import { beside, folded, joined } from "./origins.ts";
import {
  deleteEmpty,
  deletePoints,
  insertSeries,
  type Point,
  readKnown,
  readPoints,
  writePoints,
} from "./rows.ts";
import { beginOf, KEPT } from "./steps.ts";

/** With 300 series there are at most some 1.5 million points. What comes then of others is added up in one for each name. */
const MOST_SERIES = 300;

/** Adds what came to the points of `at`. What is there already is added to, whoever wrote it. */
export async function writeAdded(
  sql: Query,
  added: Iterable<Added>,
  at: number,
  most = MOST_SERIES,
): Promise<void> {
  const byId = await identified(sql, added, most);
  const ids = [...byId.keys()];
  for (const { length } of KEPT) {
    const begin = beginOf(at, length);
    const stored = await readPoints(sql, ids, length, begin, begin + length);
    const before = new Map(stored.map((point) => [point.series, point]));
    const points = [...byId].map(([series, amount]): Point => {
      const known = before.get(series);
      return { ...(known ? joined(known, amount) : amount), series, at: begin };
    });
    await writePoints(sql, length, points);
  }
}

/** By the ids of their series; those for which there is no room come together. */
async function identified(
  sql: Query,
  added: Iterable<Added>,
  most: number,
): Promise<Map<number, Added>> {
  const known = new Map(
    (await readKnown(sql)).map(({ id, name, labels }) => [keyOf(name, labels), id]),
  );
  const byId = new Map<number, Added>();
  async function idOf(name: string, labels: Labels): Promise<number> {
    const key = keyOf(name, labels);
    const id = known.get(key) ?? (await insertSeries(sql, name, labels));
    known.set(key, id);
    return id;
  }
  for (const one of added) {
    const { name, labels } = one;
    const hasRoom = known.size < most || known.has(keyOf(name, labels));
    const id = await idOf(name, hasRoom ? labels : folded(labels));
    const other = byId.get(id);
    byId.set(id, other ? { ...one, ...beside(other, one) } : one);
  }
  return byId;
}

/** So far may the clock of another server be ahead. */
const AHEAD_MS = 120_000;

/** Removes what is older than it is kept for, and what claims to be of later than `at`. */
export async function prune(sql: Query, at: number): Promise<void> {
  for (const { length, keptFor } of KEPT)
    await deletePoints(sql, length, beginOf(at - keptFor, length), at + Math.max(length, AHEAD_MS));
  await deleteEmpty(sql, KEPT.at(-1)!.length);
}
