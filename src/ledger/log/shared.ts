// The same log on several servers: one appends, the others know what it has. Which rows become the next leaves is written down before the first
// byte of them, and whoever appends after another begins with those: whatever a server that was stopped still writes, it is the same bytes. What counts
// is the checkpoint in the catalog; the file follows it.
import { checkpointText, openCheckpoint } from "../../proof/checkpoint.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import type { Query } from "../../store/database.ts";
import { keepLease } from "../../store/kept-lease.ts";
import type { Lease, Leases } from "../../store/leases.ts";
import { list } from "../../store/several.ts";
import { fillQueue } from "./fill.ts";
import { leafOf } from "./leaf.ts";
import type { LedgerLog, LogDeps } from "./log.ts";
import { type QueuedRow, readQueue } from "./rows.ts";
import {
  BATCH,
  CHECKPOINT,
  COSIGNED,
  type Identity,
  NEXT,
  readCosigned,
  readIdentity,
  startLog,
} from "./start.ts";
import { readLoss, readState, removeState, takeOff, writeState } from "./state.ts";
import { tellLoss } from "./tell-loss.ts";
import { type LogTree, tileOfTree } from "./tree.ts";

const PAUSE_MS = 250;

/** Where this server appends, for as long as it has this lease. */
interface Edge {
  lease: Lease;
  tree: LogTree;
}

export async function openSharedLog(deps: LogDeps & { leases: Leases }): Promise<LedgerLog> {
  const { files, database, events, name, leases } = deps;
  const kept = keepLease(leases, "log");
  let identity: Identity;
  let edge: Edge | null = null;
  let note: string | null = null;
  let cosigned: string | null = null;
  let running: Promise<void> | null = null;
  let isStopping = false;

  /** Reads the log anew, as one who appends from now on; what was lost is told by who finds it. */
  async function begin(lease: Lease): Promise<Edge> {
    const { loss, tree, ...started } = await startLog(files, database, name, true);
    if (loss) await tellLoss(database, events, loss);
    identity = started;
    note = started.note;
    return { lease, tree };
  }

  async function open(): Promise<void> {
    for (;;) {
      const lease = await kept.lease();
      if (lease) {
        edge = await begin(lease);
        break;
      }
      const found = await readIdentity(files);
      if (found) {
        identity = found;
        break;
      }
      await pause(); // who has the lease is making the key
    }
    cosigned = await readCosigned(files, identity.signer.verifier);
    await follow();
  }

  /** What the others have made of it since. */
  async function follow(): Promise<void> {
    const before = note;
    const text = await readState(database.read, CHECKPOINT);
    cosigned = (await readState(database.read, COSIGNED)) ?? cosigned;
    if (note !== before) return follow(); // another one was heard of, or made, meanwhile: nobody knows which is newer
    if (text === before) return;
    edge = null; // it is not where this server left it
    note = text;
    if (note !== null && sizeOf(note, identity) === null)
      identity = (await readIdentity(files)) ?? identity; // it was lost, and another one begun
  }

  async function turn(lease: Lease): Promise<number> {
    if (edge?.lease !== lease) edge = await begin(lease);
    const { tree } = edge;
    const before = note;
    try {
      const rows = await assign(lease);
      if (rows.length === 0) return 0;
      const { signer, seal } = identity;
      const next = await tree.append(rows.map((row) => leafOf(row, seal)));
      const text = checkpointText({ origin: signer.name, size: next.size, hash: next.hash });
      const signed = signer.sign(text);
      await database.write(
        async (sql) => {
          await lease.assure(sql);
          if ((await readState(sql, CHECKPOINT)) !== before)
            throw new Error("The log is not where this server left it");
          await takeOff(sql, rows, tree.size);
          await writeState(sql, CHECKPOINT, signed);
          await removeState(sql, NEXT);
        },
        { durable: true },
      );
      edge = { lease, tree: next };
      note = signed;
      await files.write(CHECKPOINT, signed);
      for (const path of next.filled) await files.remove(`${path}.p`);
      return rows.length;
    } catch (error) {
      edge = null; // perhaps it was stored, perhaps another server goes on: read again
      throw error;
    }
  }

  /** The rows that are the next leaves: those that were to be already, or the oldest that wait. */
  async function assign(lease: Lease): Promise<QueuedRow[]> {
    const [one] = await readQueue(database.read, 1);
    if (!one) return [];
    return database.write(
      async (sql) => {
        await lease.assure(sql);
        const assigned = await readState(sql, NEXT);
        const waiting = assigned === null ? [] : await readRows(sql, JSON.parse(assigned));
        // None where a server that had the log to itself has made leaves of them.
        if (waiting.length > 0) return waiting;
        const rows = await readQueue(sql, BATCH);
        await writeState(sql, NEXT, JSON.stringify(rows.map(({ id }) => id)));
        return rows;
      },
      { durable: true },
    );
  }

  /** Until what waits by now are leaves, whoever makes them that. */
  async function all(): Promise<void> {
    const [last] = await database.read`SELECT id FROM log_queue ORDER BY id DESC LIMIT 1`;
    while (!isStopping) {
      const lease = await kept.lease();
      if (lease) {
        while ((await turn(lease)) > 0) if (isStopping) return;
        if (!(await fillQueue(database))) return;
        continue;
      }
      await follow();
      const waits =
        last &&
        (await database.read`SELECT 1 AS found FROM log_queue WHERE id <= ${last.id} LIMIT 1`);
      if (!waits?.length) return;
      await pause();
    }
  }

  const size = () => (note === null ? 0 : (sizeOf(note, identity) ?? 0));

  await open();
  return {
    get origin() {
      return identity.signer.name;
    },
    get verifier() {
      return identity.signer.verifier;
    },
    get seal() {
      return identity.seal;
    },
    files,
    loss: () => readLoss(database.read),
    refresh: follow,
    size,
    note: () => note,
    signedAt: () => files.writtenAt(CHECKPOINT),
    cosigned: () => cosigned,
    async keepCosigned(text) {
      await files.write(COSIGNED, text);
      await database.write((sql) => writeState(sql, COSIGNED, text));
      cosigned = text;
    },
    tile: (path) => tileOfTree(files, size(), path),
    drain() {
      running ??= all().finally(() => {
        running = null;
      });
      return running;
    },
    async stop() {
      isStopping = true;
      await running?.catch(() => {}); // told where it was asked for
      const lease = edge && (await kept.lease());
      try {
        if (lease) while ((await turn(lease)) > 0);
      } finally {
        await kept.release();
      }
    },
  };
}

function readRows(sql: Query, ids: readonly number[]): Promise<QueuedRow[]> {
  return sql`SELECT * FROM log_queue WHERE id IN (${list(ids)}) ORDER BY id`;
}

/** Leaves that a signed checkpoint tells; null where it is of another log. */
function sizeOf(note: string, { signer }: Identity): number | null {
  try {
    return openCheckpoint(note, parseVerifierKey(signer.verifier)!).size;
  } catch {
    return null;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
