// What a document says, merged into what was seen first: a thousand files at a time, so that a package of many never stops the loop.
import type { Fact } from "../core/document.ts";
import type { Integrity } from "../core/integrity.ts";
import type { Database, Query } from "../store/database.ts";
import { breathe, countPresent, everyFact, PAGE, readFacts, swapFacts } from "./fact-rows.ts";
import {
  type Change,
  type Circumstances,
  type KnownFact,
  lose,
  type Met,
  meet,
  tellsMore,
} from "./facts.ts";

export interface Merge extends Circumstances {
  repository: string;
  package: string;
  /** What the document says. A file that it names twice is what it says last. */
  facts: readonly Fact[];
  /** Digests of the bytes that are held here, by file, of those that a document tells more of. Without it, none are. */
  held?(facts: Fact[]): Promise<Map<string, Integrity>>;
}

/**
 * Merges, in several transactions. `tell` runs in the one that stores the changes that it is given, so that a crash loses both or neither.
 * After a crash in between, or a race with another writer, the same merge does what is left: first seen stays first. Returns what `tell` did.
 */
export async function mergeFacts<Told>(
  database: Database,
  { repository, package: name, facts, held, ...circumstances }: Merge,
  tell: (sql: Query, changes: Change[]) => Promise<Told>,
): Promise<Told[]> {
  const { complete, now } = circumstances;
  const told: Told[] = [];
  // What is no text cannot be asked for either.
  const named = facts.filter(({ file }) => file.isWellFormed() && !file.includes("\0"));
  const said = new Map(named.map((fact) => [fact.file, fact]));
  const files = [...said.keys()];
  for (let at = 0; at < files.length; at += PAGE) {
    if (at > 0) await breathe();
    await change(files.slice(at, at + PAGE), (file, before, digests) => {
      const fact = said.get(file)!;
      return fact.isAside && !before ? null : meet(before, fact, circumstances, digests);
    });
  }
  if (complete && (await countPresent(database.read, repository, name)) > said.size)
    for await (const page of everyFact(database.read, repository, name)) {
      const lost = page.filter(({ file, goneAt }) => goneAt === null && !said.has(file));
      const names = lost.map(({ file }) => file);
      if (lost.length > 0) await change(names, (_, before) => before && lose(before, now));
    }
  return told;

  /** Until each file is as `decide` wants it, on what is stored. */
  async function change(
    wanted: string[],
    decide: (file: string, before: KnownFact | null, digests: Integrity | null) => Met | null,
  ): Promise<void> {
    for (let left = wanted; left.length > 0; ) {
      const known = await readFacts(database.read, repository, name, left);
      const before = new Map(known.map((fact) => [fact.file, fact]));
      const digests = await digestsOf(left, before);
      const changed = left.flatMap((file) => {
        const met = decide(file, before.get(file) ?? null, digests.get(file) ?? null);
        return met && met.fact !== before.get(file) ? [met] : [];
      });
      if (changed.length === 0) return;
      const won = await store(changed);
      left = changed.map(({ fact }) => fact.file).filter((file) => !won.has(file));
    }
  }

  async function digestsOf(
    wanted: string[],
    before: ReadonlyMap<string, KnownFact>,
  ): Promise<Map<string, Integrity>> {
    const more = wanted.flatMap((file) => {
      const fact = said.get(file);
      return fact && tellsMore(before.get(file) ?? null, fact) ? [fact] : [];
    });
    return held && more.length > 0 ? held(more) : new Map();
  }

  async function store(changed: Met[]): Promise<Set<string>> {
    const result = await database.write(async (sql) => {
      const rows = changed.map(({ fact }) => fact);
      const won = await swapFacts(sql, repository, name, rows);
      const changes = changed.flatMap((met) => (won.has(met.fact.file) ? met.changes : []));
      return { won, told: changes.length > 0 ? [await tell(sql, changes)] : [] };
    });
    told.push(...result.told);
    return result.won;
  }
}
