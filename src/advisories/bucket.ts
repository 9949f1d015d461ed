// A feed as OSV's buckets have it: an archive of all records, a list of changes, and each record by itself.
// https://google.github.io/osv.dev/data/
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import type { Upstream, UpstreamResponse } from "../core/upstream.ts";
import type { Blobs } from "../store/blobs.ts";
import { jsonEntry, RECORD_LIMIT, zipEntries } from "./entries.ts";
import { RECORD_ID } from "./record.ts";
import { type FeedRow, readMarks } from "./rows.ts";
import {
  type Entry,
  nothingTaken,
  removeVanished,
  type TakeDeps,
  type Taken,
  takeIn,
} from "./take.ts";

export interface BucketDeps extends TakeDeps {
  upstream: Upstream;
  blobs: Pick<Blobs, "begin">;
  openRandom(path: string): Promise<RandomAccess & { close(): Promise<void> }>;
  now(): number;
}

/** What becomes of a feed's row. */
export interface Read {
  taken: Taken;
  /** All of it was read. */
  isWhole: boolean;
  etag: string | null;
  deltaTo: string | null;
}

const WHOLE_MS = 24 * 60 * 60 * 1000;
const ARCHIVE_LIMIT = 4 * 2 ** 30;
/** Of more changes the archive is the shorter way. */
const MOST_CHANGES = 2_000;
const LINE_LIMIT = 1_024;
/** Records that are asked for one by one at a time. */
const AT_ONCE = 8;
/** Of those that an archive lacks so many are asked for: it lacks some that are there. https://github.com/google/osv.dev/issues/4567 */
const MOST_ASKED = 200;

/** `base`: the folder of one ecosystem, with a slash at its end. Throws a Problem; what was taken in before that stays. */
export async function readBucket(
  deps: BucketDeps,
  feed: FeedRow,
  base: string,
  signal: AbortSignal,
): Promise<Read> {
  const isDue = feed.wholeAt === null || deps.now() - feed.wholeAt >= WHOLE_MS;
  if (!isDue && feed.deltaTo !== null) {
    const changes = await changesSince(deps, base, feed.deltaTo, signal);
    if (changes && changes.ids.length <= MOST_CHANGES)
      return { ...(await takeChanges(deps, feed, base, changes, signal)), etag: feed.etag };
  }
  return takeWhole(deps, feed, base, signal);
}

async function takeWhole(
  deps: BucketDeps,
  feed: FeedRow,
  base: string,
  signal: AbortSignal,
): Promise<Read> {
  // Before the archive: what changes while it is read is in the next list.
  const deltaTo = await newestChange(deps, base, signal);
  const headers = {
    "accept-encoding": "identity",
    ...(feed.etag !== null && { "if-none-match": feed.etag }),
  };
  const answer = await ask(deps, `${base}all.zip`, signal, headers, true);
  if (answer.status === 304) {
    await answer.discard();
    return { taken: nothingTaken(), isWhole: true, etag: feed.etag, deltaTo };
  }
  await refuse(answer, `${base}all.zip`);
  const incoming = await deps.blobs.begin();
  try {
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > ARCHIVE_LIMIT)
        throw new Problem(
          "malformed",
          `${answer.upstream}: an archive of more than ${ARCHIVE_LIMIT} bytes`,
        );
      await incoming.write(chunk);
    }
    const file = await deps.openRandom(incoming.path);
    try {
      const taken = nothingTaken();
      await takeIn(deps, feed.name, zipEntries(file), taken, { isForward: true, signal });
      let asked = 0;
      await removeVanished(deps, feed.name, taken, async (id) => {
        asked += 1;
        return asked <= MOST_ASKED && (await isGone(deps, base, id, signal));
      });
      return { taken, isWhole: true, etag: answer.headers.get("etag"), deltaTo };
    } finally {
      await file.close();
    }
  } finally {
    await answer.discard();
    await incoming.abandon();
  }
}

interface Changes {
  /** Newest first. */
  ids: string[];
  at: Map<string, number>;
  newest: string;
}

/** What changed since the line `since`; null where there is no such list. */
async function changesSince(
  deps: BucketDeps,
  base: string,
  since: string,
  signal: AbortSignal,
): Promise<Changes | null> {
  const from = Date.parse(since);
  const at = new Map<string, number>();
  let newest = since;
  const isThere = await readChanges(deps, base, signal, (time, id) => {
    const when = Date.parse(time);
    if (when < from || at.size > MOST_CHANGES) return false;
    if (when > Date.parse(newest)) newest = time;
    if (!at.has(id)) at.set(id, when);
    return true;
  });
  return isThere ? { ids: [...at.keys()], at, newest } : null;
}

async function newestChange(
  deps: BucketDeps,
  base: string,
  signal: AbortSignal,
): Promise<string | null> {
  let newest: string | null = null;
  await readChanges(deps, base, signal, (time) => {
    newest = time;
    return false;
  });
  return newest;
}

/** Reads lines, newest first, until `line` says that it has enough. False where there is no such list. */
async function readChanges(
  deps: BucketDeps,
  base: string,
  signal: AbortSignal,
  line: (time: string, id: string) => boolean,
): Promise<boolean> {
  const path = `${base}modified_id.csv`;
  const answer = await ask(deps, path, signal, { "accept-encoding": "identity" });
  if (answer.status === 404) {
    await answer.discard();
    return false;
  }
  await refuse(answer, path);
  try {
    const decoder = new TextDecoder();
    let rest = "";
    const told = (text: string) => {
      const [time = "", where = ""] = text.trim().split(",");
      const id = where.split("/").at(-1)!;
      if (text.trim() === "") return true;
      if (Number.isNaN(Date.parse(time)) || !RECORD_ID.test(id))
        throw new Problem(
          "malformed",
          `${path}: ${JSON.stringify(text.slice(0, 80))} is no time and id`,
        );
      return line(time, id);
    };
    for await (const chunk of answer.body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const one of lines) if (!told(one)) return true;
      if (rest.length > LINE_LIMIT)
        throw new Problem("malformed", `${path}: a line that is too long`);
    }
    told(rest);
    return true;
  } finally {
    await answer.discard();
  }
}

async function takeChanges(
  deps: BucketDeps,
  feed: FeedRow,
  base: string,
  { ids, at, newest }: Changes,
  signal: AbortSignal,
) {
  const marks = await readMarks(deps.database.read, feed.name, ids);
  const wanted = ids.filter((id) => {
    const known = marks.get(id);
    return !known || known.modifiedAt < at.get(id)!;
  });
  const taken = nothingTaken();
  const entries = records(deps, base, wanted, signal);
  await takeIn(deps, feed.name, entries, taken, { isForward: true, signal });
  return { taken, isWhole: false, deltaTo: newest };
}

/** One by one, some at a time. What is not there is left as it is: the next archive says whether it is gone. */
async function* records(
  deps: BucketDeps,
  base: string,
  ids: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE);
    const found = await Promise.all(some.map((id) => recordOf(deps, base, id, signal)));
    for (const [index, bytes] of found.entries()) {
      const id = some[index]!;
      if (bytes instanceof Problem) yield { id, mark: "", read: () => Promise.reject(bytes) };
      else if (bytes) yield jsonEntry(id, bytes);
    }
  }
}

/** Only a clear no removes a record. */
async function isGone(deps: BucketDeps, base: string, id: string, signal: AbortSignal) {
  try {
    return (await recordOf(deps, base, id, signal)) === null;
  } catch (error) {
    if (error instanceof Problem && !signal.aborted) return false;
    throw error;
  }
}

async function recordOf(
  deps: BucketDeps,
  base: string,
  id: string,
  signal: AbortSignal,
): Promise<Uint8Array | Problem | null> {
  const path = `${base}${encodeURIComponent(id)}.json`;
  const answer = await ask(deps, path, signal, { "accept-encoding": "identity" });
  if (answer.status === 404) {
    await answer.discard();
    return null;
  }
  await refuse(answer, path);
  try {
    return await whole(answer, RECORD_LIMIT);
  } catch (error) {
    if (error instanceof Problem && error.kind === "malformed") return error; // this one's trouble alone
    throw error;
  }
}

/** All of a small answer. */
export async function whole(answer: UpstreamResponse, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > limit)
        throw new Problem("malformed", `${answer.upstream}: an answer of more than ${limit} bytes`);
      parts.push(chunk);
    }
  } finally {
    await answer.discard();
  }
  return Buffer.concat(parts);
}

export async function ask(
  { upstream }: Pick<BucketDeps, "upstream">,
  path: string,
  signal: AbortSignal,
  headers: Record<string, string>,
  isLong = false,
): Promise<UpstreamResponse> {
  signal.throwIfAborted();
  return upstream.fetch({ path, headers, signal, isLong });
}

/** Throws Problem("unreachable") for an answer that is none. */
export async function refuse(answer: UpstreamResponse, path: string): Promise<void> {
  if (answer.status === 200) return;
  await answer.discard();
  throw new Problem("unreachable", `${answer.upstream}: answered ${answer.status} for ${path}`);
}
