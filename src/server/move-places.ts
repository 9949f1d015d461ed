// Where a move begins and where it ends: what each place must be like, and what is said of it when it is over.
import { type DatabaseConfig, writtenDatabase } from "../config/database.ts";
import type { Config } from "../config/resolve.ts";
import { storeUrl } from "../config/store.ts";
import { Problem } from "../core/problem.ts";
import { openBucket } from "../store/bucket.ts";
import { requireConditions } from "../store/bucket-conditions.ts";
import {
  type BucketMark,
  MARK,
  readBucketMark,
  refuseBackups,
  writeBucketMark,
  writeStoreNote,
} from "../store/bucket-mark.ts";
import { readMark, writeMark } from "../store/catalog-mark.ts";
import { type BlobPlace, folderPlace } from "../store/copy-blobs.ts";
import { bucketPlace } from "../store/copy-bucket.ts";
import { type Database, type ReadDatabase, readDatabase } from "../store/database.ts";
import {
  emptyIncoming,
  type Layout,
  layoutOf,
  openLayout,
  refuseUnrestored,
} from "../store/layout.ts";
import { type Lock, lockData } from "../store/lock.ts";
import type { LogFiles } from "../store/log-files.ts";
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
import {
  identityOf,
  namesOf,
  openFiles,
  openLog,
  placeOf,
  readIdentity,
  refuseFiles,
  requireFiles,
  takeFilesOver,
} from "./files.ts";

/** What of a configuration says where things are. */
export type MovePlace = Pick<Config, "data" | "database" | "store">;

/** Where its catalog is, for people and for the marks. */
export function nameOf({ data, database }: MovePlace): string {
  return database ? writtenDatabase(database).url : data;
}

/** For people; null where files are in the data directory. */
export function storeOf({ store }: MovePlace): string | null {
  return store && storeUrl(store);
}

export function isSameFiles(a: MovePlace, b: MovePlace): boolean {
  if (!a.store || !b.store) return a.store === b.store && a.data === b.data;
  return a.store.endpoint === b.store.endpoint && storeOf(a) === storeOf(b);
}

export interface MoveFiles {
  blobs: BlobPlace;
  log: LogFiles;
}

function filesOf({ store }: MovePlace, layout: Layout): MoveFiles {
  const blobs = store ? bucketPlace(openBucket(store, store)) : folderPlace(layout);
  return { blobs, log: openLog({ store }, layout) };
}

export interface MoveSource extends MoveFiles {
  tables: Tables;
  catalog: ReadDatabase;
  /** It is not to be used again: `to` is. For who holds it alone. Closes it. */
  leave(to: MovePlace): Promise<void>;
  /** The catalog stays, and its files are those of `to` from now on. For who holds it alone. */
  takeFiles(to: MovePlace): Promise<void>;
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
  if (!hasCatalog(place, layout))
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
    if (held) {
      // Made where there is none yet: it belongs to what is copied.
      await identityOf(held);
      await requireFiles(
        place,
        layout,
        held,
        openFiles(place, layout, () => {}),
      );
    } else {
      const bucket = place.store && openBucket(place.store, place.store);
      await refuseFiles(place, layout, catalog, bucket);
    }
    tables = place.database
      ? await openFromPostgres(place.database, isAlone)
      : await readSqliteTables(layout.database);
    return {
      ...filesOf(place, layout),
      tables,
      catalog,
      async leave(to) {
        if (!isSameFiles(place, to)) await markOther(place, to, held!);
        const left: Move = { state: "left", other: nameOf(to), at: new Date().toISOString() };
        if (place.database) await writeMove(held!, left);
        else await writeFolderMove(layout, left);
        await close();
        if (!place.database) setCatalogAside(layout);
      },
      async takeFiles(to) {
        // Of two marks that tell of each other the one counts that the catalog names: its row is what hands over.
        await markOther(to, place, held!);
        await markOther(place, to, held!);
        await markFiles(to, layoutOf(to.data), held!);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFromPostgres(place: DatabaseConfig, isAlone: boolean) {
  const tables = await readPostgresTables(place);
  try {
    if (isAlone) await tables.requireAlone();
    return tables;
  } catch (error) {
    await tables.close();
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

export interface MoveTarget extends MoveFiles {
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
  const isSameFolder = place.data === from.data;
  const isFolder = !place.database || (!place.store && !areFilesThere);
  const own = layoutOf(place.data);
  if (isFolder) {
    requireRoom(own, isSameFolder, nameOf(from));
    await markArriving(own, nameOf(from)); // before anything else is there
  }
  const layout = openLayout(place.data);
  // Where it is the source's own a server may be running on it.
  const lock = isSameFolder ? null : lockData(layout.lock);
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
    ...filesOf(place, layout),
    tables: opened.tables,
    catalog: () =>
      place.database ? readPostgres(place.database) : readDatabase(arrivingIn(layout)),
    seal: opened.seal,
    close,
  };
}

/** Where files alone are to go: a bucket, the catalog's own data directory, or a folder with nothing in it but the half of such a move. */
export async function openFilesTarget(
  place: MovePlace,
  from: MovePlace,
  catalog: ReadDatabase,
): Promise<MoveFiles & { close(): void }> {
  const layout = layoutOf(place.data);
  if (place.store) return { ...filesOf(place, layout), close() {} };
  if (place.data === from.data) return { ...filesOf(place, openLayout(place.data)), close() {} };
  const id = (await readIdentity(catalog)) ?? "";
  const isOurs = readMark(layout)?.id === id;
  if (!isOurs) requireRoom(layout, false, nameOf(from));
  openLayout(place.data);
  const lock = lockData(layout.lock);
  if (!isOurs) await writeMark(layout, { id, url: nameOf(place) }); // before anything else is there
  emptyIncoming(layout);
  return { ...filesOf(place, layout), close: lock.release };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => {
    done ??= work();
    return done;
  };
}

/**
 * Throws Problem("conflict") where the place has a bucket that does not keep to conditions, is another catalog's, or that of one which is neither here nor there: what moves may be a backup
 * of one in use. The bucket of a move that was cut has files and no mark.
 */
export async function requireBucket(
  place: MovePlace,
  from: MovePlace,
  source: ReadDatabase,
): Promise<void> {
  if (!place.store) return;
  const bucket = openBucket(place.store, place.store);
  const mark = await readBucketMark(bucket);
  refuseBackups(bucket, mark);
  await requireConditions(bucket);
  if (!mark) return;
  if (mark.id !== (await readIdentity(source)))
    throw new Problem(
      "conflict",
      `The files in ${bucket.name} belong to the catalog ${mark.catalog}: give another prefix`,
    );
  if (![place, from].some((one) => namesOf(one, layoutOf(one.data)).includes(mark.catalog)))
    throw new Problem(
      "conflict",
      `The files in ${bucket.name} belong to this catalog where it was before, in ${mark.catalog}, and a server there may be using them: give another prefix, or remove ${MARK} there where none does`,
    );
}

async function openTables(
  place: MovePlace,
  layout: Layout,
  from: string,
  all: readonly Table[],
): Promise<{ tables: TargetTables; seal(): Promise<void>; close(): Promise<void> }> {
  if (!place.database)
    return openFolderTarget(layout, (database) => markFiles(place, layout, database));
  const at = place.database;
  const tables = await openPostgresTarget(at, all, from);
  return {
    tables,
    close: tables.close,
    async seal() {
      await tables.seal();
      const database = await openPostgres(at);
      await markFiles(place, layout, database).finally(database.close);
      await tables.arrived();
      if (readFolderMove(layout)?.state === "arriving") await removeFolderMove(layout);
    },
  };
}

/** The catalog and the files that belong to it say so of each other. */
async function markFiles(place: MovePlace, layout: Layout, database: Database): Promise<void> {
  if (!place.store && place.database)
    await writeMark(layout, { id: await identityOf(database), url: nameOf(place) });
  await writeStoreNote(database, storeOf(place));
  await markBucket(place, database);
}

/** Its bucket, if it has one, tells of the other place: from now on a server starts on it only while the catalog names it. */
function markOther(place: MovePlace, other: MovePlace, database: Database): Promise<void> {
  return markBucket(place, database, { other: storeOf(other) ?? other.data });
}

async function markBucket(
  place: MovePlace,
  database: Database,
  more: Pick<BucketMark, "other"> = {},
): Promise<void> {
  if (!place.store) return;
  const bucket = openBucket(place.store, place.store);
  const id = await identityOf(database);
  const mark = { id, catalog: nameOf(place), place: await placeOf(place), ...more };
  if (!(await writeBucketMark(bucket, mark)))
    throw new Problem("conflict", `Another catalog has taken ${bucket.name} this moment`);
}

/** The files of `place` are those of its catalog from now on: see `takeFilesOver`. No server may run on it. */
export async function takeOver(place: MovePlace): Promise<string | null> {
  const layout = openLayout(place.data);
  const lock = lockData(layout.lock);
  try {
    const database = await openCatalog(place, layout);
    try {
      return await takeFilesOver(place, layout, database);
    } finally {
      await database.close();
    }
  } finally {
    lock.release();
  }
}
