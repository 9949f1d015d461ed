// The first integrity seen of every file that a document named. Later documents can add to it, never change it.
import type { Fact } from "../core/document.ts";
import {
  compareIntegrity,
  type Integrity,
  mergeIntegrity,
  parseIntegrity,
} from "../core/integrity.ts";
import { mergeTraits } from "../core/traits.ts";

/** What is known of one file. */
export interface KnownFact {
  readonly file: string;
  readonly version: string;
  /** First integrity seen; a later document may add other hashes of the same bytes. */
  readonly integrity: Integrity | null;
  /** Later documents added to the integrity: the bytes must meet every hash in it. */
  readonly isGrown: boolean;
  /** When it is not the conventional one. */
  readonly location: string | null;
  /** ISO 8601, as the upstream told it first; or as its maker says, but not before its first sight. */
  readonly publishedAt: string | null;
  /** When a document first named it, of a package that was known before; null for what was there when anybody first looked. ISO 8601. */
  readonly firstSeen: string | null;
  /** What documents told of its release, as `writeTraits` has it; null where none told anything. */
  readonly traits: string | null;
  /** When the upstream's document was first seen without it. ISO 8601. */
  readonly goneAt: string | null;
  /** When another integrity was first shown (ISO 8601), and the one last shown. */
  readonly tampered: { readonly at: string; readonly shown: Integrity } | null;
  /** Rises with each change; 0 of what is not stored. */
  readonly revision: number;
}

/** What operators must hear of. */
export interface Change {
  /** `tampered`: shown with another integrity than the first. `gone`: no longer named. `returned`: named again. Each noticed now. */
  kind: "tampered" | "gone" | "returned";
  file: string;
  version: string;
  first: Integrity | null;
  shown: Integrity | null;
}

export interface Met {
  /** The same object as before when nothing changed. */
  fact: KnownFact;
  changes: Change[];
}

/**
 * Whether a document tells a digest that nothing vouched for yet: it may be held against the bytes that are held here. What was found
 * false is not asked again.
 */
export function tellsMore(before: KnownFact | null, { integrity }: Fact): boolean {
  if (integrity === null || integrity === before?.integrity) return false;
  if (before?.tampered?.shown === integrity) return false;
  const known = parseIntegrity(before?.integrity ?? "");
  return [...parseIntegrity(integrity).keys()].some((algorithm) => !known.has(algorithm));
}

/** What is known of the document beside what it says. */
export interface Circumstances {
  /** It names all files of the package, so that one that had gone has returned. */
  complete: boolean;
  /** Another copy of it was seen before: what it names for the first time is new. */
  isKnown: boolean;
  /** ISO 8601. */
  now: string;
}

/** Compares what a document says of a file with what was seen first. `held`: digests of the bytes that are held here, in algorithms of `said`. Pure. */
export function meet(
  before: KnownFact | null,
  said: Fact,
  { complete, isKnown, now }: Circumstances,
  held: Integrity | null = null,
): Met {
  if (!before) return meetFirst(said, isKnown ? now : null, now, held);
  const changes: Change[] = [];
  const vouched = held === null ? before.integrity : mergeIntegrity(before.integrity ?? "", held);
  const change = { file: said.file, version: before.version, first: vouched };
  let fact = before;

  if (before.goneAt !== null && complete) {
    fact = { ...fact, goneAt: null };
    changes.push({ ...change, kind: "returned", shown: said.integrity });
  }
  const same = compareIntegrity(vouched, said.integrity);
  if (same === "different" || (same === "unknown" && vouched && said.integrity)) {
    const shown = said.integrity!;
    if (before.tampered?.shown !== shown) {
      fact = { ...grown(fact, vouched), tampered: { at: before.tampered?.at ?? now, shown } };
      changes.push({ ...change, kind: "tampered", shown });
    }
    return { fact, changes }; // where it says the bytes are is not believed either
  }
  if (fact.tampered) fact = { ...fact, tampered: null }; // the upstream is honest again
  // Nearly all of a document is as it was.
  if (said.integrity !== null && said.integrity !== before.integrity)
    fact = grown(fact, mergeIntegrity(vouched ?? "", said.integrity) || null);
  if (said.location !== undefined && said.location !== before.location)
    fact = { ...fact, location: said.location };
  const publishedAt = before.publishedAt ?? timeOf(said, before.firstSeen, now);
  if (publishedAt !== before.publishedAt) fact = { ...fact, publishedAt };
  const traits = mergeTraits(before.traits, said.traits);
  if (traits !== before.traits) fact = { ...fact, traits };
  return { fact, changes };
}

function meetFirst(said: Fact, firstSeen: string | null, now: string, held: Integrity | null): Met {
  const fact = first(said, firstSeen, now);
  if (held === null || compareIntegrity(held, said.integrity) !== "different")
    return { fact, changes: [] };
  const { file, version } = fact;
  const shown = said.integrity!;
  return {
    fact: { ...fact, integrity: held, location: null, tampered: { at: now, shown } },
    changes: [{ kind: "tampered", file, version, first: held, shown }],
  };
}

function grown(fact: KnownFact, integrity: Integrity | null): KnownFact {
  if (integrity === fact.integrity) return fact;
  return { ...fact, integrity, isGrown: fact.isGrown || fact.integrity !== null };
}

/** A document that names all files of the package no longer names this one. Pure. */
export function lose(before: KnownFact, now: string): Met {
  if (before.goneAt !== null) return { fact: before, changes: [] };
  const { file, version, integrity } = before;
  return {
    fact: { ...before, goneAt: now },
    changes: [{ kind: "gone", file, version, first: integrity, shown: null }],
  };
}

function first(said: Fact, firstSeen: string | null, now: string): KnownFact {
  return {
    file: said.file,
    version: said.version,
    integrity: said.integrity,
    isGrown: false,
    location: said.location ?? null,
    publishedAt: timeOf(said, firstSeen, now),
    firstSeen,
    traits: mergeTraits(null, said.traits),
    goneAt: null,
    tampered: null,
    revision: 0,
  };
}

/**
 * The registry's word, or else the maker's: nobody can make a release older than its first sight here, nor younger than now. In one spelling: upstreams
 * tell it with zones and with microseconds. What is no time is none.
 */
function timeOf({ publishedAt, madeAt }: Fact, firstSeen: string | null, now: string) {
  const told = iso(publishedAt);
  const made = told === null ? iso(madeAt) : null;
  if (made === null) return told;
  const notAfter = made < now ? made : now;
  return firstSeen !== null && firstSeen > notAfter ? firstSeen : notAfter;
}

function iso(time: string | undefined): string | null {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isFinite(at) ? new Date(at).toISOString() : null;
}
