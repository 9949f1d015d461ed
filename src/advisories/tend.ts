// Which seeds are told of: those of which no feed has taken the place yet.
import type { Feed } from "./feed.ts";
import {
  dropFeed,
  type FeedRow,
  isSeed,
  readFeeds,
  removeRecords,
  seedOf,
  writeFeed,
} from "./rows.ts";
import { isOutgrown, type Seed, seedEntries, seedRow, toldElsewhere } from "./seed.ts";
import { nothingTaken, removeAll, removeVanished, type TakeDeps, takeIn } from "./take.ts";

export interface TendDeps extends TakeDeps {
  now(): number;
}

/** Records that are removed at a time. */
const AT_ONCE = 200;

/** Takes in what is new of these seeds, and removes those that are none of them, or in whose place there is a feed. */
export async function tendSeeds(
  deps: TendDeps,
  seeds: readonly Seed[],
  feeds: readonly Feed[],
  signal: AbortSignal,
): Promise<void> {
  const { database } = deps;
  const rows = new Map((await readFeeds(database.read)).map((row) => [row.name, row]));
  const wanted: Seed[] = [];
  for (const seed of seeds) if (!(await isReplaced(deps, seed, feeds, rows))) wanted.push(seed);
  const names = new Set(wanted.map(({ ecosystem }) => seedOf(ecosystem)));
  for (const name of rows.keys()) if (isSeed(name) && !names.has(name)) await remove(deps, name);
  for (const seed of wanted) {
    const row = rows.get(seedOf(seed.ecosystem));
    if (row?.etag !== seed.mark) await take(deps, seed, row, signal);
    await leaveToOthers(deps, seed);
  }
}

/** A bucket of the ecosystem that was read whole is in its place, however small it is: that is what was chosen to be asked. */
async function isReplaced(
  { database, ecosystems }: TendDeps,
  seed: Seed,
  feeds: readonly Feed[],
  rows: ReadonlyMap<string, FeedRow>,
): Promise<boolean> {
  const own = ecosystems.find(({ ecosystem }) => ecosystem === seed.ecosystem);
  if (!own) return true; // nothing here asks for it
  const path = `${encodeURIComponent(seed.ecosystem)}/`;
  const isRead = feeds.some(
    ({ name, source }) =>
      source.kind === "bucket" &&
      source.path === path &&
      (rows.get(name)?.wholeAt ?? null) !== null,
  );
  return isRead || isOutgrown(database.read, own.purlType, seed);
}

async function take(
  deps: TendDeps,
  seed: Seed,
  before: FeedRow | undefined,
  signal: AbortSignal,
): Promise<void> {
  const name = seedOf(seed.ecosystem);
  const taken = nothingTaken();
  // Known from now on, and not as one that was read: who stops in between takes it in again.
  const row = seedRow(seed, deps.now());
  await deps.database.write((sql) =>
    writeFeed(sql, { ...row, ...before, readAt: null, etag: null }),
  );
  await takeIn(deps, name, seedEntries(seed), taken, { isForward: false, signal });
  await removeVanished(deps, name, taken);
  await deps.database.write((sql) => writeFeed(sql, row));
  deps.changed([]); // who asked meanwhile heard of no feed
}

async function leaveToOthers(deps: TendDeps, seed: Seed): Promise<void> {
  const { database, changed } = deps;
  const name = seedOf(seed.ecosystem);
  const ids = await toldElsewhere(database.read, seed);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    changed(await database.write((sql) => removeRecords(sql, name, some)));
  }
}

async function remove(deps: TendDeps, name: string): Promise<void> {
  await removeAll(deps, name);
  await deps.database.write((sql) => dropFeed(sql, name));
  deps.changed([]);
}
