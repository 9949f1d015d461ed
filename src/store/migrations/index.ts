// What was done to the database since the first version, in order. Numbers may have gaps; one never changes its meaning once released.
import start from "./0001-start.sql" with { type: "text" };
import pinnedDigests from "./0002-pinned-digests.sql" with { type: "text" };
import finalEvents from "./0010-final-events.sql" with { type: "text" };

export interface Migration {
  /** The number of its file: the database's version afterwards. */
  version: number;
  sql: string;
}

export const migrations: readonly Migration[] = [
  { version: 1, sql: start },
  { version: 2, sql: pinnedDigests },
  { version: 10, sql: finalEvents },
];
