// Re-hashes every blob that the catalog names. What is stored is what was verified when it came, or it is told.
import type { Blobs } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import { hashFile } from "../store/sink.ts";

/** A blob that is not there or not true to its name, and what it is the bytes of. */
export interface Damage {
  sha256: string;
  what: "missing" | "altered";
  repository: string;
  /** For people: "pkg:npm/left-pad@1.3.0 left-pad-1.3.0.tgz", "packument left-pad". */
  subject: string;
  /** How a client asks for it inside the repository; null for a document, which is fetched when next asked for. */
  path: string | null;
}

export interface VerifyResult {
  files: number;
  bytes: number;
  damaged: Damage[];
}

export interface Store {
  database: Database;
  blobs: Blobs;
}

const PAGE = 1000;

/** `progress` is called after each file with what is done and what there is to do. */
export async function verify(
  { database, blobs }: Store,
  progress: (done: number, total: number) => void,
): Promise<VerifyResult> {
  const [{ total }] = await database.read`
    SELECT (SELECT count(*) FROM artifacts) + (SELECT count(*) FROM documents WHERE received IS NOT NULL AND blob IS NOT NULL) AS total`;
  const result: VerifyResult = { files: 0, bytes: 0, damaged: [] };
  for await (const named of everything(database)) {
    const { sha256, size } = named;
    const found = (await blobs.stat(sha256))?.size ?? null;
    const isTrue = found === size && (await hashFile(blobs.path(sha256))) === sha256;
    result.files += 1;
    result.bytes += found ?? 0;
    if (!isTrue) {
      const { repository, subject, path } = named;
      result.damaged.push({
        sha256,
        what: found === null ? "missing" : "altered",
        repository,
        subject,
        path,
      });
    }
    progress(result.files, Number(total));
  }
  return result;
}

/**
 * Removes damaged blobs, so that nothing serves them and the next request fetches them again. Rows stay: an artifact that cannot be
 * fetched again goes on being told as missing, and a document's overlay is all that is left of what went upstream.
 */
export async function discard({ database, blobs }: Store, damaged: Damage[]): Promise<void> {
  for (const { sha256 } of damaged) {
    await database.write(
      (
        sql,
      ) => sql`UPDATE documents SET received = NULL, etag = NULL, last_modified = NULL, fresh_until = 0
        WHERE blob = ${sha256}`,
    );
    await blobs.remove(sha256);
  }
}

interface Named {
  sha256: string;
  size: number;
  repository: string;
  subject: string;
  path: string | null;
}

async function* everything(database: Database): AsyncGenerator<Named> {
  const artifacts = pages(
    ([repository, name, file]) => database.read`SELECT * FROM artifacts
      WHERE (repository, package, file) > (${repository}, ${name}, ${file})
      ORDER BY repository, package, file LIMIT ${PAGE}`,
    (row) => [row.repository, row.package, row.file],
  );
  for await (const row of artifacts)
    yield {
      sha256: row.sha256,
      size: Number(row.size),
      repository: row.repository,
      subject: `${row.purl} ${row.file}`,
      path: row.path,
    };
  const documents = pages(
    ([
      repository,
      kind,
      key,
    ]) => database.read`SELECT repository, kind, key, blob, stored_size FROM documents
      WHERE (repository, kind, key) > (${repository}, ${kind}, ${key}) AND blob IS NOT NULL AND received IS NOT NULL
      ORDER BY repository, kind, key LIMIT ${PAGE}`,
    (row) => [row.repository, row.kind, row.key],
  );
  for await (const row of documents)
    yield {
      sha256: row.blob,
      size: Number(row.stored_size),
      repository: row.repository,
      subject: `${row.kind} ${row.key}`,
      path: null,
    };
}

type Rows = Awaited<ReturnType<Database["read"]>>;
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
