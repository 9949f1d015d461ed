// Which server answers for a database, and whether it takes writes: asked again and again, on a connection of its own.
import { READ_ONLY, told } from "./postgres-errors.ts";
import { connectTo, leaveServer, type PostgresPlace } from "./postgres-link.ts";

export interface Watch {
  /** Throws Problem("busy") where nobody answers, or who does takes no writes. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const WHO =
  "SELECT pg_postmaster_start_time()::text AS started, current_setting('transaction_read_only') AS is_read_only";

/**
 * `replaced`: another server takes writes than when it was looked last, or it was started anew. What was committed last may be gone. Where it rejects it is
 * called again with the next look.
 */
export function watchPostgres(place: PostgresPlace, replaced: () => Promise<void>): Watch {
  const link = connectTo(place, 1, { times: { silenceMs: 2_000, connectSeconds: 2 } });
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

  return {
    look() {
      looking ??= lookOnce().finally(() => {
        looking = null;
      });
      return looking;
    },
    close: () => link.close(),
  };
}
