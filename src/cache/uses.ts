// When fetched files were last used: noted in memory, on the path of each request, and written behind, some at a time. What a crash
// forgets goes a little earlier than it would.
import type { FileKey } from "../ledger/pins.ts";
import type { Database } from "../store/database.ts";
import { writeUses } from "./artifact-rows.ts";

/** A use is noted once in so long: whoever makes room looks at days. */
const NOTED_MS = 10 * 60 * 1000;
/** Notes that wait to be written; further ones are lost. */
const WAITING = 100_000;
/** Rows of one write: others wait for it. */
const WRITTEN_AT_ONCE = 256;

export interface Uses {
  note(file: FileKey, at: number): void;
  /** Writes what was noted. What cannot be written is kept for the next time, and the reason thrown. */
  flush(): Promise<void>;
}

/** `usedAt`: when its use was last noted; null for what need not be. */
export function isToBeNoted(usedAt: number | null, at: number): boolean {
  return usedAt !== null && at - usedAt >= NOTED_MS;
}

export function createUses(database: Pick<Database, "write">): Uses {
  const noted = new Map<string, FileKey & { at: number }>();
  let flushing: Promise<void> | null = null;

  async function write(): Promise<void> {
    while (noted.size > 0) {
      const some = [...noted.entries().take(WRITTEN_AT_ONCE)];
      await database.write((sql) =>
        writeUses(
          sql,
          some.map(([, use]) => use),
        ),
      );
      // One that was used once more meanwhile waits for the next write.
      for (const [key, use] of some) if (noted.get(key) === use) noted.delete(key);
    }
  }

  return {
    note(file, at) {
      const key = `${file.repository}\0${file.package}\0${file.file}`;
      if (noted.size < WAITING || noted.has(key)) noted.set(key, { ...file, at });
    },
    flush() {
      flushing ??= write().finally(() => {
        flushing = null;
      });
      return flushing;
    },
  };
}
