// What an operator must know: stored for ever, logged at once, counted.
import { eventLevels, type RepositoryEvent } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Database, Query } from "../store/database.ts";

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

/**
 * The newest events before `before` that `mayRead` lets through, the newest first; `next`: before which the following ones stand, null when there are
 * none.
 */
export async function pageOfEvents(
  sql: Query,
  asked: EventFilter & { before: number | null; mayRead(event: StoredEvent): boolean },
): Promise<{ events: StoredEvent[]; next: number | null }> {
  const { limit, mayRead } = asked;
  const [kind, repository] = [asked.kind ?? "", asked.repository ?? ""];
  const events: StoredEvent[] = [];
  let before = asked.before ?? Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows =
      await sql`SELECT * FROM events WHERE id < ${before} AND (${kind} = '' OR kind = ${kind})
      AND (${repository} = '' OR repository = ${repository}) ORDER BY id DESC LIMIT ${AT_ONCE}`;
    for (const event of rows.map(fromRow)) {
      if (events.length === limit && mayRead(event)) return { events, next: events.at(-1)!.id };
      if (mayRead(event)) events.push(event);
      before = event.id;
    }
    if (rows.length < AT_ONCE) return { events, next: null };
  }
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
