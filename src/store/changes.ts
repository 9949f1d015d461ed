// What else in the server, and later another process on the same data, must hear when something stored has changed.

/** Something stored that others may remember in memory. */
export interface Change {
  /**
   * "document": a document has another state. "artifact": a stored file was removed, or its bytes proved false: what is remembered of
   * it holds no more. "hosted": something was published under a name, or what is published under it has changed. "access": a user, a team or a grant
   * is not what it was; it has neither repository nor key. Or a token has ended: its id is the key. "policy": a waiver was made or taken back.
   * "provenance": it was found out who made files of a package.
   */
  readonly kind: "document" | "artifact" | "hosted" | "access" | "policy" | "provenance";
  readonly repository: string;
  /** Names it within its repository and kind, with `\0` between parts: kind and key of a document, package and file of an artifact, a package of what is hosted, or of which more is known. */
  readonly key: string;
}

export interface Changes {
  /** Tells all who listen, in this process before it returns. To be called once the change is committed. */
  announce(change: Change): void;
  /** Listens to changes of one kind. `heard` must not throw. What it returns ends that. */
  on(kind: Change["kind"], heard: (change: Change) => void): () => void;
}

export function createChanges(): Changes {
  const listening = new Map<Change["kind"], Set<(change: Change) => void>>();
  return {
    announce(change) {
      for (const heard of listening.get(change.kind) ?? []) heard(change);
    },
    on(kind, heard) {
      const all = listening.get(kind) ?? new Set();
      listening.set(kind, all);
      all.add(heard);
      return () => all.delete(heard);
    },
  };
}

/** The same for one who leaves some day: `end` ends all that it listens to. */
export function leavable(changes: Changes): Changes & { end(): void } {
  const ends: (() => void)[] = [];
  return {
    announce: changes.announce,
    on(kind, heard) {
      const end = changes.on(kind, heard);
      ends.push(end);
      return end;
    },
    end() {
      for (const end of ends.splice(0)) end();
    },
  };
}
