// What the log and the catalog know of each other when a server starts: who of them is ahead, and whether that is a crash or a loss.

import { Problem } from "../../core/problem.ts";
import {
  type Checkpoint,
  noteText,
  openCheckpoint,
  parseCheckpoint,
} from "../../proof/checkpoint.ts";
import { createSignerKey, openSigner, type Signer, seedOf } from "../../proof/signer.ts";
import { FULL } from "../../proof/tile.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import type { Database, Query } from "../../store/database.ts";
import type { LogFiles } from "../../store/log-files.ts";
import { leafOf } from "./leaf.ts";
import { type QueuedRow, readQueue } from "./rows.ts";
import { type KnownLoss, readState, takeOff, writeState } from "./state.ts";
import { DamagedLog, emptyTree, type LogTree, readEntries, readTree } from "./tree.ts";

/** Rows that become leaves at once: some milliseconds in which nothing else has its turn. More cannot lie between log and catalog after a crash. */
export const BATCH = 1024;

export const KEY = "key";
export const CHECKPOINT = "checkpoint";
export const COSIGNED = "cosigned";
/** Under which it stands which rows are the next leaves, where several servers share the log. */
export const NEXT = "next";

/** What is said of a checkpoint that is none of this log's. */
const NO_NOTE = ["malformed", "tampered"];

export interface Loss extends KnownLoss {
  detail: Record<string, unknown>;
}

/** By what a log is known. */
export interface Identity {
  signer: Signer;
  /** A secret: what makes sealed texts unguessable. */
  seal: Uint8Array;
}

export interface Started extends Identity {
  tree: LogTree;
  /** The signed checkpoint; null of an empty log. */
  note: string | null;
  /** To be told. */
  loss: Loss | null;
}

/**
 * Opens the log of `files`, or begins one. `name`: of a key that has to be made. `isFollowed`: the checkpoint's file is written after the catalog, as
 * where several servers share the log, and is brought up where it is behind.
 */
export async function startLog(
  files: LogFiles,
  database: Database,
  name: string,
  isFollowed = false,
): Promise<Started> {
  const [key, written, known] = [
    textOf(await files.read(KEY)),
    textOf(await files.read(CHECKPOINT)),
    await readState(database.read, CHECKPOINT),
  ];
  const note = isFollowed ? newer(written, known) : written;
  if (note === null && known === null)
    return begin(files, key !== null && openSigner(key) ? key : await makeKey(files, name));
  let why: string;
  if (key === null) why = "its key is not there";
  else if (note === null) why = "it has no checkpoint";
  else
    try {
      const started = await goOn(files, database, key, note, known);
      // Not done where another server goes on meanwhile.
      if (written !== note) await files.replace(CHECKPOINT, note, written);
      return started;
    } catch (error) {
      // That files or catalog cannot be read just now is no loss.
      if (
        !(error instanceof DamagedLog || (error instanceof Problem && NO_NOTE.includes(error.kind)))
      )
        throw error;
      why = error.message;
    }
  return beginAnew(files, name, why);
}

/** Brings the checkpoint's file up to the catalog where it is behind: for when nothing writes to either, and the log is whole. */
export async function catchUp(catalog: Query, files: LogFiles): Promise<void> {
  const written = textOf(await files.read(CHECKPOINT));
  const note = newer(written, await readState(catalog, CHECKPOINT));
  if (note !== null && note !== written) await files.write(CHECKPOINT, note);
}

/** That of the log of `files`; null where there is none yet. */
export async function readIdentity(files: LogFiles): Promise<Identity | null> {
  const key = textOf(await files.read(KEY));
  const signer = key === null ? null : openSigner(key);
  return signer && { signer, seal: seedOf(key!)! };
}

/** Of two checkpoints the one of the larger tree; the first where none is, or they cannot be read. */
function newer(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return leavesIn(other) > leavesIn(one) ? other : one;
}

/** Those that a checkpoint tells; none where there is none, or it cannot be read. */
export function leavesIn(note: string | null): number {
  const text = note === null ? null : noteText(note);
  return (text !== null && parseCheckpoint(text)?.size) || 0;
}

/** What witnesses signed of this log; null for what is of another one, or of none. */
export async function readCosigned(files: LogFiles, verifier: string): Promise<string | null> {
  const text = textOf(await files.read(COSIGNED));
  try {
    if (text !== null) openCheckpoint(text, parseVerifierKey(verifier)!);
    return text;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return null;
  }
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString();
}

async function makeKey(files: LogFiles, name: string): Promise<string> {
  const key = createSignerKey(name);
  await files.write(KEY, key);
  return key;
}

function begin(files: LogFiles, key: string): Started {
  const signer = openSigner(key);
  if (!signer) throw new DamagedLog("The key of the log cannot be read");
  return { signer, seal: seedOf(key)!, tree: emptyTree(files), note: null, loss: null };
}

/** What is there stays, beside: who has a proof of it can still look. */
async function beginAnew(files: LogFiles, name: string, why: string): Promise<Started> {
  const aside = await files.setAside();
  const started = begin(files, await makeKey(files, name));
  const message = `The append-only log is not the one that the database knows (${why}): another one is begun with another key, and what was there is kept in ${aside}. Put the folder log back from a backup of the same time as the database, or tell who holds proofs of it that they end here, and take it as it is: \`holdfast ledger accept\``;
  return { ...started, loss: { kind: "log-lost", message, detail: { why, aside } } };
}

async function goOn(
  files: LogFiles,
  database: Database,
  key: string,
  note: string,
  known: string | null,
): Promise<Started> {
  const { signer, seal } = begin(files, key);
  const open = (text: string) => openCheckpoint(text, parseVerifierKey(signer.verifier)!);
  const checkpoint = open(note);
  const before = known === null ? null : open(known);
  if (before && before.size > checkpoint.size)
    throw new DamagedLog(`it has ${checkpoint.size} leaves, and had ${before.size}`);
  const tree = await readTree(checkpoint, files);
  const started = { signer, seal, tree, note, loss: null };
  if (before?.size === checkpoint.size) {
    if (Buffer.compare(before.hash, checkpoint.hash) !== 0)
      throw new DamagedLog(`its ${before.size} leaves are others`);
    return started;
  }
  const from = before?.size ?? 0;
  const rows = await crashedIn(files, database, checkpoint, from, seal);
  await database.write(
    async (sql) => {
      if (rows) await takeOff(sql, rows, from);
      await writeState(sql, CHECKPOINT, note);
    },
    { durable: true },
  );
  return rows ? started : { ...started, loss: lossOf(checkpoint, from) };
}

function lossOf({ size }: Checkpoint, from: number): Loss {
  const message = `The database is older than the append-only log: ${size - from} of ${size} leaves are of rows that it may not have any more. It was deleted, rolled back, or lost its -wal file. \`holdfast ledger audit\` names every row that is missing. Put the database back from its newest backup while no server runs, or take it as it is: \`holdfast ledger accept\``;
  return { kind: "history-lost", message, detail: { size, known: from } };
}

/**
 * The waiting rows that the leaves from `from` on were made of, in their order: a crash came between checkpoint and catalog. Null when some leaf is of no
 * row that waits.
 */
async function crashedIn(
  files: LogFiles,
  database: Database,
  { size }: Checkpoint,
  from: number,
  seal: Uint8Array,
): Promise<QueuedRow[] | null> {
  if (size - from > BATCH) return null;
  const waiting = new Map<string, QueuedRow[]>();
  for (const row of await readQueue(database.read, 4 * BATCH)) {
    const leaf = Buffer.from(leafOf(row, seal)).toString();
    waiting.set(leaf, [...(waiting.get(leaf) ?? []), row]);
  }
  const found: QueuedRow[] = [];
  for (let bundle = Math.floor(from / FULL); bundle * FULL < size; bundle += 1) {
    const entries = await readEntries(files, size, bundle);
    for (const entry of entries.slice(Math.max(0, from - bundle * FULL))) {
      const row = waiting.get(Buffer.from(entry).toString())?.shift();
      if (!row) return null;
      found.push(row);
    }
  }
  return found;
}
