// Who asked last for a release that policy keeps from them: noted in memory while requests run, written behind.
import type { Log } from "../core/log.ts";
import { nameOf, type Principal } from "../core/principal.ts";
import type { SentRelease } from "../core/reply.ts";
import type { Database } from "../store/database.ts";

/** Written at the end of so long: the release itself is told of first (see withheld.ts). */
const BATCH_MS = 2_000;
/** Callers choose what they ask for: more in one batch are not noted. */
const MOST = 1_000;

export interface Refused {
  /** Never throws, never waits. */
  note(caller: Principal, address: string, repository: string, release: SentRelease): void;
  /** All that was noted is stored. */
  settled(): Promise<void>;
}

export function createRefused(database: Database, log: Log, now: () => number): Refused {
  let noted = new Map<string, [...place: string[], at: number, by: string, from: string]>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let writing: Promise<void> = Promise.resolve();

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    const batch = [...noted.values()];
    noted = new Map();
    if (batch.length === 0) return writing;
    writing = writing.then(() =>
      database
        .write(async (sql) => {
          for (const [repository, name, version, at, by, from] of batch)
            await sql`UPDATE withheld_told SET asked_at = ${at}, asked_by = ${by}, asked_from = ${from}
              WHERE repository = ${repository} AND package = ${name} AND version = ${version}`;
        })
        .catch((error) =>
          log.write("error", "Who asked for what is withheld could not be stored", {
            error: String(error),
          }),
        ),
    );
    return writing;
  }

  return {
    note(caller, address, repository, { package: name, version }) {
      const key = `${repository}\0${name}\0${version}`;
      if (noted.size >= MOST && !noted.has(key)) return;
      noted.set(key, [repository, name, version, now(), nameOf(caller), address]);
      timer ??= setTimeout(() => void flush(), BATCH_MS);
    },
    settled: flush,
  };
}
