// What servers on one database tell each other: written in the transaction that makes a change, told by NOTIFY, and read by snapshots of the database.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../core/problem.ts";
import { watchStandstill } from "../core/standstill.ts";
import { within } from "../core/within.ts";
import type { Change, Hub, News } from "./changes.ts";
import type { Database } from "./database.ts";
import { CURRENT } from "./migrate.ts";
import { connectTo, type Link, type PostgresPlace } from "./postgres-link.ts";
import { outdated } from "./postgres-schema.ts";

export interface NewsDeps {
  database: Database;
  /** Of the same database, for the connection that listens. */
  place: PostgresPlace;
  /** Told when nothing can be heard, and of a server that does not say that it hears: each once. */
  warn(message: string): void;
  times?: Partial<NewsTimes>;
}

/** Milliseconds. For tests. */
export interface NewsTimes {
  /** How often it is looked, called or not: a call may be lost. */
  look: number;
  /** How long others are waited for that do not say that they have heard; who has not looked for so long looks before it answers. */
  wait: number;
  /** What other servers change is no longer heard of when nothing could be read for so long. */
  deaf: number;
  /** How often what is old is removed. */
  tidy: number;
}

export interface OpenNews extends News {
  /** As whom it hears. */
  readonly origin: string;
  /** That server is dead: nobody waits for it any more. One that lives all the same says so by `again`. */
  gone(origin: string): Promise<void>;
  /** Says anew that this one hears, where it was taken for dead. Rejects while that cannot be said. */
  again(): Promise<void>;
  /** What other servers change, since this was opened, is told there. Resolves when they know that this one hears. */
  follow(hear: Hub["hear"]): Promise<void>;
  /** Looks now; resolves when all that was committed before has been told. For tests. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const TIMES: NewsTimes = { look: 500, wait: 1_000, deaf: 10_000, tidy: 60_000 };
/** More at once are not told one by one. */
const MOST = 2_000;
/** A listener says so often that it is there, whether it hears anything or not. */
const SIGN_MS = 60_000;
/** Of what was noted last somebody may wait until it is known everywhere. */
const MOST_NOTED = 1_000;

/**
 * What was read last. Another server's rows are seen once, in whatever order transactions end: those that this snapshot has
 * and the one before had not.
 */
interface Place {
  snapshot: string | null;
  /** When it was read and when the server behind it began, both by the database's clock: after another beginning nothing is as it was. */
  at: string | null;
  started: string | null;
}

/** Listens from now on. Throws a Problem where the database cannot be reached. */
export async function openNews({ database, place, warn, times }: NewsDeps): Promise<OpenNews> {
  const { look: lookMs, wait, deaf, tidy: tidyMs } = { ...TIMES, ...times };
  const origin = randomBytes(8).toString("hex");
  const noted = new Map<string, string>();
  /** What listeners had heard when they were waited for in vain: they are waited for again when that has changed. */
  const silent = new Map<string, string>();
  let known: Place = { snapshot: null, at: null, started: null };
  let heardAt = performance.now();
  let signedAt = heardAt;
  let tidiedAt = heardAt;
  /** `heardAt` when a look was waited for in vain: those who ask until the next that goes well do not wait as well. */
  let vainAt = Number.NEGATIVE_INFINITY;
  let isOwing = true;
  let follower: Hub["hear"] | null = null;
  let isClosed = false;
  let trouble: string | null = null;
  const called = createBell();
  const answered = createBell();
  let looking: Promise<void> | null = null;
  let saying: Promise<void> | null = null;
  let listening: Promise<void> | null = null;
  /** Its connection that listens is there. */
  let isCalled = true;
  /** The look that begins when the one under way is over: for all who ask until then. */
  let coming: Promise<void> | null = null;

  const keyOf = ({ kind, repository, key }: Change) => `${kind}\0${repository}\0${key}`;

  async function read(): Promise<{ place: Place; changes: Change[] | null }> {
    const { snapshot, at, started } = known;
    const rows = await database.read`SELECT s.*, c.kind, c.repository, c.key FROM (
        SELECT pg_current_snapshot()::text AS snapshot, clock_timestamp()::text AS at,
        pg_postmaster_start_time()::text AS started, pg_is_in_recovery() AS is_standby, (SELECT version FROM schema_version) AS version,
        coalesce(clock_timestamp() - ${at}::timestamptz > interval '10 minutes', FALSE) AS is_late
      ) AS s LEFT JOIN (
        SELECT kind, repository, key FROM changes WHERE xact >= pg_snapshot_xmin(${snapshot}::pg_snapshot)
        AND NOT pg_visible_in_snapshot(xact, ${snapshot}::pg_snapshot) AND origin <> ${origin}
        LIMIT ${MOST + 1}
      ) AS c ON TRUE`;
    const [now] = rows;
    if (now.version > CURRENT) throw outdated(now.version);
    // It may be behind, and nothing is forgotten for a server that may yet be passed over.
    if (now.is_standby === 1) throw new Problem("busy", "The database only follows another one");
    const isMissed =
      (started !== null && started !== now.started) || now.is_late === 1 || rows.length > MOST;
    const changes = rows.flatMap(({ kind, repository, key }) =>
      kind === null ? [] : [{ kind, repository, key: JSON.parse(key) }],
    );
    return {
      place: { snapshot: now.snapshot, at: now.at, started: now.started },
      changes: isMissed ? null : changes,
    };
  }

  /** Tells what is new. Where that fails all stays as it was, and is done with the next look. */
  async function lookOnce(): Promise<void> {
    const begun = performance.now();
    const { place: next, changes } = await read();
    // A connection may still be open to the server of before, and nobody calls there.
    if (next.started !== known.started) await listenAnew();
    else if (!isCalled && !listening) void listenAnew().catch(() => {}); // what is told is found by looking, only later
    if (follower && (changes === null || changes.length > 0)) await follower(changes);
    known = next;
    heardAt = begun;
    isOwing ||= changes === null || changes.length > 0 || begun - signedAt > SIGN_MS;
  }

  /** What is written waits behind other writes; nobody who hears waits for it. */
  function say(): Promise<void> {
    saying ??= write().finally(() => {
      saying = null;
    });
    return saying;
  }

  async function write(): Promise<void> {
    while (isOwing && follower) await sign(); // more may be heard meanwhile, which somebody waits for
    if (performance.now() - tidiedAt >= tidyMs) await tidy();
  }

  async function sign(): Promise<void> {
    isOwing = false;
    const { snapshot, started } = known;
    try {
      // Numbers of transactions are the server's own: what was heard of one is nothing to say to the one that took over.
      await database.write(
        (sql) => sql`INSERT INTO listeners (origin, heard)
          SELECT ${origin}, ${snapshot} WHERE pg_postmaster_start_time()::text = ${started}
          ON CONFLICT (origin) DO UPDATE SET heard = excluded.heard, at = clock_timestamp()`,
      );
      signedAt = performance.now();
    } catch (error) {
      isOwing = true;
      throw error;
    }
  }

  /** Those who look again only now forget all that they remember. */
  async function tidy(): Promise<void> {
    tidiedAt = performance.now();
    await database.write(async (sql) => {
      await sql`DELETE FROM changes WHERE at < clock_timestamp() - interval '15 minutes'`;
      await sql`DELETE FROM listeners WHERE at < clock_timestamp() - interval '15 minutes'`;
    });
  }

  async function run(): Promise<void> {
    while (!isClosed) {
      const next = called.next();
      await hear().then(() => void say().then(() => tell(null), tell), tell);
      await either(next, lookMs);
    }
  }

  function tell(error: Error | null): void {
    if (error && error.message !== trouble)
      warn(`Changes that other servers make are not heard of: ${error.message}`);
    trouble = error?.message ?? null;
  }

  async function look(): Promise<void> {
    await hear();
    await saying?.catch(() => {}); // it may be of what was heard before
    await say();
  }

  /** One look at a time; who asks while one is under way is told by the next one. */
  async function hear(): Promise<void> {
    await looking?.catch(() => {});
    if (looking) return hear();
    const mine = lookOnce().finally(() => {
      looking = null;
    });
    looking = mine;
    await mine;
  }

  function catchUp(): Promise<void> {
    coming ??= (looking ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        coming = null;
        return hear();
      })
      .catch(() => {}); // the database is away, and what is remembered is all that there is
    return coming;
  }

  function behind(): Promise<number> | null {
    const stoodMs = standstill.ms();
    if (performance.now() - heardAt < wait || heardAt === vainAt)
      return stoodMs === 0 ? null : Promise.resolve(stoodMs);
    const before = heardAt;
    return within(wait, catchUp(), () => {}).then(() => {
      if (heardAt === before) vainAt = before;
      return stoodMs;
    });
  }

  /** Who listens and has not heard of what the transaction did. */
  async function waitingFor(xact: string): Promise<{ origin: string; heard: string }[]> {
    const rows = await database.read`SELECT origin, heard FROM listeners
      WHERE origin <> ${origin} AND NOT pg_visible_in_snapshot(${xact}::xid8, heard::pg_snapshot)`;
    return rows.filter((row) => silent.get(row.origin) !== row.heard);
  }

  async function waitFor(xact: string): Promise<void> {
    const end = performance.now() + wait;
    for (;;) {
      const next = answered.next();
      const missing = await waitingFor(xact);
      if (missing.length === 0) return;
      const left = end - performance.now();
      if (left > 0) await either(next, Math.min(left, 100));
      else
        for (const one of missing) {
          silent.set(one.origin, one.heard);
          warn(
            `The server ${one.origin} on the same database does not say that it hears of changes`,
          );
        }
    }
  }

  async function listen(): Promise<Link> {
    const made = connectTo(place, 1);
    const rings = { holdfast_changes: called.ring, holdfast_heard: answered.ring };
    try {
      await made.listen(rings, () => {
        isCalled = false;
      });
      return made;
    } catch (error) {
      await made.close();
      throw error;
    }
  }

  async function listenAnew(): Promise<void> {
    await listening?.catch(() => {}); // it may have come to the server of before
    listening = replaceLink().finally(() => {
      listening = null;
    });
    await listening;
  }

  async function replaceLink(): Promise<void> {
    const made = await listen();
    link.close().catch(() => {});
    link = made;
    isCalled = true;
  }

  known = (await read()).place;
  let link = await listen();
  const standstill = watchStandstill();
  let running: Promise<void> | null = null;

  return {
    isShared: true,
    origin,
    async gone(dead) {
      // Who was taken for dead and is back is waited for again.
      await database.write(
        (sql) => sql`DELETE FROM listeners WHERE origin = ${dead}
          AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.origin = listeners.origin)`,
      );
      answered.ring();
    },
    async again() {
      isOwing = true;
      await look();
    },
    async note(sql, change) {
      const { kind, repository, key } = change;
      const [{ xact }] = await sql`INSERT INTO changes (origin, kind, repository, key)
        VALUES (${origin}, ${kind}, ${repository}, ${JSON.stringify(key)}) RETURNING xact::text AS xact`;
      noted.delete(keyOf(change));
      if (noted.size >= MOST_NOTED) noted.delete(noted.keys().next().value!);
      noted.set(keyOf(change), xact);
    },
    async everywhere(change) {
      const xact = noted.get(keyOf(change));
      if (xact !== undefined) await waitFor(xact).catch(() => {}); // it is committed, and read with the next look of each
    },
    catchUp,
    behind,
    isHearing: () => performance.now() - heardAt < deaf,
    async follow(hear) {
      follower = hear;
      await look();
      running = run();
    },
    look,
    async close() {
      isClosed = true;
      standstill.close();
      called.ring();
      await running;
      await saying?.catch(() => {});
      await listening?.catch(() => {});
      await link.close();
      // Nobody waits for one that has gone.
      await database
        .write((sql) => sql`DELETE FROM listeners WHERE origin = ${origin}`)
        .catch(() => {});
    },
  };
}

interface Bell {
  /** Resolves when it is rung next. */
  next(): Promise<void>;
  ring(): void;
}

function createBell(): Bell {
  let rung = Promise.withResolvers<void>();
  return {
    next: () => rung.promise,
    ring() {
      rung.resolve();
      rung = Promise.withResolvers();
    },
  };
}

/** Whichever comes first; no timer stays behind. */
async function either(event: Promise<void>, milliseconds: number): Promise<void> {
  const timer = new AbortController();
  const { signal } = timer;
  await Promise.race([event, sleep(milliseconds, undefined, { signal }).catch(() => {})]);
  timer.abort();
}
