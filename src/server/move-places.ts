// Where a move begins and where it ends: what each place must be like, and what is said of it when it is over.
import { type DatabaseConfig, writtenDatabase } from "../config/database.ts";
import { Problem } from "../core/problem.ts";
import { writeMark } from "../store/catalog-mark.ts";
import { type BlobPlace, folderPlace } from "../store/copy-blobs.ts";
import { type Database, type ReadDatabase, readDatabase } from "../store/database.ts";
import {
  emptyIncoming,
  type Layout,
  layoutOf,
  openLayout,
  refuseUnrestored,
} from "../store/layout.ts";
import { type Lock, lockData } from "../store/lock.ts";
import { type LogFiles, openLogFiles } from "../store/log-files.ts";
import { markArriving, openFolderTarget, requireRoom } from "../store/move-folder.ts";
import {
  arrivingIn,
  type Move,
  readFolderMove,
  readMove,
  refuseMoved,
  removeFolderMove,
  setCatalogAside,
  writeFolderMove,
  writeMove,
} from "../store/moves.ts";
import { openPostgres, readPostgres } from "../store/postgres.ts";
import type { Table, Tables, TargetTables } from "../store/tables.ts";
import { openPostgresTarget, readPostgresTables } from "../store/tables-postgres.ts";
import { readSqliteTables } from "../store/tables-sqlite.ts";
import { hasCatalog, openCatalog, readCatalog } from "./database.ts";
import { identityOf } from "./files.ts";

/** What of a configuration says where things are. */
export interface MovePlace {
  data: string;
  database: DatabaseConfig | null;
}

/** Where its catalog is, for people and for the marks. */
export function nameOf({ data, database }: MovePlace): string {
  return database ? writtenDatabase(database).url : data;
}

export function isSameFiles(a: MovePlace, b: MovePlace): boolean {
  return a.data === b.data;
}

interface Files {
  blobs: BlobPlace;
  log: LogFiles;
}

const filesOf = (layout: Layout): Files => ({
  blobs: folderPlace(layout),
  log: openLogFiles(layout.log),
});

export interface MoveSource extends Files {
  tables: Tables;
  catalog: ReadDatabase;
  /** It is not to be used again. For who holds it alone. Closes it. */
  leave(other: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * `isAlone`: no server runs on it, and none starts until it is closed. Throws Problem("conflict") where one does, and where the place is itself only the
 * half of a move.
 */
export async function openSource(place: MovePlace, isAlone: boolean): Promise<MoveSource> {
  refuseUnrestored(place.data);
  const layout = layoutOf(place.data);
  refuseMoved(await saidOf(place), nameOf(place));
  if (!hasCatalog(layout))
    throw new Problem(
      "notFound",
      `${place.data} holds no Holdfast data: --data names another folder`,
    );
  const catalog = await readCatalog(place, layout);
  let lock: Lock | null = null;
  let held: Database | null = null;
  let tables: Awaited<ReturnType<typeof readSqliteTables>> | null = null;
  const close = once(async () => {
    await tables?.close();
    await catalog.close();
    await held?.close();
    lock?.release();
  });
  try {
    lock = isAlone ? lockData(layout.lock) : null;
    held = isAlone ? await openCatalog(place, layout) : null;
    // Made where there is none yet: it belongs to what is copied.
    if (held) await identityOf(held);
    tables = await (place.database
      ? readPostgresTables(place.database)
      : readSqliteTables(layout.database));
    return {
      ...filesOf(layout),
      tables,
      catalog,
      async leave(other) {
        const left: Move = { state: "left", other, at: new Date().toISOString() };
        if (place.database) await writeMove(held!, left);
        else await writeFolderMove(layout, left);
        await close();
        if (!place.database) setCatalogAside(layout);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What is said of the catalog there; null where nothing is, or there is none. */
export async function saidOf({ data, database }: MovePlace): Promise<Move | null> {
  if (!database) return readFolderMove(layoutOf(data));
  const catalog = await readPostgres(database);
  try {
    return await readMove(catalog.read);
  } finally {
    await catalog.close();
  }
}

export interface MoveTarget extends Files {
  tables: TargetTables;
  /** What is there by now; to be closed. */
  catalog(): Promise<ReadDatabase>;
  /** A server may start on it, once it is closed. */
  seal(): Promise<void>;
  close(): Promise<void>;
}

/** A place that is empty, or where a move from `from` was cut. Throws Problem("conflict") for any other. */
export async function openTarget(
  place: MovePlace,
  from: MovePlace,
  tables: readonly Table[],
): Promise<MoveTarget> {
  const areFilesThere = isSameFiles(place, from);
  const isFolder = !place.database || !areFilesThere;
  const own = layoutOf(place.data);
  if (isFolder) {
    requireRoom(own, areFilesThere, nameOf(from));
    await markArriving(own, nameOf(from)); // before anything else is there
  }
  const layout = openLayout(place.data);
  // Where files stay it is the source's, which a server may be running on.
  const lock = areFilesThere ? null : lockData(layout.lock);
  let opened: Awaited<ReturnType<typeof openTables>>;
  try {
    if (lock) emptyIncoming(layout);
    opened = await openTables(place, layout, nameOf(from), tables);
  } catch (error) {
    lock?.release();
    throw error;
  }
  const close = once(async () => {
    await opened.close();
    lock?.release();
  });
  return {
    ...filesOf(layout),
    tables: opened.tables,
    catalog: () =>
      place.database ? readPostgres(place.database) : readDatabase(arrivingIn(layout)),
    seal: opened.seal,
    close,
  };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => {
    done ??= work();
    return done;
  };
}

async function openTables(
  { database }: MovePlace,
  layout: Layout,
  from: string,
  all: readonly Table[],
) {
  if (database) {
    const tables = await openPostgresTarget(database, all, from);
    return {
      tables,
      close: tables.close,
      async seal() {
        await tables.seal();
        const opened = await openPostgres(database);
        const id = await identityOf(opened).finally(opened.close);
        await writeMark(layout, { id, url: writtenDatabase(database).url });
        await tables.arrived();
        if (readFolderMove(layout)?.state === "arriving") await removeFolderMove(layout);
      },
    };
  }
  return openFolderTarget(layout);
}
