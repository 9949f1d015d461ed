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

/** By place, which of its links' connections are to be used. */
const eras = new WeakMap<PostgresPlace, { since: number }>();

/** All links of the place make new connections: those that there are may lead to a server that has been replaced, and whoever only reads there is told nothing of it. */
export function renewLinks(place: PostgresPlace): void {
  eras.set(place, { since: performance.now() });
}

/** By place, what is asked there now: each gives up so many milliseconds from now, or sooner. */
const running = new WeakMap<PostgresPlace, Set<(inMs: number) => void>>();
/** How long that may take once another server of the database answers. Milliseconds. */
const GONE_MS = 5_000;

/** The same where that server is known to be gone, perhaps without a word: what it was asked has no more than `ms` left. */
export function leaveServer(place: PostgresPlace, ms = GONE_MS): void {
  renewLinks(place);
  for (const giveUp of running.get(place) ?? []) giveUp(ms);
}

function isNew(place: PostgresPlace): boolean {
  const era = eras.get(place);
  return era !== undefined && performance.now() - era.since < RENEWED_MS;
}

/** How long one statement may take once the server is about to end. Milliseconds. */
const HURRIED_MS = 5_000;

interface Ending {
  /** Something was given up since: nothing else waits for the same silence. */
  isGivenUp: boolean;
}

/** By place, of servers that are about to end. */
const endings = new WeakMap<PostgresPlace, Ending>();

/** The server is about to end: all links of the place wait for less, and once one of them has waited in vain for nothing any more. */
export function hurryLinks(place: PostgresPlace): void {
  endings.set(place, { isGivenUp: false });
  for (const giveUp of running.get(place) ?? []) giveUp(HURRIED_MS);
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
  let era = eras.get(place);
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

  const asked = running.get(place) ?? new Set();
  running.set(place, asked);

  function patience(): number {
    const ending = endings.get(place);
    if (!ending) return silenceMs;
    return ending.isGivenUp ? 0 : Math.min(silenceMs, HURRIED_MS);
  }

  function current(): SQL {
    if (era !== eras.get(place)) {
      era = eras.get(place);
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
        const ending = endings.get(place);
        if (ending && !ending.isGivenUp) {
          ending.isGivenUp = true;
          for (const other of asked) other(0);
        }
      };
      const end = performance.now() + patience();
      let timer: ReturnType<typeof setTimeout>;
      const giveUpIn = (ms: number) => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, Math.max(0, Math.min(ms, end - performance.now())));
      };
      giveUpIn(end - performance.now());
      asked.add(giveUpIn);
      try {
        return await Promise.race([work(used), silence.promise]);
      } catch (error) {
        if (isReadOnly(error) && !isNew(place)) renewLinks(place);
        throw error;
      } finally {
        clearTimeout(timer!);
        asked.delete(giveUpIn);
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
