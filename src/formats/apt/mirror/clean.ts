// `holdfast mirror clean`: removes what no remembered release names, and never most of what there is.
import type { StoredArtifactRow } from "../../../core/artifact.ts";
import type { OperationCall } from "../../../core/operation.ts";
import { Problem } from "../../../core/problem.ts";
import type { AptRepository } from "../memory.ts";
import { inFolder } from "../routes.ts";
import { isIndex, unnamed } from "./named.ts";
import { count, first, sizeOf } from "./words.ts";

/** A page of a captive portal once made a mirror's clean script delete 310 GB. */
const MOST = 0.4;
/** What came lately may be named by a release that is not yet in service. */
const YOUNG_MS = 3_600_000;
const BATCH = 500;

interface Amount {
  files: number;
  bytes: number;
}

/** False when nothing was removed because that would have been wrong. */
export async function cleanMirror(
  repository: AptRepository,
  call: OperationCall,
): Promise<boolean> {
  const { say, flags } = call;
  const before = repository.now() - YOUNG_MS;
  const rows = await repository.stored();
  let nobodys: StoredArtifactRow[];
  try {
    nobodys = await unnamed(repository, rows);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(`Nothing was removed: ${error.message}`);
    return false;
  }
  const old = nobodys.filter(({ fetchedAt }) => fetchedAt < before);
  const young = nobodys.length - old.length;
  const all = amountOf(rows);
  const gone = amountOf(old);
  const words = `${count(gone.files, "file")} (${sizeOf(gone.bytes)}) of ${count(all.files, "file")} (${sizeOf(all.bytes)})`;
  const isTooMuch = gone.files > all.files * MOST || gone.bytes > all.bytes * MOST;
  const isDry = flags.has("dry-run");

  if (isDry)
    for (const line of first(old, (row) => `unnamed: ${placeOf(row)} (${sizeOf(row.size)})`))
      say(line);
  if (young > 0)
    say(`${count(young, "unnamed file")} younger than an hour: left for the next time`);
  if (isTooMuch && !flags.has("force")) {
    say(
      `${isDry ? "Would refuse" : "Refused"} to remove ${words}: more than 40 % is named by no remembered release, as when releases or indices are not the repository's own, or suites were left. ` +
        "Look at what `--dry-run` lists, and use `--force` when it is right",
    );
    return isDry;
  }
  if (isDry) {
    say(`Would remove ${words}`);
    return true;
  }
  const removed = await remove(repository, call, old, gone);
  say(
    `Removed ${count(removed.files, "file")} of ${count(all.files, "file")}: ${sizeOf(removed.bytes)}`,
  );
  return !call.signal.aborted;
}

async function remove(
  repository: AptRepository,
  { progress, signal }: OperationCall,
  rows: readonly StoredArtifactRow[],
  total: Amount,
): Promise<Amount> {
  const removed = { files: 0, bytes: 0 };
  let done = 0;
  for (let at = 0; at < rows.length && !signal.aborted; at += BATCH) {
    const batch = rows.slice(at, at + BATCH);
    const { files, bytes } = await repository.remove(
      batch.map(({ package: name, file }) => ({ package: name, file })),
    );
    removed.files += files;
    removed.bytes += bytes;
    done += amountOf(batch).bytes;
    progress(done, total.bytes, count(removed.files, "file"));
  }
  return removed;
}

function amountOf(rows: readonly StoredArtifactRow[]): Amount {
  return { files: rows.length, bytes: rows.reduce((sum, { size }) => sum + size, 0) };
}

function placeOf(row: StoredArtifactRow): string {
  return isIndex(row) ? inFolder(row.package, row.version) : row.file;
}
