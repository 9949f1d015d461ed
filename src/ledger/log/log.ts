// The append-only log of what the catalog says: rows that wait become leaves, tiles first, the checkpoint last, then the catalog is told.
import { Problem } from "../../core/problem.ts";
import { checkpointText } from "../../proof/checkpoint.ts";
import type { Database } from "../../store/database.ts";
import type { LogFiles } from "../../store/log-files.ts";
import type { Events } from "../events.ts";
import { fillQueue } from "./fill.ts";
import { leafOf } from "./leaf.ts";
import { type QueuedRow, readQueue } from "./rows.ts";
import {
  BATCH,
  CHECKPOINT,
  COSIGNED,
  leavesIn,
  NEXT,
  readCosigned,
  type Started,
  startLog,
} from "./start.ts";
import { type KnownLoss, readLoss, readState, removeState, takeOff, writeState } from "./state.ts";
import { tellLoss } from "./tell-loss.ts";
import { type LogTree, tileOfTree } from "./tree.ts";

export interface LedgerLog {
  /** Its name, which is that of its key. */
  readonly origin: string;
  /** With which its checkpoints are verified. */
  readonly verifier: string;
  readonly seal: Uint8Array;
  readonly files: LogFiles;
  /** What was lost and nobody has accepted yet; null for nothing. */
  loss(): Promise<KnownLoss | null>;
  /** Knows from then on what other servers have made of it. Throws where that cannot be asked. */
  refresh(): Promise<void>;
  /** Leaves. */
  size(): number;
  /** The newest signed checkpoint; null while it is empty. */
  note(): string | null;
  /** When the newest checkpoint was signed, in milliseconds since the epoch; null while it is empty. */
  signedAt(): Promise<number | null>;
  /** The newest checkpoint that witnesses signed, with what they signed; null where none has. */
  cosigned(): string | null;
  keepCosigned(note: string): Promise<void>;
  /** The bytes of a tile or of a bundle of entries of the newest checkpoint; null for what is none. */
  tile(path: string): Promise<Uint8Array | null>;
  /** Makes leaves of all rows that wait, also of those that were there before there was a log. */
  drain(): Promise<void>;
  /** The last rows become leaves, and no more after them. */
  stop(): Promise<void>;
}

export interface LogDeps {
  files: LogFiles;
  database: Database;
  events: Pick<Events, "store" | "announce">;
  /** Of the log, when it has to be made. */
  name: string;
}

/** Leaves that are not in the catalog as such yet. */
interface Pending {
  rows: QueuedRow[];
  tree: LogTree;
  note: string;
}

/** Opens it, and tells when log or catalog have lost something since. */
export async function openLog({ files, database, events, name }: LogDeps): Promise<LedgerLog> {
  let { signer, seal, tree, note } = await begin();
  let pending: Pending | null = null;
  let running: Promise<void> | null = null;
  let isStopping = false;
  let cosigned = await readCosigned(files, signer.verifier);

  async function begin(): Promise<Started> {
    const started = await startLog(files, database, name);
    if (started.loss) await tellLoss(database, events, started.loss);
    return started;
  }

  /** How many rows became leaves. */
  async function turn(): Promise<number> {
    pending ??= await prepare();
    if (!pending) return 0;
    const { rows, tree: next, note: signed } = pending;
    if (!(await files.replace(CHECKPOINT, signed, note)))
      throw new Problem(
        "conflict",
        "The append-only log was moved on by another server: this one knows an older checkpoint of it, and appends nothing",
      );
    const first = tree.size;
    const isStored = await database.write(async (sql) => {
      const known = await readState(sql, CHECKPOINT);
      if (known === signed) return true; // it was stored, and the answer was lost
      if (known !== note) return false;
      await takeOff(sql, rows, first);
      await writeState(sql, CHECKPOINT, signed);
      await removeState(sql, NEXT); // of servers that shared it before: the rows may be leaves now
      return true;
    });
    pending = null;
    if (!isStored) return turn();
    [tree, note] = [next, signed];
    for (const path of next.filled) await files.remove(`${path}.p`);
    return rows.length;
  }

  /** What is about to be a leaf must be on the disk: the log is never to know more than the catalog after a power cut. */
  async function prepare(): Promise<Pending | null> {
    const [one] = await readQueue(database.read, 1);
    if (!one) return null;
    // After a failover, or a crash of the database, the catalog may be behind: then it is as at a start.
    if (leavesIn(await readState(database.read, CHECKPOINT)) < tree.size)
      ({ signer, seal, tree, note } = await begin());
    const rows = await database.write((sql) => readQueue(sql, BATCH), { durable: true });
    if (rows.length === 0) return null;
    const next = await tree.append(rows.map((row) => leafOf(row, seal)));
    const text = checkpointText({ origin: signer.name, size: next.size, hash: next.hash });
    return { rows, tree: next, note: signer.sign(text) };
  }

  async function all(): Promise<void> {
    for (;;) {
      while ((await turn()) > 0) if (isStopping) return;
      if (isStopping || !(await fillQueue(database))) return;
    }
  }

  function drain(): Promise<void> {
    running ??= all().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    get origin() {
      return signer.name;
    },
    get verifier() {
      return signer.verifier;
    },
    get seal() {
      return seal;
    },
    files,
    loss: () => readLoss(database.read),
    refresh: async () => {}, // nobody else appends
    size: () => tree.size,
    note: () => note,
    signedAt: () => files.writtenAt(CHECKPOINT),
    cosigned: () => cosigned,
    async keepCosigned(text) {
      await files.write(COSIGNED, text);
      cosigned = text;
    },
    tile: (path) => tileOfTree(files, tree.size, path),
    drain,
    async stop() {
      await running;
      isStopping = true;
      while ((await turn()) > 0);
    },
  };
}
