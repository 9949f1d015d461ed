// The first integrity seen of every file that a document named. Later documents can add to it, never change it.
import type { Fact } from "../core/document.ts";
import { compareIntegrity, type Integrity, mergeIntegrity } from "../core/integrity.ts";
import type { Query } from "../store/database.ts";
import type { FileKey } from "./pins.ts";

/** What is known of one file. Short names: there are millions of these. */
export interface KnownFact {
  /** Version. */
  v: string;
  /** First integrity seen; a later document may add stronger hashes of the same bytes. */
  i: Integrity | null;
  /** Later documents added to the integrity: the bytes must meet every hash in it. */
  a?: true;
  /** Location, when it is not the conventional one. */
  l?: string;
  /** Gone: when the upstream's document was first seen without it. ISO 8601. */
  g?: string;
  /** Tampered: when another integrity was first shown, and the one last shown. */
  t?: { since: string; shown: Integrity };
}

/** By file. */
export type KnownFacts = Record<string, KnownFact>;

export interface Change {
  file: string;
  version: string;
  first: Integrity | null;
  shown: Integrity | null;
}

export interface Reconciled {
  facts: KnownFacts;
  /** False when nothing needs to be written. */
  changed: boolean;
  /** Files shown with another integrity than the first one, now for the first time. */
  tampered: Change[];
  /** Files that were named before and no longer are, noticed now. */
  gone: Change[];
  /** Files that had gone and are named again. */
  returned: Change[];
}

/**
 * Compares what a document says with what was seen first. `complete`: the document names all files of the package, so what
 * it does not name has gone. Pure; `known` is not changed.
 */
export function reconcile(
  known: KnownFacts,
  incoming: Fact[],
  complete: boolean,
  now: string,
): Reconciled {
  const result: Reconciled = {
    facts: { ...known },
    changed: false,
    tampered: [],
    gone: [],
    returned: [],
  };
  const named = new Set<string>();
  for (const fact of incoming) {
    named.add(fact.file);
    const before = Object.hasOwn(known, fact.file) ? known[fact.file] : undefined;
    const after = before ? meet(before, fact, complete, now, result) : meetFirst(fact);
    if (after === before) continue;
    result.facts[fact.file] = after;
    result.changed = true;
  }
  if (!complete) return result;

  for (const [file, before] of Object.entries(known)) {
    if (named.has(file) || before.g) continue;
    result.facts[file] = { ...before, g: now };
    result.gone.push({ file, version: before.v, first: before.i, shown: null });
    result.changed = true;
  }
  return result;
}

function meetFirst(fact: Fact): KnownFact {
  const first: KnownFact = { v: fact.version, i: fact.integrity };
  if (fact.location !== undefined) first.l = fact.location;
  return first;
}

function meet(
  before: KnownFact,
  fact: Fact,
  complete: boolean,
  now: string,
  result: Reconciled,
): KnownFact {
  let after = before;
  const change = { file: fact.file, version: before.v, first: before.i, shown: fact.integrity };

  if (before.g && complete) {
    const { g: _, ...rest } = after;
    after = rest;
    result.returned.push(change);
  }
  const same = compareIntegrity(before.i, fact.integrity);
  if (same === "different" || (same === "unknown" && before.i && fact.integrity)) {
    const shown = fact.integrity!;
    if (before.t?.shown !== shown) {
      after = { ...after, t: { since: before.t?.since ?? now, shown } };
      result.tampered.push(change);
    }
    return after; // where it says the bytes are is not believed either
  }
  if (after.t) {
    const { t: _, ...rest } = after; // the upstream is honest again
    after = rest;
  }
  const merged = mergeIntegrity(before.i ?? "", fact.integrity ?? "") || null;
  if (merged !== before.i && fact.integrity)
    after = before.i ? { ...after, i: merged, a: true } : { ...after, i: merged };
  if (fact.location !== undefined && fact.location !== before.l)
    after = { ...after, l: fact.location };
  return after;
}

/** The facts of a package; empty when none is known. */
export async function readFacts(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<KnownFacts> {
  const [row] =
    await sql`SELECT facts FROM facts WHERE repository = ${repository} AND package = ${packageName}`;
  return row ? JSON.parse(row.facts) : {};
}

export async function writeFacts(
  sql: Query,
  repository: string,
  packageName: string,
  facts: KnownFacts,
): Promise<void> {
  await sql`INSERT INTO facts (repository, package, facts) VALUES (${repository}, ${packageName}, ${JSON.stringify(facts)})
            ON CONFLICT (repository, package) DO UPDATE SET facts = excluded.facts`;
}

/** What is known of one file. */
export async function readFact(sql: Query, key: FileKey): Promise<KnownFact | null> {
  const facts = await readFacts(sql, key.repository, key.package);
  return Object.hasOwn(facts, key.file) ? facts[key.file]! : null;
}
