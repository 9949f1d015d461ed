// The states of documents: the one place in which they change. By compare-and-swap in the row, then told to all who remember them.
import type { DocumentRef } from "../../core/document.ts";
import type { Changes } from "../../store/changes.ts";
import type { Database, Query } from "../../store/database.ts";
import { createLru } from "../lru.ts";
import { readDocument, swapDocument, touchDocument } from "./rows.ts";
import { type DocumentState, digestOf, idOf, type NewState } from "./state.ts";

const STATES_IN_MEMORY = 20_000;

export interface InServiceDeps {
  repository: string;
  database: Database;
  changes: Changes;
  now(): number;
}

export interface InService {
  /** The state of the stored document, from memory or its row; null when none is stored. */
  find(ref: DocumentRef): Promise<DocumentState | null>;
  /**
   * The same for who would ask the upstream about `state`: where other servers may have asked since, as its row says. Freshness is told to nobody, so that
   * they need not hear of each answer.
   */
  later(ref: DocumentRef, state: DocumentState): Promise<DocumentState>;
  /** The same from its row: another server may have stored or confirmed one. */
  read(ref: DocumentRef): Promise<DocumentState | null>;
  /** Whether it is the one in memory. */
  isNewest(ref: DocumentRef, state: DocumentState): boolean;
  /**
   * Stores what `make` makes of the state before; null leaves it. When another was stored meanwhile, by another process as well, `make` is called
   * again with that one. `also` runs in the same transaction. Returns the state in service then.
   */
  change(
    ref: DocumentRef,
    make: (before: DocumentState | null) => NewState | null,
    also?: (sql: Query) => Promise<void>,
  ): Promise<DocumentState | null>;
  /** Takes it out of service: it is as if it had never been fetched. */
  drop(ref: DocumentRef): Promise<void>;
  /** Only freshness moves. In memory at once; the row is not waited for: after a crash the worst is one more question to the upstream. */
  touch(
    ref: DocumentRef,
    state: DocumentState,
    freshness: Pick<DocumentState, "etag" | "checkedAt" | "freshUntil" | "isCurrent">,
  ): DocumentState;
  /** Resolves when what was touched before stands in its row, or cannot. */
  noted(): Promise<void>;
}

export function createInService({ repository, database, changes, now }: InServiceDeps): InService {
  const states = createLru<DocumentState>(STATES_IN_MEMORY);
  /** The last change of each document that is under way here: they take turns, so that only another process is ever raced. */
  const turns = new Map<string, Promise<unknown>>();
  let announcing: string | null = null;
  let noting: Promise<void> = Promise.resolve();
  /** What was read before something was heard is not remembered after it. */
  let heard = 0;
  changes.on(
    "document",
    (change) => {
      if (change.repository !== repository || change.key === announcing) return;
      heard += 1;
      states.delete(change.key);
    },
    () => {
      heard += 1;
      states.clear();
    },
  );

  async function find(ref: DocumentRef): Promise<DocumentState | null> {
    return states.get(idOf(ref)) ?? load(ref);
  }

  async function load(ref: DocumentRef): Promise<DocumentState | null> {
    const before = heard;
    const state = await readDocument(database.read, repository, ref);
    if (state && heard === before) remember(idOf(ref), state);
    return state;
  }

  /** What was read or stored later is not put back. */
  function remember(id: string, state: DocumentState): DocumentState {
    const known = states.get(id);
    if (known && known.revision > state.revision) return known;
    if (known && known.revision === state.revision && known.checkedAt >= state.checkedAt)
      return known;
    states.set(id, state, 1);
    return state;
  }

  function change(
    ref: DocumentRef,
    make: (before: DocumentState | null) => NewState | null,
    also?: (sql: Query) => Promise<void>,
  ): Promise<DocumentState | null> {
    const id = idOf(ref);
    const turn = (turns.get(id) ?? Promise.resolve())
      .catch(() => {})
      .then(() => swap(ref, make, also))
      .finally(() => {
        if (turns.get(id) === turn) turns.delete(id);
      });
    turns.set(id, turn);
    return turn;
  }

  async function swap(
    ref: DocumentRef,
    make: (before: DocumentState | null) => NewState | null,
    also?: (sql: Query) => Promise<void>,
  ): Promise<DocumentState | null> {
    const id = idOf(ref);
    for (let before = await find(ref); ; before = await load(ref)) {
      const made = make(before);
      if (!made) return before;
      const next: DocumentState = {
        ...made,
        revision: (before?.revision ?? 0) + 1,
        digest: digestOf(made.blob, made.overlay, made.foundAt),
        changedAt: later(before),
      };
      const isStored = await database.write(async (sql) => {
        if (!(await swapDocument(sql, repository, ref, next))) return false;
        await also?.(sql);
        await changes.note(sql, { kind: "document", repository, key: id });
        return true;
      });
      if (!isStored) {
        states.delete(id); // what is in memory is older than the row
        continue;
      }
      const known = states.get(id);
      const isSame = known?.blob === next.blob && known.checkedAt > next.checkedAt;
      const { etag, checkedAt, freshUntil, isCurrent } = isSame ? known : next; // confirmed while this was being stored
      const newest = { ...next, etag, checkedAt, freshUntil, isCurrent };
      remember(id, newest);
      announcing = id;
      changes.announce({ kind: "document", repository, key: id });
      announcing = null;
      return newest;
    }
  }

  /** Now, and at least a second after the change before: Last-Modified tells no smaller differences. */
  function later(before: DocumentState | null): number {
    const second = Math.floor((before?.changedAt ?? -1000) / 1000) + 1;
    return Math.max(now(), second * 1000);
  }

  return {
    find,
    read: load,
    noted: () => noting,
    change,
    async later(ref, state) {
      if (!changes.isShared || !changes.isHearing()) return state;
      await load(ref).catch(() => {}); // the database is away: the upstream is asked, or not, as if it had said nothing
      return states.get(idOf(ref)) ?? state;
    },
    async drop(ref) {
      const change = { kind: "document", repository, key: idOf(ref) } as const;
      await database.write(async (sql) => {
        await sql`DELETE FROM documents
          WHERE repository = ${repository} AND kind = ${ref.kind} AND key = ${ref.key}`;
        await changes.note(sql, change);
      });
      states.delete(idOf(ref));
      changes.announce(change);
    },
    isNewest: (ref, state) => states.get(idOf(ref)) === state,
    touch(ref, state, freshness) {
      const id = idOf(ref);
      const newest = states.get(id) ?? state; // files may have been fetched meanwhile
      if (newest.blob !== state.blob) return newest;
      const { source: _, ...plain } = newest;
      const touched = { ...plain, ...freshness };
      states.set(id, touched, 1);
      noting = database
        .write((sql) => touchDocument(sql, repository, ref, touched))
        .catch(() => {});
      return touched;
    },
  };
}
