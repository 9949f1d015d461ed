// What was done to the database since the first version, in order. Numbers may have gaps; one never changes its meaning once released.
import start from "./0001-start.sql" with { type: "text" };
import pinnedDigests from "./0002-pinned-digests.sql" with { type: "text" };
import finalEvents from "./0010-final-events.sql" with { type: "text" };
import keptEvictable from "./0011-kept-evictable.sql" with { type: "text" };
import documentsRevised from "./0020-documents-revised.sql" with { type: "text" };
import absences from "./0021-absences.sql" with { type: "text" };
import factsByFile from "./0022-facts-by-file.sql" with { type: "text" };
import unpinned from "./0030-unpinned.sql" with { type: "text" };
import artifactsByAge from "./0050-artifacts-by-age.sql" with { type: "text" };
import documentsFoundAt from "./0060-documents-found-at.sql" with { type: "text" };

export interface Migration {
  /** The number of its file: the database's version afterwards. */
  version: number;
  sql: string;
}

export const migrations: readonly Migration[] = [
  { version: 1, sql: start },
  { version: 2, sql: pinnedDigests },
  { version: 10, sql: finalEvents },
  { version: 11, sql: keptEvictable },
  { version: 20, sql: documentsRevised },
  { version: 21, sql: absences },
  { version: 22, sql: factsByFile },
  { version: 30, sql: unpinned },
  { version: 50, sql: artifactsByAge },
  { version: 60, sql: documentsFoundAt },
];
