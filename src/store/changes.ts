// What else in the server, and other servers on the same database, must hear when something stored has changed. See docs/decisions/0050-news.md.
import type { Query } from "./query.ts";

/** Something stored that others may remember in memory. */
export interface Change {
  /**
   * "document": a document has another state. "artifact": a stored file was removed, or its bytes proved false: what is remembered of
   * it holds no more. "hosted": something was published under a name, or what is published under it has changed. "access": a user, a team or a grant
   * is not what it was; it has neither repository nor key. Or a token has ended: its id is the key. "policy": a waiver was made or taken back.
   * "provenance": it was found out who made files of a package. "advisories": a feed tells something else of a package; its type is the key's first part.
   * Without a key: of any. "learned": of a release of a package it is known by now what lists of them were made without. "kept": a value that a format keeps is another one; the key is its name.
   * "source": a code host has something new; the key is its URL.
   */
  readonly kind: Kind;
  readonly repository: string;
  /** Names it within its repository and kind, with `\0` between parts: kind and key of a document, package and file of an artifact, a package of what is hosted, or of which more is known. */
  readonly key: string;
}

export type Kind =
  | "document"
  | "artifact"
  | "hosted"
  | "access"
  | "policy"
  | "provenance"
  | "learned"
  | "advisories"
  | "kept"
  | "source";

/** A stored file was removed, or is another one. */
export function goneFile(repository: string, packageName: string, file: string): Change {
  return { kind: "artifact", repository, key: `${packageName}\0${file}` };
}

/** Where it was made: by this process, or by another server. */
export type From = "here" | "elsewhere";

export interface Changes {
  /**
   * To be called in the transaction that makes the change: by it other servers hear of it once it is committed. Nothing is asked or written where no other
   * server can have the database.
   */
  note(sql: Query, change: Change): Promise<void>;
  /** Tells all who listen, in this process before it returns. To be called once the change is committed. */
  announce(change: Change): void;
  /**
   * Resolves when other servers have heard of a change that was noted and is committed, or cannot be waited for. Never rejects. Who answers a person that
   * something is so waits for it.
   */
  everywhere(change: Change): Promise<void>;
  /**
   * Listens to changes of one kind. `all`: any number of them were missed, and whatever is remembered of what they are about holds no more. Neither may
   * throw. What it returns ends that.
   */
  on(kind: Kind, heard: (change: Change, from: From) => void, all: () => void): () => void;
  /** For who keeps a copy of what is stored: `read` reads it again, and is waited for before a change made elsewhere is told to who listens. */
  copy(kind: Kind, read: (changes: readonly Change[]) => Promise<void>): void;
  /**
   * Resolves when what other servers had changed before has been told here, or cannot be now. Never rejects. For who is about to deny what another one may
   * have told a client a moment ago.
   */
  catchUp(): Promise<void>;
  /**
   * Null where another server can have answered nobody yet about what is unknown here. Else, as where this process was stopped for a while, to be waited for
   * before anything is answered by what is remembered: resolves when it is known, or cannot be for now, to for how long this process stood still until a
   * moment ago, in milliseconds. Never rejects.
   */
  behind(): Promise<number> | null;
  /** Whether other servers may have the same database. */
  readonly isShared: boolean;
  /** Whether what other servers change is heard of. False once the database was out of reach for some seconds. */
  isHearing(): boolean;
}

/** What passes between servers. */
export type News = Pick<
  Changes,
  "note" | "everywhere" | "catchUp" | "behind" | "isHearing" | "isShared"
>;

export interface Hub extends Changes {
  /** Changes that other servers made; null: any number of them were missed. Rejects when a copy cannot be read: nobody was told, then. */
  hear(changes: readonly Change[] | null): Promise<void>;
}

const DONE = Promise.resolve();

/** There is no other server. */
const nobody: News = {
  isShared: false,
  note: () => DONE,
  everywhere: () => DONE,
  catchUp: () => DONE,
  behind: () => null,
  isHearing: () => true,
};

interface Listener {
  heard(change: Change, from: From): void;
  all(): void;
}

export function createChanges(news: News = nobody): Hub {
  const listening = new Map<Kind, Set<Listener>>();
  const copies = new Map<Kind, ((changes: readonly Change[]) => Promise<void>)[]>();

  function tell(change: Change, from: From): void {
    for (const { heard } of listening.get(change.kind) ?? []) heard(change, from);
  }

  return {
    ...news,
    announce: (change) => tell(change, "here"),
    on(kind, heard, all) {
      const listener = { heard, all };
      const those = listening.get(kind) ?? new Set();
      listening.set(kind, those);
      those.add(listener);
      return () => those.delete(listener);
    },
    copy(kind, read) {
      copies.set(kind, [...(copies.get(kind) ?? []), read]);
    },
    async hear(changes) {
      const kinds = changes ? Map.groupBy(changes, ({ kind }) => kind) : null;
      for (const [kind, reads] of copies) {
        const some = kinds ? kinds.get(kind) : [{ kind, repository: "", key: "" }];
        if (some) for (const read of reads) await read(some);
      }
      for (const change of changes ?? []) tell(change, "elsewhere");
      if (!changes) for (const those of listening.values()) for (const { all } of those) all();
    },
  };
}

/** The same for one who leaves some day: `end` ends all that it listens to. */
export function leavable(changes: Changes): Changes & { end(): void } {
  const ends: (() => void)[] = [];
  return {
    ...changes,
    on(kind, heard, all) {
      const end = changes.on(kind, heard, all);
      ends.push(end);
      return end;
    },
    end() {
      for (const end of ends.splice(0)) end();
    },
  };
}
