// What a document says, merged into what was seen first: a thousand files at a time, so that a package of many never stops the loop.
import type { Fact } from "../core/document.ts";
import type { Database, Query } from "../store/database.ts";
import { breathe, countPresent, everyFact, PAGE, readFacts, swapFacts } from "./fact-rows.ts";
import { type Change, type KnownFact, lose, type Met, meet } from "./facts.ts";

export interface Merge {
  repository: string;
  package: string;
  /** What the document says. A file that it names twice is what it says last. */
  facts: readonly Fact[];
  /** It names all files of the package: what it does not name has gone. */
  complete: boolean;
  /** ISO 8601. */
  now: string;
}

/**
 * Merges, in several transactions. `tell` runs in the one that stores the changes that it is given, so that a crash loses both or neither.
 * After a crash in between, or a race with another writer, the same merge does what is left: first seen stays first. Returns what `tell` did.
 */
export async function mergeFacts<Told>(
  database: Database,
  { repository, package: name, facts, complete, now }: Merge,
  tell: (sql: Query, changes: Change[]) => Promise<Told>,
): Promise<Told[]> {
  const told: Told[] = [];
  // What is no text cannot be asked for either.
  const named = facts.filter(({ file }) => file.isWellFormed() && !file.includes("\0"));
  const said = new Map(named.map((fact) => [fact.file, fact]));
  const files = [...said.keys()];
  for (let at = 0; at < files.length; at += PAGE) {
    if (at > 0) await breathe();
    await change(files.slice(at, at + PAGE), (file, before) =>
      meet(before, said.get(file)!, complete, now),
    );
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
    decide: (file: string, before: KnownFact | null) => Met | null,
  ): Promise<void> {
    for (let left = wanted; left.length > 0; ) {
      const known = await readFacts(database.read, repository, name, left);
      const before = new Map(known.map((fact) => [fact.file, fact]));
      const changed = left.flatMap((file) => {
        const met = decide(file, before.get(file) ?? null);
        return met && met.fact !== before.get(file) ? [met] : [];
      });
      if (changed.length === 0) return;
      const won = await store(changed);
      left = changed.map(({ fact }) => fact.file).filter((file) => !won.has(file));
    }
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
