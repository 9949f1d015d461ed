// Connections to a PostgreSQL. What does not answer for too long is given up with its connection, and the next question makes a new one.
import { hostname } from "node:os";
import { SQL } from "bun";
import { Problem } from "../core/problem.ts";
import { isReadOnly, SILENT } from "./postgres-errors.ts";
import { loginTo } from "./postgres-login.ts";

export interface PostgresPlace {
  /** A host name, or the folder of a socket. */
  host: string;
  port: number;
  database: string;
  user: string;
  /** Taken anew for each connection that is made, from the file where there is one: it may be another one by then. */
  password: string | null;
  passwordFile: string | null;
  /** PEM of the authority, or the system's own; null: nothing is encrypted. */
  tls: { ca: string | null } | null;
  /** In all: one writes, the others read. */
  connections: number;
}

export interface Link {
  /** Asks, and rejects with a Problem("busy") when no answer comes in time. */
  ask<T>(work: (sql: Connection) => Promise<T>): Promise<T>;
  /**
   * Calls `ring` when something is told in one of the channels, and once it listens. When its connection is gone, `gone` is called, once and not by `close`:
   * nothing is heard by this link any more, which is closed then. Bun would log in again by itself, for ever.
   */
  listen(rings: Record<string, () => void>, gone: () => void): Promise<void>;
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
/** A database that stays read-only is not connected to anew for each write that it refuses. */
const RENEWED_MS = 2_000;
/** What is under way on connections that are replaced may end so long. Seconds. */
const LAST_WORDS = 30;

/** What all links of a place have in common: they lead to one server, and it answers all of them or none. */
interface Common {
  /** Since when connections are made that are to be used. */
  era: number;
  /** What is asked now: each gives up so many milliseconds from now, or sooner. */
  readonly asked: Set<(inMs: number) => void>;
  /** This server is about to end. */
  isEnding: boolean;
  /** Something was given up since: nothing else waits for the same silence. */
  isGivenUp: boolean;
}

const commons = new WeakMap<PostgresPlace, Common>();

function commonOf(place: PostgresPlace): Common {
  let common = commons.get(place);
  if (!common) {
    const era = Number.NEGATIVE_INFINITY;
    common = { era, asked: new Set(), isEnding: false, isGivenUp: false };
    commons.set(place, common);
  }
  return common;
}

/** All links make new connections: those that there are may lead to a server that has been replaced, and whoever only reads there is told nothing of it. */
function renew(common: Common): void {
  common.era = performance.now();
}

/** How long what was asked may take once another server of the database answers. Milliseconds. */
const GONE_MS = 5_000;

/** All links of the place make new connections, as its server is known to be gone, perhaps without a word: what it was asked has no more than `ms` left. */
export function leaveServer(place: PostgresPlace, ms = GONE_MS): void {
  const common = commonOf(place);
  renew(common);
  for (const giveUp of common.asked) giveUp(ms);
}

/** How long one statement may take once the server is about to end. Milliseconds. */
const HURRIED_MS = 5_000;

/** The server is about to end: all links of the place wait for less, and once one of them has waited in vain for nothing any more. */
export function hurryLinks(place: PostgresPlace): void {
  const common = commonOf(place);
  common.isEnding = true;
  for (const giveUp of common.asked) giveUp(HURRIED_MS);
}

export interface LinkOptions {
  settings?: Record<string, string>;
  times?: Partial<LinkTimes>;
}

/** Makes no connection yet. */
export function connectTo(
  place: PostgresPlace,
  max: number,
  { settings = {}, times = {} }: LinkOptions = {},
): Link {
  const { silenceMs, connectSeconds } = { ...TIMES, ...times };
  const login = loginTo(place);
  const common = commonOf(place);
  let { era } = common;
  /** Called when the connection that listens is gone. */
  let lost: (() => void) | null = null;
  let sql = open();

  function open(): SQL {
    const { host, port, database, user, tls } = place;
    return new SQL({
      adapter: "postgres",
      ...(host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { hostname: host, port }),
      database,
      username: user,
      // A password that is changed ends no connection that there is. Who needs none cannot be locked out for a wrong one.
      ...(place.password !== null && { password: login.password }),
      onconnect: (error) => {
        if (!error) login.succeeded();
      },
      onclose: (error) => {
        login.failed(error);
        lost?.();
      },
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

  function patience(): number {
    if (!common.isEnding) return silenceMs;
    return common.isGivenUp ? 0 : Math.min(silenceMs, HURRIED_MS);
  }

  function current(): SQL {
    if (era !== common.era) {
      era = common.era;
      sql.close({ timeout: LAST_WORDS }).catch(() => {});
      sql = open();
    }
    return sql;
  }

  function close(): Promise<void> {
    lost = null;
    return sql.close();
  }

  return {
    async ask(work) {
      const used = current();
      const silence = Promise.withResolvers<never>();
      const giveUp = () => {
        // Before the connection is closed, by which its statements end in other words.
        silence.reject(new Problem("busy", "The database does not answer", { event: SILENT }));
        if (sql === used) sql = open();
        used.close({ timeout: 0 }).catch(() => {});
        if (!common.isEnding || common.isGivenUp) return;
        common.isGivenUp = true;
        for (const other of common.asked) other(0);
      };
      const end = performance.now() + patience();
      let timer: ReturnType<typeof setTimeout>;
      const giveUpIn = (ms: number) => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, Math.max(0, Math.min(ms, end - performance.now())));
      };
      giveUpIn(Number.POSITIVE_INFINITY);
      common.asked.add(giveUpIn);
      try {
        return await Promise.race([work(used), silence.promise]);
      } catch (error) {
        if (isReadOnly(error) && performance.now() - common.era >= RENEWED_MS) renew(common);
        throw error;
      } finally {
        clearTimeout(timer!);
        common.asked.delete(giveUpIn);
      }
    },
    async listen(rings, gone) {
      lost = () => {
        close().catch(() => {});
        gone();
      };
      const all = Object.entries(rings).map(([channel, ring]) => sql.listen(channel, ring, ring));
      await Promise.all(all).catch((error) => {
        login.failed(error); // Bun tells `onclose` of those alone that were there
        throw error;
      });
    },
    now: () => sql,
    close,
  };
}
