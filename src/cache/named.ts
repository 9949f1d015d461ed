// Who names a blob, told once: garbage collection, verification, removal and repair all ask here. And the lock between naming and removal.
import type { Blobs } from "../store/blobs.ts";
import type { Database, Query } from "../store/database.ts";
import type { Hold, Lease, Leases } from "../store/leases.ts";
import type { Tenure } from "../store/tenure.ts";
import { holdAmong, removeAmong } from "./holds.ts";

/** What a row names. */
export interface Named {
  sha256: string;
  /** Bytes on disk. */
  size: number;
  repository: string;
  /** For people: "pkg:npm/left-pad@1.3.0 left-pad-1.3.0.tgz", "packument left-pad". */
  subject: string;
  /** Which document; null for an artifact. */
  document: { kind: string; key: string; package: string } | null;
  /** Which artifact, and how a client asks for it inside the repository; null for a document. */
  file: { package: string; version: string; file: string; path: string } | null;
  /** Published here: nobody has the bytes but this data directory and its backups. */
  isHosted: boolean;
  /** The bytes were removed because they were false, and come again when the document is next asked for. */
  isAwaited: boolean;
}

/** Whether a row names the blob. */
export async function isNamed(sql: Query, sha256: string): Promise<boolean> {
  const [row] = await sql`SELECT 1 AS named FROM artifacts WHERE sha256 = ${sha256}
    UNION ALL SELECT 1 FROM hosted_files WHERE sha256 = ${sha256}
    UNION ALL SELECT 1 FROM hosted_waiting WHERE sha256 = ${sha256}
    UNION ALL SELECT 1 FROM documents WHERE blob = ${sha256} LIMIT 1`;
  return row !== undefined;
}

/** How many there are in `everyNamed`. */
export async function countNamed(sql: Query): Promise<number> {
  const [{ total }] = await sql`SELECT (SELECT count(*) FROM artifacts) +
    (SELECT count(*) FROM hosted_files WHERE removed_at IS NOT NULL) +
    (SELECT count(*) FROM documents WHERE blob IS NOT NULL) AS total`;
  return Number(total);
}

/** What came and is nothing yet: named by a row, and by no package. */
export async function waitingBlobs(sql: Query): Promise<string[]> {
  const rows = await sql`SELECT DISTINCT sha256 FROM hosted_waiting`;
  return rows.map(({ sha256 }: { sha256: string }) => sha256);
}

/** All that rows name: one a row, so that a blob of two names comes twice. */
export async function* everyNamed(sql: Query): AsyncGenerator<Named> {
  for await (const row of pages(
    ([
      repository,
      name,
      file,
    ]) => sql`SELECT a.*, h.file AS hosted FROM artifacts a LEFT JOIN hosted_files h
      ON h.repository = a.repository AND h.package = a.package AND h.file = a.file
      WHERE (a.repository, a.package, a.file) > (${repository}, ${name}, ${file})
      ORDER BY a.repository, a.package, a.file LIMIT ${PAGE}`,
    (row) => [row.repository, row.package, row.file],
  ))
    yield artifactOf(row);
  for await (const row of pages(
    ([repository, name, file]) => sql`SELECT * FROM hosted_files
      WHERE (repository, package, file) > (${repository}, ${name}, ${file}) AND removed_at IS NOT NULL
      ORDER BY repository, package, file LIMIT ${PAGE}`,
    (row) => [row.repository, row.package, row.file],
  ))
    yield trashOf(row);
  for await (const row of pages(
    ([
      repository,
      kind,
      key,
    ]) => sql`SELECT repository, kind, key, package, blob, stored_size, received, fresh_until FROM documents
      WHERE (repository, kind, key) > (${repository}, ${kind}, ${key}) AND blob IS NOT NULL
      ORDER BY repository, kind, key LIMIT ${PAGE}`,
    (row) => [row.repository, row.kind, row.key],
  ))
    yield documentOf(row);
}

/** All that rows name by these bytes. */
export async function namesOf(sql: Query, sha256: string): Promise<Named[]> {
  const artifacts = await sql`SELECT a.*, h.file AS hosted FROM artifacts a LEFT JOIN hosted_files h
    ON h.repository = a.repository AND h.package = a.package AND h.file = a.file WHERE a.sha256 = ${sha256}`;
  const trash =
    await sql`SELECT * FROM hosted_files WHERE sha256 = ${sha256} AND removed_at IS NOT NULL`;
  const documents =
    await sql`SELECT repository, kind, key, package, blob, stored_size, received, fresh_until FROM documents
    WHERE blob = ${sha256}`;
  return [...artifacts.map(artifactOf), ...trash.map(trashOf), ...documents.map(documentOf)];
}

function artifactOf(row: Rows[number]): Named {
  return {
    sha256: row.sha256,
    size: Number(row.size),
    repository: row.repository,
    subject: `${row.purl} ${row.file}`,
    document: null,
    file: { package: row.package, version: row.version, file: row.file, path: row.path },
    isHosted: row.hosted !== null,
    isAwaited: false,
  };
}

function trashOf(row: Rows[number]): Named {
  const named = artifactOf(row);
  return { ...named, subject: `${named.subject} (in the trash)`, isHosted: true };
}

function documentOf(row: Rows[number]): Named {
  return {
    sha256: row.blob,
    size: Number(row.stored_size),
    repository: row.repository,
    subject: `${row.kind} ${row.key}`,
    document: { kind: row.kind, key: row.key, package: row.package },
    file: null,
    isHosted: false,
    isAwaited: row.received === null && Number(row.fresh_until) === 0,
  };
}

/**
 * The documents whose stored bytes these are must be fetched again, whole. Rows stay: an overlay is all that is left of what went
 * upstream. What the upstream has no more (`received` is null then too) cannot come again, and is told as missing from now on.
 */
export async function awaitDocuments(sql: Query, sha256: string): Promise<void> {
  await sql`UPDATE documents SET received = NULL, etag = NULL, last_modified = NULL, fresh_until = 0, revision = revision + 1
    WHERE blob = ${sha256} AND received IS NOT NULL`;
}

const PAGE = 1000;
type Rows = Awaited<ReturnType<Query>>;
type Key = [string, string, string];

/** All rows of a table, some at a time, in the order of their key. */
async function* pages(
  query: (after: Key) => Promise<Rows>,
  keyOf: (row: Rows[number]) => Key,
): AsyncGenerator<Rows[number]> {
  let after: Key = ["", "", ""];
  for (;;) {
    const rows = await query(after);
    yield* rows;
    if (rows.length < PAGE) return;
    after = keyOf(rows.at(-1));
  }
}

/**
 * Keeps a blob from being removed between the moment at which its bytes get their name and that at which a row names them. A lock for
 * each digest, so that nothing waits for another's bytes: in this process, and among all servers that share the bytes (holds.ts).
 */
export interface Naming {
  /**
   * To be held from before the bytes get their name until their row is committed; what it returns lets go, any number of times. Waits
   * for a removal of the same bytes that is under way.
   */
  hold(sha256: string): Promise<Hold>;
  /** Removes the blob unless something names it, or is about to, or another catalog may name it (`mayRemove`). Returns whether it is gone. */
  remove(sha256: string): Promise<boolean>;
  /** Why nothing is removed now, as it was found some seconds ago at most; null where it may be. */
  whyKept(): Promise<string | null>;
  /** Looks now, and throws Problem("conflict") with words where another catalog may name what this one does not: see store/tenure.ts. To be asked before true bytes go. */
  mayRemove(): Promise<void>;
  /** Throws Problem("busy") where another catalog would remove what this one stores. To be asked before what nobody has a second time. */
  mayPublish(): Promise<void>;
  /**
   * Does `work` while nobody gives these bytes their name, or nothing and null when somebody does. For repair. `isStill`: false where this server was
   * stopped meanwhile, and others may have gone on.
   */
  alone<T>(sha256: string, work: (isStill: () => boolean) => Promise<T>): Promise<T | null>;
}

/** `tenure`: whether the bytes are this catalog's alone; without one they are. */
export function createNaming(
  database: Database,
  blobs: Blobs,
  leases: Leases,
  tenure: Pick<Tenure, "whyNot" | "require" | "requireNoOther"> = OWN,
): Naming {
  const holds = new Map<string, number>();
  const removals = new Map<string, Promise<void>>();

  async function alone<T>(
    sha256: string,
    work: (isStill: () => boolean) => Promise<T>,
  ): Promise<T | null> {
    if (holds.has(sha256) || removals.has(sha256)) return null;
    const ended = Promise.withResolvers<void>();
    removals.set(sha256, ended.promise);
    try {
      return await (leases.hasOthers ? removeAmong(leases, sha256, work) : work(always));
    } finally {
      removals.delete(sha256);
      ended.resolve();
    }
  }

  function letGo(sha256: string): void {
    const left = holds.get(sha256)! - 1;
    if (left > 0) holds.set(sha256, left);
    else holds.delete(sha256);
  }

  return {
    alone,
    async hold(sha256) {
      while (removals.has(sha256)) await removals.get(sha256);
      holds.set(sha256, (holds.get(sha256) ?? 0) + 1);
      if (!leases.hasOthers) return holdOf(() => letGo(sha256), null);
      const lease = await holdAmong(leases, sha256).catch((error) => {
        letGo(sha256);
        throw error;
      });
      return holdOf(() => letGo(sha256), lease);
    },
    whyKept: tenure.whyNot,
    mayRemove: tenure.require,
    mayPublish: tenure.requireNoOther,
    async remove(sha256) {
      if ((await tenure.whyNot()) !== null) return false;
      const removed = await alone(sha256, async (isStill) => {
        if ((await isNamed(database.read, sha256)) || !isStill()) return false;
        await blobs.remove(sha256);
        return true;
      });
      return removed ?? false;
    },
  };
}

const always = () => true;

const OWN = {
  whyNot: async () => null,
  require: async () => {},
  requireNoOther: async () => {},
};

function holdOf(letGo: () => void, lease: Lease | null): Hold {
  let isHeld = true;
  const end = () => {
    if (!isHeld) return;
    isHeld = false;
    letGo();
    void lease?.release();
  };
  return Object.assign(end, { assure: async (sql: Query) => lease?.assure(sql) });
}
