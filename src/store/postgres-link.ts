// Connections to a PostgreSQL. What does not answer for too long is given up with its connection, and the next question makes a new one.
import { hostname } from "node:os";
import { SQL } from "bun";
import { Problem } from "../core/problem.ts";

export interface PostgresPlace {
  /** A host name, or the folder of a socket. */
  host: string;
  port: number;
  database: string;
  user: string;
  /** Read for each connection that is made. */
  password: string | null;
  /** PEM of the authority, or the system's own; null: nothing is encrypted. */
  tls: { ca: string | null } | null;
  /** In all: one writes, the others read. */
  connections: number;
}

export interface Link {
  /** Asks, and rejects with a Problem("busy") when no answer comes in time. */
  ask<T>(work: (sql: Connection) => Promise<T>): Promise<T>;
  /** The connections as they are now, for what may take its time. */
  now(): SQL;
  close(): Promise<void>;
}

export type Connection = Pick<SQL, "unsafe" | "reserve">;

export interface LinkTimes {
  /** How long one statement may take before its connection is given up: the other end may be gone without a word. Milliseconds. */
  silenceMs: number;
  /** How long a connection may take to be made. Seconds. */
  connectSeconds: number;
}

/** What all connections of this process are called in the database's own lists: at most 63 bytes. */
export const PROGRAM = `holdfast ${process.pid} on ${hostname()}`.slice(0, 63);

const TIMES: LinkTimes = { silenceMs: 30_000, connectSeconds: 5 };
/** Makes no connection yet. */
export function connectTo(
  place: PostgresPlace,
  max: number,
  settings: Record<string, string> = {},
  times: Partial<LinkTimes> = {},
): Link {
  const { silenceMs, connectSeconds } = { ...TIMES, ...times };
  let sql = open();

  function open(): SQL {
    const { host, port, database, user, tls } = place;
    return new SQL({
      adapter: "postgres",
      ...(host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { hostname: host, port }),
      database,
      username: user,
      // Asked for each connection: a password that is changed there and here ends none that there is.
      ...(place.password !== null && { password: () => place.password ?? "" }),
      tls: tls ? { rejectUnauthorized: true, ...(tls.ca !== null && { ca: tls.ca }) } : false,
      max,
      connectionTimeout: connectSeconds,
      // A plan for any values reads a whole package where a list of a thousand files is looked up.
      connection: {
        application_name: PROGRAM,
        plan_cache_mode: "force_custom_plan",
        ...settings,
      },
      bigint: true,
    });
  }

  return {
    async ask(work) {
      const used = sql;
      const silence = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        if (sql === used) sql = open();
        used.close({ timeout: 0 }).catch(() => {}); // its statements end by that, and nobody waits for them
        silence.reject(new Problem("busy", "The database does not answer", { event: SILENT }));
      }, silenceMs);
      try {
        return await Promise.race([work(used), silence.promise]);
      } finally {
        clearTimeout(timer);
      }
    },
    now: () => sql,
    close: () => sql.close(),
  };
}

const SILENT = "database-silent";

/** Not the database's word on a statement: it is not there, or does not answer, or ends (classes 08, 53 and 57 of SQLSTATE). */
export function isAway(error: unknown): boolean {
  if (error instanceof Problem) return error.event === SILENT;
  const { code = "" } = (error ?? {}) as { code?: unknown };
  return (
    /^ERR_POSTGRES_(CONNECTION|IDLE|LIFETIME|TLS)/.test(String(code)) ||
    /^(08|53300|57P)/.test(stateOf(error))
  );
}

/** The SQLSTATE of what the server said. */
export function stateOf(error: unknown): string {
  return String((error as { errno?: unknown } | null)?.errno ?? "");
}
