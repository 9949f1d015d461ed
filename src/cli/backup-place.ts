// Where a backup is, as the command line says it: a folder, or a bucket.
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { writtenDatabase } from "../config/database.ts";
import type { Config } from "../config/resolve.ts";
import { type StoreConfig, storeUrl } from "../config/store.ts";
import { storeAt } from "../config/store-at.ts";
import { Problem } from "../core/problem.ts";
import { readCatalog } from "../server/database.ts";
import { readIdentity } from "../server/files.ts";
import { bucketHome, readBucketBackup } from "../store/backup-bucket.ts";
import { folderHome, readFolderBackup } from "../store/backup-folder.ts";
import type { BackupHome, OpenBackup } from "../store/backup-home.ts";
import { withScratch } from "../store/backup-scratch.ts";
import { openBucket } from "../store/bucket.ts";
import type { Layout } from "../store/layout.ts";
import { type Given, type Option, UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

export const bucketOptions = {
  endpoint: {
    value: "URL",
    help: "Of a bucket: where it is asked. Without it at AWS, in the region",
  },
  region: { value: "NAME", help: "Of a bucket: what requests are signed for (us-east-1)" },
  "access-key-file": {
    value: "FILE",
    help: "Of a bucket: holds the id of the access key. Without it AWS_ACCESS_KEY_ID has it",
  },
  "secret-key-file": {
    value: "FILE",
    help: "Of a bucket: holds its secret. Without it AWS_SECRET_ACCESS_KEY has it",
  },
  "session-token-file": {
    value: "FILE",
    help: "Of a bucket: holds the session token of a key that holds for a time. With a key in the environment AWS_SESSION_TOKEN has it",
  },
  role: {
    value: "KIND",
    help: "Of a bucket, in place of a key: web-identity, container or instance, as in the configuration (store.role)",
  },
  ca: { value: "FILE", help: "Of a bucket: PEM of the endpoint's certificate authority" },
} satisfies Record<string, Option>;

/** What the commands say of buckets, in their help. */
export const BUCKETS = `FOLDER may be a bucket that speaks S3, s3://BUCKET/PREFIX, with its key in the environment or in files. On its way the catalog stands in the folder for temporary
files (TMPDIR).`;

export type BackupPlace = { folder: string; store: null } | { folder: null; store: StoreConfig };

/** Throws a UsageError, or Problem("badRequest") for a bucket that cannot be one. */
export function placeOf(where: string, given: Given, terminal: Terminal): BackupPlace {
  if (!/^\w+:\/\//.test(where)) {
    for (const name of Object.keys(bucketOptions))
      if (given.text(name) !== undefined)
        throw new UsageError(`--${name} goes with a bucket, s3://BUCKET/PREFIX`);
    return { folder: resolve(terminal.cwd, where), store: null };
  }
  const [endpoint, region] = [given.text("endpoint"), given.text("region")];
  const [accessKeyFile, secretKeyFile] = [
    given.text("access-key-file"),
    given.text("secret-key-file"),
  ];
  const [sessionTokenFile, role] = [given.text("session-token-file"), given.text("role")];
  const ca = given.text("ca");
  const store = storeAt(
    {
      url: where,
      ...(endpoint !== undefined && { endpoint }),
      ...(region !== undefined && { region }),
      ...(accessKeyFile !== undefined && { accessKeyFile }),
      ...(secretKeyFile !== undefined && { secretKeyFile }),
      ...(sessionTokenFile !== undefined && { sessionTokenFile }),
      ...(role !== undefined && { role: role as never }), // the schema says which there are
      ...(ca !== undefined && { ca }),
    },
    { env: terminal.env, folder: terminal.cwd },
  );
  return { folder: null, store };
}

/** `before`: see `chosen`. */
export function readerOf({ folder, store }: BackupPlace, before: number | null): OpenBackup {
  if (store === null) return (root) => readFolderBackup(folder, root, before);
  return () => readBucketBackup(storeUrl(store), openBucket(store, store), before);
}

/** Runs `work` with the home of a backup of what `config` names. */
export async function withHome<T>(
  place: BackupPlace,
  isLinked: boolean,
  config: Pick<Config, "database" | "store">,
  layout: Layout,
  work: (home: BackupHome) => Promise<T>,
): Promise<T> {
  const { folder, store } = place;
  if (store === null) return work(folderHome(folder, { isLinked }));
  if (isLinked)
    throw new Problem("badRequest", "A bucket has no further names of files: leave --link out");
  if (config.store) refuseNested(config.store, store);
  const id = await identityIn(config, layout);
  const catalog = config.database ? writtenDatabase(config.database).url : layout.database;
  return withScratch(tmpdir(), (scratch) =>
    work(
      bucketHome({
        ...{ url: storeUrl(store), bucket: openBucket(store, store) },
        ...{ owner: { id, catalog }, scratch },
      }),
    ),
  );
}

async function identityIn(
  config: Pick<Config, "database" | "store">,
  layout: Layout,
): Promise<string> {
  const database = await readCatalog(config, layout);
  try {
    const id = await readIdentity(database);
    if (id !== null) return id;
  } finally {
    await database.close();
  }
  throw new Problem(
    "conflict",
    "The catalog has no identity by which its backups are told from others: a server of this version gives it one when it starts",
  );
}

/** Throws Problem("badRequest") where one of the two has its files below the other's. */
function refuseNested(live: StoreConfig, place: StoreConfig): void {
  if (live.endpoint !== place.endpoint || live.bucket !== place.bucket) return;
  const isWithin = (outer: string, inner: string) =>
    outer === "" || inner === outer || inner.startsWith(`${outer}/`);
  if (isWithin(live.prefix, place.prefix) || isWithin(place.prefix, live.prefix))
    throw new Problem(
      "badRequest",
      `${storeUrl(place)} and the bucket with the server's files, ${storeUrl(live)}, overlap`,
    );
}
