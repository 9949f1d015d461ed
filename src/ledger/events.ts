// What an operator must know: stored for ever, logged at once, counted.
import { type EventKind, eventLevels, type RepositoryEvent } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "../store/database.ts";
import { list } from "../store/several.ts";

export interface StoredEvent extends RepositoryEvent {
  id: number;
  /** Milliseconds since the epoch. */
  at: number;
  repository: string;
}

export interface EventFilter {
  limit: number;
  kind?: string;
  repository?: string;
}

export interface Events {
  /** Logs and counts at once, stores soon. */
  report(repository: string, event: RepositoryEvent): void;
  /** Stores in the transaction of what the event is about, so that a crash loses both or neither; `announce` follows. */
  store(sql: Query, repository: string, event: RepositoryEvent): Promise<void>;
  /** Logs and counts what was stored. */
  announce(repository: string, event: RepositoryEvent): void;
  /** As `report`, of what is only found as it is stored: `find` and its events are one transaction. */
  reportFound(repository: string, find: (sql: Query) => Promise<RepositoryEvent[]>): void;
  /** The newest `limit` events, oldest first. */
  list(filter: EventFilter): Promise<StoredEvent[]>;
  /** Resolves when everything reported so far is stored. */
  settled(): Promise<void>;
}

/** What else is written down with an event, in its transaction. */
export type Tell = (sql: Query, repository: string, event: RepositoryEvent) => Promise<void>;

const AT_ONCE = 500;

export function createEvents(
  database: Database,
  log: Log,
  metrics: Metrics,
  now: () => number,
  also: Tell = async () => {},
): Events {
  const total = metrics.counter("holdfast_events_total", "Events by repository and kind");
  let pending: Promise<unknown> = Promise.resolve();
  function announce(repository: string, event: RepositoryEvent): void {
    const { kind, package: name, version, file, message, detail } = event;
    log.write(eventLevels[kind], message, {
      event: kind,
      repo: repository,
      package: name,
      version,
      file,
      detail: detail && JSON.stringify(detail),
    });
    total.add({ repository, kind });
  }

  async function store(sql: Query, repository: string, event: RepositoryEvent, at: number) {
    await insertEvent(sql, repository, event, at);
    await also(sql, repository, event);
  }

  function soon(kind: string, writing: Promise<unknown>): void {
    const stored = writing.catch((error) =>
      log.write("error", "An event could not be stored", { event: kind, error: String(error) }),
    );
    pending = Promise.all([pending, stored]);
  }

  return {
    announce,
    store: (sql, repository, event) => store(sql, repository, event, now()),
    report(repository, event) {
      announce(repository, event);
      const at = now();
      soon(
        event.kind,
        database.write((sql) => store(sql, repository, event, at)),
      );
    },
    reportFound(repository, find) {
      const at = now();
      const writing = database.write(async (sql) => {
        const found = await find(sql);
        for (const event of found) await store(sql, repository, event, at);
        return found;
      });
      soon(
        "found",
        writing.then((found) => {
          for (const event of found) announce(repository, event);
        }),
      );
    },
    list: (filter) => listEvents(database.read, filter),
    async settled() {
      await pending;
    },
  };
}

/** The newest `limit` events, oldest first. */
export async function listEvents(
  sql: Query,
  { limit, kind = "", repository = "" }: EventFilter,
): Promise<StoredEvent[]> {
  const rows = await sql`SELECT * FROM events
    WHERE (${kind} = '' OR kind = ${kind}) AND (${repository} = '' OR repository = ${repository})
    ORDER BY id DESC LIMIT ${limit}`;
  return rows.reverse().map(fromRow);
}

/** What people did about an event. */
export interface Seen {
  at: number;
  by: string;
  note: string;
}

export interface SeenEvent extends StoredEvent {
  /** Null: nobody has said that they saw it. */
  seen: Seen | null;
}

export interface EventQuestion {
  limit: number;
  before: number | null;
  /** Of these kinds alone; all where there is none. */
  kinds?: readonly EventKind[];
  repository?: string | undefined;
  package?: string | undefined;
  /** Milliseconds since the epoch. */
  since?: number | undefined;
  until?: number | undefined;
  /** Those that somebody has seen, or those that nobody has. */
  isSeen?: boolean | undefined;
  mayRead(event: StoredEvent): boolean;
}

/**
 * The newest events before `before` that `mayRead` lets through, the newest first; `next`: before which the following ones stand, null when there are
 * none.
 */
export async function pageOfEvents(
  sql: Query,
  asked: EventQuestion,
): Promise<{ events: SeenEvent[]; next: number | null }> {
  const { limit, mayRead } = asked;
  const events: SeenEvent[] = [];
  let before = asked.before ?? Number.MAX_SAFE_INTEGER;
  // Who may read all has enough with that.
  for (let wanted = limit + 1; ; wanted = AT_ONCE) {
    const rows = await rowsBefore(sql, before, asked, wanted);
    for (const event of rows.map(seenFromRow)) {
      if (events.length === limit && mayRead(event)) return { events, next: events.at(-1)!.id };
      if (mayRead(event)) events.push(event);
      before = event.id;
    }
    if (rows.length < wanted) return { events, next: null };
  }
}

/** By the index of what is asked for: a kind may be rare among a million. */
async function rowsBefore(sql: Query, before: number, asked: EventQuestion, wanted: number) {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, kinds = [], repository = "" } = asked;
  const seen = asked.isSeen === undefined ? "" : asked.isSeen ? "yes" : "no";
  if (asked.package)
    return sql`SELECT e.*, s.at AS seen_at, s.principal, s.note FROM events e LEFT JOIN events_seen s ON s.event = e.id
      WHERE e.package = ${asked.package} AND e.package <> '' AND e.id < ${before} AND e.at + 0 >= ${since} AND e.at + 0 <= ${until}
      AND (${repository} = '' OR e.repository = ${repository}) AND (${kinds.length} = 0 OR e.kind IN (${list(kinds)}))
      AND (${seen} = '' OR (${seen} = 'yes' AND s.at IS NOT NULL) OR (${seen} = 'no' AND s.at IS NULL))
      ORDER BY e.id DESC LIMIT ${wanted}`;
  if (kinds.length > 0) {
    // Each of them comes in its order; of several together all would be sorted.
    const each = await Promise.all(
      kinds.map(
        (
          kind,
        ) => sql`SELECT e.*, s.at AS seen_at, s.principal, s.note FROM events e LEFT JOIN events_seen s ON s.event = e.id
          WHERE e.kind = ${kind} AND e.id < ${before} AND e.at + 0 >= ${since} AND e.at + 0 <= ${until}
          AND (${repository} = '' OR e.repository = ${repository})
          AND (${seen} = '' OR (${seen} = 'yes' AND s.at IS NOT NULL) OR (${seen} = 'no' AND s.at IS NULL))
          ORDER BY e.id DESC LIMIT ${wanted}`,
      ),
    );
    return each
      .flat()
      .sort((a, b) => Number(b.id) - Number(a.id))
      .slice(0, wanted);
  }
  if (repository)
    return sql`SELECT e.*, s.at AS seen_at, s.principal, s.note FROM events e LEFT JOIN events_seen s ON s.event = e.id
      WHERE e.repository = ${repository} AND e.id < ${before} AND e.at + 0 >= ${since} AND e.at + 0 <= ${until}
      AND (${seen} = '' OR (${seen} = 'yes' AND s.at IS NOT NULL) OR (${seen} = 'no' AND s.at IS NULL))
      ORDER BY e.id DESC LIMIT ${wanted}`;
  return sql`SELECT e.*, s.at AS seen_at, s.principal, s.note FROM events e LEFT JOIN events_seen s ON s.event = e.id
    WHERE e.id < ${before} AND e.at + 0 >= ${since} AND e.at + 0 <= ${until}
    AND (${seen} = '' OR (${seen} = 'yes' AND s.at IS NOT NULL) OR (${seen} = 'no' AND s.at IS NULL))
    ORDER BY e.id DESC LIMIT ${wanted}`;
}

async function insertEvent(
  sql: Query,
  repository: string,
  event: RepositoryEvent,
  at: number,
): Promise<void> {
  await sql`INSERT INTO events (at, kind, repository, package, version, file, message, detail) VALUES (
    ${at}, ${event.kind}, ${repository}, ${event.package}, ${event.version ?? null}, ${event.file ?? null},
    ${event.message}, ${JSON.stringify(event.detail ?? {})})`;
}

/** Throws Problem("notFound"). */
export async function readEvent(sql: Query, id: number): Promise<SeenEvent> {
  const [row] = await sql`SELECT e.*, s.at AS seen_at, s.principal, s.note
    FROM events e LEFT JOIN events_seen s ON s.event = e.id WHERE e.id = ${id}`;
  if (!row) throw new Problem("notFound", `There is no event ${id}`);
  return seenFromRow(row);
}

/** Somebody has seen it: who says so last counts. */
export async function markSeen(sql: Query, event: number, { at, by, note }: Seen): Promise<void> {
  await sql`INSERT INTO events_seen (event, at, principal, note) VALUES (${event}, ${at}, ${by}, ${note})
    ON CONFLICT (event) DO UPDATE SET at = excluded.at, principal = excluded.principal, note = excluded.note`;
}

/** False where nobody had. */
export async function markUnseen(sql: Query, event: number): Promise<boolean> {
  const rows = await sql`DELETE FROM events_seen WHERE event = ${event} RETURNING event`;
  return rows.length > 0;
}

/** How many of these kinds nobody has seen since then; counted up to `most`. */
export async function countUnseen(
  sql: Query,
  kinds: readonly EventKind[],
  since: number,
  most: number,
): Promise<number> {
  const [row] = await sql`SELECT COUNT(*) AS many FROM (SELECT e.id FROM events e
    WHERE e.kind IN (${list(kinds)}) AND e.at >= ${since} AND NOT EXISTS (SELECT 1 FROM events_seen s WHERE s.event = e.id)
    LIMIT ${most}) AS unseen`;
  return Number(row.many);
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function seenFromRow(row: any): SeenEvent {
  const seen =
    row.seen_at === null ? null : { at: Number(row.seen_at), by: row.principal, note: row.note };
  return { ...fromRow(row), seen };
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function fromRow(row: any): StoredEvent {
  const event: StoredEvent = {
    id: Number(row.id),
    at: Number(row.at),
    kind: row.kind,
    repository: row.repository,
    package: row.package,
    message: row.message,
    detail: JSON.parse(row.detail),
  };
  if (row.version) event.version = row.version;
  if (row.file) event.file = row.file;
  return event;
}
