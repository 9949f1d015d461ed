// What was changed in the file of the catalog, told to the other processes as soon as it is committed.
import type { Change, News } from "../../store/changes.ts";
import type { Database } from "../../store/database.ts";

/** So many changes somebody may wait for until they are known everywhere. */
const MOST = 1_000;

/**
 * The same database, and the news of it. `tell` resolves when the others have heard, `catchUp` when this one has heard of what they had told before; neither
 * rejects.
 */
export function telling(
  database: Database,
  tell: (change: Change) => Promise<void>,
  catchUp: () => Promise<void>,
): { database: Database; news: News } {
  /** What the write that is at work notes: writes take turns. */
  let noted: Change[] | null = null;
  const told = new Map<string, Promise<void>>();
  const keyOf = ({ kind, repository, key }: Change) => `${kind}\0${repository}\0${key}`;

  function tellNow(changes: readonly Change[]): void {
    for (const change of changes) {
      const key = keyOf(change);
      told.delete(key);
      if (told.size >= MOST) told.delete(told.keys().next().value!);
      told.set(key, tell(change));
    }
  }

  return {
    database: {
      ...database,
      get commits() {
        return database.commits;
      },
      async write(work, how) {
        let mine: Change[] = [];
        try {
          return await database.write(async (sql) => {
            mine = []; // it may run again
            noted = mine;
            try {
              return await work(sql);
            } finally {
              noted = null;
            }
          }, how);
        } finally {
          // Also of one that failed: it may stand all the same (see `write`), and who hears of nothing new reads once more.
          tellNow(mine);
        }
      },
    },
    news: {
      isShared: true,
      async note(_sql, change) {
        noted?.push(change);
      },
      everywhere: (change) => told.get(keyOf(change)) ?? Promise.resolve(),
      catchUp,
      behind: () => null,
      isHearing: () => true,
    },
  };
}
