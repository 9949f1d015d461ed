// The catalog of a PostgreSQL as it is at one moment, as a file: what a backup of it is.
import { fillTable } from "./copy-tables.ts";
import type { PostgresPlace } from "./postgres-link.ts";
import { allTables } from "./tables.ts";
import { readPostgresMoment } from "./tables-postgres.ts";
import { openSqliteTarget } from "./tables-sqlite.ts";

/** Makes the file at `path`, where there is none. */
export async function takePostgres(place: PostgresPlace, path: string): Promise<void> {
  const from = await readPostgresMoment(place);
  try {
    const to = await openSqliteTarget(path);
    try {
      for (const table of allTables()) await fillTable(table, from, to);
      await to.seal();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}
