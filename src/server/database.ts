// The catalog of a data directory: the file in it, or a PostgreSQL, which then must be the one that its files belong to.
import { type DatabaseConfig, writtenDatabase } from "../config/database.ts";
import type { Config } from "../config/resolve.ts";
import { inFull, Problem } from "../core/problem.ts";
import { hasBlobs, hasOwnCatalog, readMark, writeMark } from "../store/catalog-mark.ts";
import { type Database, openDatabase, type ReadDatabase, readDatabase } from "../store/database.ts";
import type { Layout } from "../store/layout.ts";
import { readFolderMove, readMove, refuseMoved } from "../store/moves.ts";
import { openPostgres, readPostgres } from "../store/postgres.ts";
import { identityOf, isUsed, requireNoted } from "./files.ts";
import { isShared as isSharedBy } from "./nodes.ts";

type Place = Pick<Config, "database" | "store">;

/**
 * For who holds the data directory's lock. Throws Problem("conflict") where the catalog is of a newer program, in use by another server, or not the
 * one that the files in the data directory belong to.
 */
export async function openCatalog(
  { database: place, store }: Place,
  layout: Layout,
  /** Other servers have it too, and what its files are is a matter of the store that they share. */
  isShared = isSharedBy({ database: place, store }),
): Promise<Database> {
  requireKind(place, layout);
  if (!place) {
    refuseMoved(readFolderMove(layout), layout.root);
    return openDatabase(layout.database);
  }
  const database = await openPostgres(place, { isAlone: !isShared }).catch((error) => {
    if (!(error instanceof Problem && error.kind === "busy")) throw error;
    throw new Problem("busy", `${writtenDatabase(place).url}: ${inFull(error)}`, { cause: error });
  });
  try {
    refuseMoved(await readMove(database.read), `The database ${writtenDatabase(place).url}`);
    if (!store) {
      await requireNoted({ store }, database);
      await requireOwn(database, place, layout, isShared);
    }
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** For reading only, beside a server that may be running on it. */
export async function readCatalog(
  { database: place }: Place,
  layout: Layout,
): Promise<ReadDatabase> {
  requireKind(place, layout);
  return place ? readPostgres(place) : readDatabase(layout.database);
}

/** Whether a server ever stored anything there, or need not have: with database and bucket the data directory has copies alone. */
export function hasCatalog({ database, store }: Place, layout: Layout): boolean {
  return (
    hasOwnCatalog(layout) || readMark(layout) !== null || (database !== null && store !== null)
  );
}

/** With the other kind of catalog every file would be one that nothing names. */
function requireKind(place: DatabaseConfig | null, layout: Layout): void {
  const mark = readMark(layout);
  if (!place && mark)
    throw new Problem(
      "conflict",
      `The files in ${layout.root} belong to the database ${mark.url}: the configuration must name it (database)`,
    );
  if (place && hasOwnCatalog(layout))
    throw new Problem(
      "conflict",
      `${layout.root} has a catalog of its own (holdfast.db), and the configuration names a database: take another data directory for that, or leave database out`,
    );
}

async function requireOwn(
  database: Database,
  place: DatabaseConfig,
  layout: Layout,
  isShared: boolean,
) {
  const mark = readMark(layout);
  const { url } = writtenDatabase(place);
  const used = await isUsed(database);
  const id = await identityOf(database);
  if (mark && mark.id !== id)
    throw new Problem(
      "conflict",
      `The files in ${layout.root} belong to another database than ${url}: to ${mark.url} as it was then`,
    );
  if (!mark && used && !isShared)
    throw new Problem(
      "conflict",
      `The database ${url} belongs to another data directory than ${layout.root}: the one in whose catalog.json it stands`,
    );
  if (!mark && hasBlobs(layout) && !isShared)
    throw new Problem(
      "conflict",
      `${layout.root} has files, and the database ${url} is new and knows nothing of them`,
    );
  if (mark?.url !== url) await writeMark(layout, { id, url });
}
