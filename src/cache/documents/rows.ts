// Documents in the catalog.
import type { DocumentRef } from "../../core/document.ts";
import type { Query } from "../../store/database.ts";
import { type DocumentState, digestOf } from "./state.ts";

export async function readDocument(
  sql: Query,
  repository: string,
  ref: DocumentRef,
): Promise<DocumentState | null> {
  const [row] = await sql`SELECT * FROM documents
    WHERE repository = ${repository} AND kind = ${ref.kind} AND key = ${ref.key}`;
  if (!row) return null;
  const overlay = JSON.parse(row.overlay);
  return {
    revision: Number(row.revision),
    received: row.received,
    blob: row.blob,
    size: Number(row.size ?? 0),
    storedSize: Number(row.stored_size ?? 0),
    etag: row.etag,
    lastModified: row.last_modified,
    upstream: row.upstream ?? "",
    foundAt: row.found_at,
    overlay,
    digest: digestOf(row.blob, overlay, row.found_at),
    checkedAt: Number(row.checked_at),
    freshUntil: Number(row.fresh_until),
    changedAt: Number(row.changed_at),
    skipped: JSON.parse(row.skipped),
  };
}

/** Puts the state in the place of the one of the revision before (0: of none). False, and nothing done, when another was stored meanwhile. */
export async function swapDocument(
  sql: Query,
  repository: string,
  ref: DocumentRef,
  state: DocumentState,
): Promise<boolean> {
  const rows =
    await sql`INSERT INTO documents (repository, kind, key, package, status, received, blob, size, stored_size,
    etag, last_modified, upstream, ref, overlay, checked_at, fresh_until, changed_at, revision, skipped,
    found_at)
    VALUES (${repository}, ${ref.kind}, ${ref.key}, ${ref.package}, 200, ${state.received}, ${state.blob},
    ${state.size}, ${state.storedSize}, ${state.etag}, ${state.lastModified}, ${state.upstream}, ${JSON.stringify(ref)},
    ${JSON.stringify(state.overlay)}, ${state.checkedAt}, ${state.freshUntil}, ${state.changedAt}, ${state.revision},
    ${JSON.stringify(state.skipped)}, ${state.foundAt})
    ON CONFLICT (repository, kind, key) DO UPDATE SET
    received = excluded.received, blob = excluded.blob, size = excluded.size, stored_size = excluded.stored_size,
    etag = excluded.etag, last_modified = excluded.last_modified, upstream = excluded.upstream, ref = excluded.ref,
    overlay = excluded.overlay, checked_at = excluded.checked_at, fresh_until = excluded.fresh_until,
    changed_at = excluded.changed_at, revision = excluded.revision, skipped = excluded.skipped,
    found_at = excluded.found_at
    WHERE documents.revision = excluded.revision - 1
    RETURNING revision`;
  return rows.length > 0;
}

/** Only freshness moved, unless the document changed meanwhile. */
export async function touchDocument(
  sql: Query,
  repository: string,
  ref: DocumentRef,
  state: DocumentState,
): Promise<void> {
  await sql`UPDATE documents SET checked_at = ${state.checkedAt}, fresh_until = ${state.freshUntil}, etag = ${state.etag}
    WHERE repository = ${repository} AND kind = ${ref.kind} AND key = ${ref.key} AND revision = ${state.revision}`;
}

/** The stored documents of a package. */
export async function refsOf(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<DocumentRef[]> {
  const rows = await sql`SELECT ref FROM documents
    WHERE repository = ${repository} AND package = ${packageName} AND status = 200 ORDER BY kind, key`;
  return rows.map(({ ref }: { ref: string }) => JSON.parse(ref));
}

const PAGE = 5000;

/** Keys of stored documents of one kind that contain `text` and are of a package that `isWanted`, sorted, at most `limit`. */
export async function listDocuments(
  sql: Query,
  repository: string,
  kind: string,
  text: string,
  limit: number,
  isWanted: (packageName: string) => boolean,
): Promise<string[]> {
  // Letters of ASCII alone are alike in both cases: what lower() does in every database.
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const pattern = `%${lower.replace(/[\\%_]/g, "\\$&")}%`;
  const found: string[] = [];
  for (let last = ""; found.length < limit; ) {
    const rows = await sql`SELECT key, package FROM documents
      WHERE repository = ${repository} AND kind = ${kind} AND status = 200 AND key > ${last} AND lower(key) LIKE ${pattern} ESCAPE '\\'
      ORDER BY key LIMIT ${Math.min(PAGE, limit)}`;
    for (const row of rows) if (isWanted(row.package)) found.push(row.key);
    if (rows.length < Math.min(PAGE, limit)) break;
    last = rows.at(-1)!.key;
  }
  return found.slice(0, limit);
}
