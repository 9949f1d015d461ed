// Where stored files are: folders of the data directory, or a bucket, which then must be the catalog's own.
import type { Afar } from "../cache/afar.ts";
import { createSecrets, readSecret } from "../cache/secrets.ts";
import { writtenDatabase } from "../config/database.ts";
import type { Config } from "../config/resolve.ts";
import { storeUrl } from "../config/store.ts";
import { Problem } from "../core/problem.ts";
import { type Blobs, openBlobs } from "../store/blobs.ts";
import { type Bucket, openBucket } from "../store/bucket.ts";
import { openBucketBlobs } from "../store/bucket-blobs.ts";
import { requireConditions } from "../store/bucket-conditions.ts";
import { openBucketLog } from "../store/bucket-log.ts";
import {
  type BucketMark,
  besideBucket,
  MARK,
  readBucketMark,
  readStoreNote,
  refuseBackups,
  writeBucketMark,
  writeStoreNote,
} from "../store/bucket-mark.ts";
import { hasBlobs } from "../store/catalog-mark.ts";
import type { Database, ReadDatabase } from "../store/database.ts";
import type { Layout } from "../store/layout.ts";
import { type LogFiles, openLogFiles } from "../store/log-files.ts";
import { identifyPostgres } from "../store/postgres.ts";
import { type Beside, takeTenure } from "../store/tenure.ts";
import { besideFolder } from "../store/tenure-file.ts";

export interface Files {
  blobs: Blobs;
  log: LogFiles;
  /** Null where they are in the data directory. */
  bucket: Bucket | null;
  /** Rejects where what is kept on no disk of this machine cannot be had. */
  ask(): Promise<unknown>;
}

/** Who asks whether it is there does not wait for as long as who needs it. */
const ASKED_MS = 2_000;

/** `isFalse`: told of a blob whose bytes in the bucket are not true to it. `isBeside`: a server may be running on the data directory. */
export function openFiles(
  { store }: Pick<Config, "store">,
  layout: Layout,
  isFalse: (sha256: string) => void,
  isBeside = false,
): Files {
  if (!store)
    return {
      blobs: openBlobs(layout),
      log: openLogFiles(layout.log),
      bucket: null,
      ask: async () => {},
    };
  const bucket = openBucket(store, store);
  const asked = openBucket(store, { silenceMs: Math.min(store.silenceMs, ASKED_MS) });
  return {
    blobs: openBucketBlobs(layout, bucket, { limit: isBeside ? null : store.cache, isFalse }),
    log: openBucketLog(bucket),
    bucket,
    ask: () => readBucketMark(asked),
  };
}

/** Where clients are sent for large files; null where none are. */
export function afarOf({ store }: Pick<Config, "store">, blobs: Blobs): Afar | null {
  const from = store?.redirect ?? null;
  if (from === null) return null;
  return {
    from,
    async link(...given) {
      const url = await blobs.link(...given);
      if (url === null) throw new Error("Only a bucket has URLs");
      return url;
    },
  };
}

/** The files of the log alone. */
export function openLog({ store }: Pick<Config, "store">, layout: Layout): LogFiles {
  return store ? openBucketLog(openBucket(store, store)) : openLogFiles(layout.log);
}

/**
 * Throws Problem("conflict") where the files that the configuration names are not those of the catalog: each would be one that nothing names; and where they are
 * in a bucket that does not keep to conditions. A bucket that is new becomes the catalog's own.
 */
export async function requireFiles(
  config: Pick<Config, "store" | "database">,
  layout: Layout,
  database: Database,
  { bucket }: Files,
): Promise<void> {
  const id = config.store && (await identityOf(database));
  const { mark, noted, place } = await refuseFiles(config, layout, database, bucket);
  if (!config.store || !bucket || !id) return;
  // Of a move that was cut the mark tells another place still.
  const isPlain = mark && mark.other === undefined && (mark.place !== null || place === null);
  const catalog = catalogOf(config, layout);
  if (!isPlain && !(await writeBucketMark(bucket, { id, catalog, place })))
    throw new Problem("conflict", `Another catalog has taken ${bucket.name} this moment`);
  const isTried = noted === storeUrl(config.store);
  try {
    // After the mark: versitygw fails at names that go and come in a folder that is empty but for them, as where several nodes start at once.
    await requireConditions(bucket, isTried ? 1 : undefined); // at each start, and thoroughly at the first
  } catch (error) {
    const kind = error instanceof Problem ? error.kind : null;
    if (!mark && kind === "conflict") await bucket.remove(MARK);
    // What is there is served from a full one, and whoever makes room must be able to begin.
    if (!isTried || kind !== "full") throw error;
  }
  if (!isTried) await writeStoreNote(database, storeUrl(config.store));
}

/** Where the word lies that the catalog leaves beside its files: see store/tenure.ts. Asked each time whose they are, as at the start. */
export function besideOf(
  config: Pick<Config, "store" | "database">,
  layout: Layout,
  database: ReadDatabase,
): Beside {
  const bucket = config.store && openBucket(config.store, config.store);
  return bucket
    ? besideBucket(bucket, () => refuseFiles(config, layout, database, bucket))
    : besideFolder(layout);
}

/** Where it is, for people. */
function catalogOf({ database }: Pick<Config, "database">, layout: Layout): string {
  return database ? writtenDatabase(database).url : layout.database;
}

/** What the mark of a bucket calls it. */
export function namesOf(config: Pick<Config, "database">, layout: Layout): string[] {
  const name = catalogOf(config, layout);
  return config.database ? [name] : [layout.root, name];
}

/** Which database the catalog is in; null for a file, and where it does not say. */
export async function placeOf({ database }: Pick<Config, "database">): Promise<string | null> {
  return database && identifyPostgres(database);
}

/**
 * Throws as `requireFiles` does, and changes nothing. `database`: null where no catalog is there yet. Resolves to what bucket and catalog say of each
 * other.
 */
export async function refuseFiles(
  config: Pick<Config, "store" | "database">,
  layout: Layout,
  database: ReadDatabase | null,
  bucket: Bucket | null,
): Promise<{ mark: BucketMark | null; noted: string | null; place: string | null }> {
  const readNote = async () => database && readStoreNote(database);
  const noted = await readNote();
  if (!config.store || !bucket) {
    requireNoBucket(noted);
    return { mark: null, noted, place: null };
  }
  const mark = await readBucketMark(bucket);
  refuseBackups(bucket, mark);
  const catalog = catalogOf(config, layout);
  const used = database !== null && (await isUsed(database));
  if (mark && mark.id !== (database && (await readIdentity(database))))
    throw new Problem(
      "conflict",
      `The files in ${bucket.name} belong to another catalog than ${catalog}: to ${mark.catalog} as it was then`,
    );
  if (mark && isLeft(mark, noted, config, layout))
    throw new Problem(
      "conflict",
      noted === null
        ? `The files of the catalog ${catalog} are not in ${bucket.name}, but in its data directory: leave store out of the configuration, or bring them there by \`holdfast move\``
        : `The files of the catalog ${catalog} are not in ${bucket.name}, but in ${noted === storeUrl(config.store) ? "the one of that name elsewhere" : noted}: the configuration must name that (store), or \`holdfast move\` bring them there`,
    );
  // A backup is the same catalog as that of the bucket, and names fewer files: all others there would be garbage to it.
  // Of several servers on a new one, another has perhaps begun meanwhile: it notes the bucket before it uses it.
  if (mark && noted === null && used && (await readNote()) === null)
    throw new Problem(
      "conflict",
      `${catalog} is a copy of the catalog whose files are in ${bucket.name} (${mark.catalog}), and has its own in its data directory: leave store out of the configuration, or bring them to another prefix by \`holdfast move\``,
    );
  const place = await placeOf(config);
  if (mark && mark.place !== null && place !== null && mark.place !== place)
    throw new Problem(
      "conflict",
      `The database ${catalog} is a copy of the one that the files in ${bucket.name} belong to, ${mark.catalog}: two servers would write to one bucket, and each remove what the other stores. Where no server uses that one any more: \`holdfast move --take-over\``,
    );
  if (mark) return { mark, noted, place };
  if (used)
    throw new Problem(
      "conflict",
      `The files of the catalog ${catalog} are not in ${bucket.name}, but ${noted === null ? "in its data directory" : `in ${noted}`}: name them as before (store), or move them`,
    );
  if (hasBlobs(layout))
    throw new Problem(
      "conflict",
      `${layout.root} has files of its own, and the configuration names a bucket (store): take another data directory for that, or move them`,
    );
  for await (const _ of bucket.list("blobs/"))
    throw new Problem(
      "conflict",
      `There are files in ${bucket.name}, and nothing says which catalog they belong to. Was a move there begun? \`holdfast move --finish\` ends it; another prefix begins anew (store.url)`,
    );
  return { mark, noted, place };
}

/** Whether a move has its files in another place, as the catalog says: without such a move a bucket may have got another name, or be a replica. */
function isLeft(
  { other, catalog }: BucketMark,
  noted: string | null,
  config: Pick<Config, "store" | "database">,
  layout: Layout,
): boolean {
  if (other === undefined) return false;
  const own = config.store && storeUrl(config.store);
  // Two of one name, at two endpoints: only the catalog that was here before may come back.
  return noted !== own || (other === own && !namesOf(config, layout).includes(catalog));
}

/**
 * The files are those of the catalog that the configuration names from now on: it is a copy of the one whose they were, or was put back to an earlier state. Resolves
 * to where that one was, or to null where they are its own already. Throws Problem("conflict") where the two do not belong to each other otherwise.
 */
export async function takeFilesOver(
  config: Pick<Config, "store" | "database">,
  layout: Layout,
  database: Database,
): Promise<string | null> {
  const before = await takeBucket(config, layout, database);
  const isTaken = await takeTenure(database, besideOf(config, layout, database));
  return before ?? (isTaken ? catalogOf(config, layout) : null);
}

/** Where the bucket is that of another database. */
async function takeBucket(
  config: Pick<Config, "store" | "database">,
  layout: Layout,
  database: Database,
): Promise<string | null> {
  if (!config.store || !config.database) return null;
  const bucket = openBucket(config.store, config.store);
  const mark = await readBucketMark(bucket);
  const place = await placeOf(config);
  const [id, noted] = [await readIdentity(database), await readStoreNote(database)];
  const isOurs = mark !== null && mark.id === id && noted === storeUrl(config.store);
  if (!isOurs || mark.place === null || mark.place === place) {
    await refuseFiles(config, layout, database, bucket);
    return null;
  }
  await writeBucketMark(bucket, { id: mark.id, catalog: catalogOf(config, layout), place });
  return mark.catalog;
}

/** For who reads beside a server. */
export async function requireNoted(
  { store }: Pick<Config, "store">,
  database: ReadDatabase,
): Promise<void> {
  if (!store) requireNoBucket(await readStoreNote(database));
}

function requireNoBucket(noted: string | null): void {
  if (noted !== null)
    throw new Problem(
      "conflict",
      `The files of this catalog are in the bucket ${noted}: the configuration must name it (store)`,
    );
}

/** The catalog's own, wherever it is moved. */
export async function identityOf(database: Database): Promise<string> {
  return Buffer.from(await createSecrets(database, Date.now)("catalog")).toString("hex");
}

/** For who only reads: null where it has none yet. */
export async function readIdentity(database: ReadDatabase): Promise<string | null> {
  const secret = await readSecret(database, "catalog");
  return secret && Buffer.from(secret).toString("hex");
}

/** Whether it names files. */
export async function isUsed({ read }: ReadDatabase): Promise<boolean> {
  const [used] =
    await read`SELECT 1 FROM artifacts UNION ALL SELECT 1 FROM hosted_files UNION ALL SELECT 1 FROM documents LIMIT 1`;
  return used !== undefined;
}
