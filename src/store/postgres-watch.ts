// Which server answers for a database, and whether it takes writes: asked again and again, on a connection of its own.
import { setTimeout as sleep } from "node:timers/promises";
import { READ_ONLY, told } from "./postgres-errors.ts";
import { connectTo, leaveServer, type PostgresPlace } from "./postgres-link.ts";
import { warnOfPassword } from "./postgres-login.ts";

/** By place, who finds out about what was committed without an answer. */
const listeners = new WeakMap<PostgresPlace, (process: string) => void>();

/** The process of the database was told to commit, and its answer was lost: what it did is not remembered here, or not what was stored. */
export function noteUnanswered(place: PostgresPlace, process: string): void {
  listeners.get(place)?.(process);
}

/** How often it is asked whether a process still works on what nobody waits for. */
const ASK_MS = 500;

export interface Watch {
  /** Throws Problem("busy") where nobody answers, or who does takes no writes. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const WHO =
  "SELECT pg_postmaster_start_time()::text AS started, current_setting('transaction_read_only') AS is_read_only";

export interface WatchDeps {
  /** Another server takes writes than when it was looked last, or it was started anew. What was committed last may be gone. */
  replaced(): Promise<void>;
  /** A commit that was not answered is done by now, or never will be: only the database knows which. */
  decided(): Promise<void>;
  /** The file of the password cannot be read any more, and connections are made with the password that was there before. */
  warn(message: string): void;
}

/** `replaced` and `decided` are called again, a little later, where they reject. */
export function watchPostgres(place: PostgresPlace, { replaced, decided, warn }: WatchDeps): Watch {
  const link = connectTo(place, 1, { times: { silenceMs: 2_000, connectSeconds: 2 } });
  warnOfPassword(place, warn);
  let known: string | null = null;
  let looking: Promise<void> | null = null;

  async function who(): Promise<string> {
    return link.ask(async (sql) => {
      const [{ started, is_read_only }] = await sql.unsafe(WHO);
      // As a write would be answered: whoever has connections there makes new ones.
      if (is_read_only === "on") throw Object.assign(new Error(""), { errno: READ_ONLY });
      return started;
    });
  }

  async function lookOnce(): Promise<void> {
    const started = await who().catch((error) => {
      throw told(error);
    });
    if (known !== null && known !== started) {
      leaveServer(place); // some may have been made when the address still led to the one before
      await replaced();
    }
    known = started;
  }

  const unanswered = new Set<string>();
  let isClosed = false;

  async function working(): Promise<Set<string>> {
    const rows: { process: string }[] = await link.ask((sql) =>
      sql.unsafe(
        `SELECT pid::text AS process FROM pg_stat_activity WHERE pid IN (${[...unanswered].join()})`,
      ),
    );
    return new Set(rows.map(({ process }) => process));
  }

  /** One that waits for a standby, or does not know that nobody is there any more, may commit much later. */
  async function findOut(): Promise<void> {
    while (unanswered.size > 0 && !isClosed) {
      await sleep(ASK_MS, undefined, { ref: false });
      const all = [...unanswered];
      const at = await working().catch(() => null);
      const ended = at ? all.filter((process) => !at.has(process)) : [];
      if (ended.length === 0) continue;
      const isTold = await decided().then(
        () => true,
        () => false,
      );
      if (isTold) for (const process of ended) unanswered.delete(process);
    }
  }

  listeners.set(place, (process) => {
    const isIdle = unanswered.size === 0;
    unanswered.add(process);
    if (isIdle) void findOut();
  });

  return {
    look() {
      looking ??= lookOnce().finally(() => {
        looking = null;
      });
      return looking;
    },
    close() {
      isClosed = true;
      listeners.delete(place);
      return link.close();
    },
  };
}
