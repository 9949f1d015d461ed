// What is known of advisories, in memory as far as it was asked for: what each request may ask.
import type { Advisories, Advisory } from "../core/advisory.ts";
import type { Named } from "./rows.ts";

export interface CurrentAdvisories extends Advisories {
  /** What is known of the package, when that is in memory. */
  recall(type: string, name: string): readonly Advisory[] | undefined;
  /** Another one when what is known of the package may be something else; null: of any. Only rises. */
  revision(type: string, name: string | null): number;
  /** Forgets these packages; null: all. */
  changed(names: readonly Named[] | null): void;
}

/** Packages of which it is remembered what is known: mostly that it is nothing. */
const NAMES = 20_000;
/** Of all records that are remembered. Bytes. */
const BYTES = 8 * 2 ** 20;
/** Packages share a number: another one for a package that nobody spoke of costs one look. */
const REVISIONS = 2 ** 14;

export function createCurrent(known: Advisories): CurrentAdvisories {
  const memory = new Map<string, { found: readonly Advisory[]; bytes: number }>();
  const revisions = new Uint32Array(REVISIONS);
  /** Names of the feeds that tell of a type, until anything changes. */
  const coverage = new Map<string, ReadonlySet<string>>();
  let changes = 0;
  let bytes = 0;

  const keyOf = (type: string, name: string) => `${type}/${name}`;

  function forget(key: string): void {
    const before = memory.get(key);
    if (!before) return;
    bytes -= before.bytes;
    memory.delete(key);
  }

  function remember(key: string, found: readonly Advisory[]): void {
    forget(key);
    const size = found.reduce((sum, one) => sum + 2 * one.raw().length, 0);
    if (size > BYTES / 4) return;
    memory.set(key, { found, bytes: size });
    bytes += size;
    for (const oldest of memory.keys()) {
      if (memory.size <= NAMES && bytes <= BYTES) break;
      forget(oldest);
    }
  }

  return {
    byId: known.byId,
    feeds: known.feeds,
    all: known.all,
    async covering(type) {
      // Looking for them goes through all names of the type.
      let names = coverage.get(type);
      if (names) {
        const covering = names;
        return (await known.feeds()).filter(({ name }) => covering.has(name));
      }
      const of = changes;
      const found = await known.covering(type);
      names = new Set(found.map(({ name }) => name));
      if (of === changes) coverage.set(type, names);
      return found;
    },
    recall: (type, name) => memory.get(keyOf(type, name))?.found,
    revision: (type, name) => (name === null ? changes : revisions[slotOf(keyOf(type, name))]!),
    async about(type, name) {
      const key = keyOf(type, name);
      const recalled = memory.get(key);
      if (recalled) return recalled.found;
      const slot = slotOf(key);
      const before = revisions[slot];
      const found = await known.about(type, name);
      if (revisions[slot] === before) remember(key, found);
      return found;
    },
    changed(names) {
      changes += 1;
      coverage.clear();
      if (names === null) {
        memory.clear();
        bytes = 0;
        for (const slot of revisions.keys()) revisions[slot]! += 1;
        return;
      }
      for (const { purlType, name } of names) {
        const key = keyOf(purlType, name);
        forget(key);
        revisions[slotOf(key)]! += 1;
      }
    },
  };
}

/** FNV-1a. */
function slotOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1)
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % REVISIONS;
}
