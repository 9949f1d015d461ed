// Replays the log against the catalog: are the files those that were signed, is each row what its newest leaf says, and can it have come about?
import { Problem } from "../../core/problem.ts";
import { type Checkpoint, openCheckpoint } from "../../proof/checkpoint.ts";
import { sameHash } from "../../proof/merkle.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import type { Query } from "../../store/database.ts";
import type { LogFiles } from "../../store/log-files.ts";
import { breathe } from "../fact-rows.ts";
import type { Audited, Finding } from "./finding.ts";
import { createHistory } from "./history.ts";
import { describe, GROUPS, type Leaf, leafOf, lostRow, readLeaf } from "./leaf.ts";
import type { LedgerLog } from "./log.ts";
import { replay } from "./replay.ts";
import { everyRow } from "./rows.ts";
import { CHECKPOINT } from "./start.ts";

export interface AuditDeps {
  files: LogFiles;
  read: Query;
  log: Pick<LedgerLog, "seal" | "size" | "note" | "verifier" | "drain">;
  now(): number;
}

export interface AuditCall {
  /** Awaited. */
  found(finding: Finding): Promise<void>;
  progress(done: number, total: number): void;
  signal: AbortSignal;
}

/** Rows that are looked at in one go: more are looked at in shares, so that memory has a bound. */
const AT_ONCE = 100_000;

/** Rows that change meanwhile are no findings: their leaves come after those that there were at the beginning. */
export async function auditLog(deps: AuditDeps, call: AuditCall): Promise<Audited> {
  const { log } = deps;
  const result: Audited = { leaves: 0, rows: 0, findings: 0, accepted: null };
  const told: AuditCall = {
    ...call,
    async found(finding) {
      result.findings += 1;
      await call.found(finding);
    },
  };
  await log.drain();
  const shares = Math.max(1, Math.ceil(log.size() / AT_ONCE));
  for (let share = 0; share < shares; share += 1) {
    const done = await auditShare(deps, told, { share, shares });
    result.rows += done.rows;
    result.leaves = done.leaves;
    result.accepted = done.accepted;
  }
  return result;
}

interface Share {
  share: number;
  shares: number;
}

interface Newest {
  at: number;
  /** Null: the row is not there any more. */
  digest: string | null;
}

async function auditShare(
  { files, read, log, now }: AuditDeps,
  { found, progress, signal }: AuditCall,
  part: Share,
): Promise<Omit<Audited, "findings">> {
  const isFirst = part.share === 0;
  const start = log.size();
  const rows = await rowsOf(read, log.seal, part, signal);
  const count = rows.size;
  await log.drain();

  const tree = checkpointOf(log.note(), log.verifier);
  const findings: Finding[] = isFirst ? await checkpointFindings(files, tree, log.verifier) : [];
  const newest = new Map<string, Newest>();
  const history = createHistory(now());
  await replay({
    files,
    tree,
    tell(text) {
      if (isFirst) findings.push({ kind: "files", text, repair: null });
    },
    each(entries, first) {
      signal.throwIfAborted();
      for (const [index, entry] of entries.entries()) {
        const [leaf, at] = [readLeaf(entry), first + index];
        if (!leaf) {
          const text = `leaf ${at} is none that this server writes`;
          if (isFirst) findings.push({ kind: "rewritten", text, repair: null });
          continue;
        }
        const isOurs = isIn(leaf, part);
        history.meet(leaf, at, { isFirst, isOurs });
        if (isOurs) newest.set(keyOf(leaf), { at, digest: leaf.isGone ? null : leaf.digest });
      }
      const done = (part.share + (first + entries.length) / tree.size) / part.shares;
      progress(Math.floor(done * tree.size), tree.size);
    },
  });
  for (const finding of [...findings, ...history.findings()]) await found(finding);

  const missing = new Set<number>();
  const wrong = new Map<string, "returned" | "edited" | "unlogged">();
  for (const [key, { digest, at }] of newest) {
    const row = rows.get(key) ?? null;
    rows.delete(key);
    if (at >= start || row === digest) continue;
    if (row === null) missing.add(at);
    else wrong.set(key, digest === null ? "returned" : "edited");
  }
  for (const key of rows.keys()) wrong.set(key, "unlogged");
  if (missing.size > 0) await tellMissing(files, tree, missing, found);
  if (wrong.size > 0) await tellWrong(read, log.seal, wrong, found);
  return { leaves: tree.size, rows: count, accepted: history.accepted() };
}

/** What the leaf of each row is, by its key. */
async function rowsOf(
  read: Query,
  seal: Uint8Array,
  part: Share,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for (const group of GROUPS)
    for await (const page of everyRow(read, group)) {
      signal.throwIfAborted();
      for (const row of page) {
        const leaf = readLeaf(leafOf(row, seal))!;
        if (isIn(leaf, part)) rows.set(keyOf(leaf), leaf.digest);
      }
    }
  return rows;
}

async function tellMissing(
  files: LogFiles,
  tree: Checkpoint,
  missing: ReadonlySet<number>,
  found: AuditCall["found"],
): Promise<void> {
  await replay({
    files,
    tree,
    tell() {},
    async each(entries, first) {
      for (const [index, entry] of entries.entries()) {
        if (!missing.has(first + index)) continue;
        const leaf = readLeaf(entry)!;
        const text = `${describe(leaf)} is in the log (leaf ${first + index}) and no longer in the database`;
        await found({ kind: "missing", text, repair: lostRow(leaf) });
      }
    },
  });
}

async function tellWrong(
  read: Query,
  seal: Uint8Array,
  wrong: ReadonlyMap<string, "returned" | "edited" | "unlogged">,
  found: AuditCall["found"],
): Promise<void> {
  const words = {
    returned: "was taken back, as the log says, and is in the database again",
    edited: "is not what its newest leaf says: it was changed past the log",
    unlogged: "is in the database, and no leaf of the log",
  };
  for (const group of GROUPS)
    for await (const page of everyRow(read, group)) {
      for (const row of page) {
        const leaf = readLeaf(leafOf(row, seal))!;
        const kind = wrong.get(keyOf(leaf));
        if (kind) await found({ kind, text: `${describe(leaf)} ${words[kind]}`, repair: row });
      }
      await breathe();
    }
}

/** What was signed and is not in memory alone. */
async function checkpointFindings(
  files: LogFiles,
  tree: Checkpoint,
  verifier: string,
): Promise<Finding[]> {
  const file = (text: string): Finding[] => [{ kind: "files", text, repair: null }];
  const bytes = await files.read(CHECKPOINT);
  if (!bytes) return tree.size === 0 ? [] : file(`${CHECKPOINT} of the log is not there`);
  try {
    const written = openCheckpoint(Buffer.from(bytes).toString(), parseVerifierKey(verifier)!);
    // A batch that is under way has written one more.
    const isOther = written.size === tree.size && !sameHash(written.hash, tree.hash);
    if (written.size >= tree.size && !isOther) return [];
    return file(
      `${CHECKPOINT} of the log is another one than this server wrote: it has ${written.size} leaves`,
    );
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return file(`${CHECKPOINT} of the log was changed: ${error.message}`);
  }
}

function checkpointOf(note: string | null, verifier: string): Checkpoint {
  if (note !== null) return openCheckpoint(note, parseVerifierKey(verifier)!);
  return { origin: "", size: 0, hash: EMPTY };
}

const EMPTY = Buffer.from("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "base64"); // SHA-256 of nothing

function keyOf({ group, key }: Pick<Leaf, "group" | "key">): string {
  return `${group} ${key}`;
}

/** Keys are digests: any share has as many as any other. */
function isIn({ key }: Leaf, { share, shares }: Share): boolean {
  if (shares === 1) return true;
  const bytes = Buffer.concat([Buffer.from(key, "base64"), Buffer.alloc(4)]);
  return bytes.readUInt32BE(0) % shares === share;
}
