// The rows of the catalog that leaves are about, under the names that the queue has for them (migration 0030): some at a time, in the order of their keys.
import type { Query } from "../../store/database.ts";
import { breathe, PAGE } from "../fact-rows.ts";
import type { Group, LoggedRow } from "./leaf.ts";

/** Where a walk through the rows stands; empty at its beginning. */
export type Cursor = readonly (string | number)[];

export interface RowPage {
  rows: LoggedRow[];
  /** Null: there are no more. */
  next: Cursor | null;
}

type ReadPage = (sql: Query, after: Cursor) => Promise<LoggedRow[]>;

const PAGES: Readonly<
  Record<Group, { read: ReadPage; key(row: LoggedRow & { id?: number }): Cursor }>
> = {
  pin: {
    read: (sql, [repository = "", name = "", file = ""]) =>
      sql`SELECT 'pin' AS kind, repository, package, file, first_seen AS at, sha256, size, upstream AS source, digests AS integrity,
        content AS state FROM pins WHERE (repository, package, file) > (${repository}, ${name}, ${file})
        ORDER BY repository, package, file LIMIT ${PAGE}`,
    key: ({ repository, package: name, file }) => [repository!, name!, file!],
  },
  fact: {
    read: (sql, [repository = "", name = "", file = ""]) =>
      sql`SELECT 'fact' AS kind, repository, package, version, file, location AS source, integrity, published_at AS told,
        first_seen AS seen, gone_at AS gone, tampered_at AS tampered, tampered_shown AS shown
        FROM facts WHERE (repository, package, file) > (${repository}, ${name}, ${file})
        ORDER BY repository, package, file LIMIT ${PAGE}`,
    key: ({ repository, package: name, file }) => [repository!, name!, file!],
  },
  event: {
    read: (sql, [id = -1]) =>
      sql`SELECT 'event' AS kind, id, repository, package, version, file, at, kind AS state, message AS sealed, detail AS sealed_too
        FROM events WHERE id > ${id} ORDER BY id LIMIT ${PAGE}`,
    key: ({ id }) => [id!],
  },
  waiver: {
    read: (sql, [id = ""]) =>
      sql`SELECT 'waiver' AS kind, id AS ref, repository, package, versions AS version, created_at AS at, purl_type AS state,
        ends_at AS ends, owner AS sealed, reason AS sealed_too FROM waivers WHERE id > ${id} ORDER BY id LIMIT ${PAGE}`,
    key: ({ ref }) => [ref!],
  },
};

/** The rows after `after`. */
export async function pageOfRows(sql: Query, group: Group, after: Cursor): Promise<RowPage> {
  const { read, key } = PAGES[group];
  const rows = await read(sql, after);
  return { rows, next: rows.length < PAGE ? null : key(rows.at(-1)!) };
}

/** All rows of a group; requests have their turn in between. */
export async function* everyRow(sql: Query, group: Group): AsyncGenerator<LoggedRow[]> {
  for (let after: Cursor | null = []; after; ) {
    const page: RowPage = await pageOfRows(sql, group, after);
    yield page.rows;
    after = page.next;
    await breathe();
  }
}

export interface QueuedRow extends LoggedRow {
  id: number;
}

/** The oldest that wait. */
export function readQueue(sql: Query, limit: number): Promise<QueuedRow[]> {
  return sql`SELECT * FROM log_queue ORDER BY id LIMIT ${limit}`;
}
