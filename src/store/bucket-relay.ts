// The relay through a bucket: pieces of a file that is on its way to one server, from which others follow, and the blob itself once it is stored.
import { createHash, randomBytes } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Incoming } from "./blobs.ts";
import type { Bucket } from "./bucket.ts";
import type { Uploads } from "./bucket-upload.ts";
import { createFill, type Fill, type FillControl, openFill, releasable } from "./fill.ts";
import type { Heard, Relay } from "./relay.ts";

/** Pieces stand here, each named by where it begins: no name of a blob. */
export const FOLDER = "relay";
/** Bytes of a piece at most. */
const PIECE = 4 * 1024 * 1024;
/** What came within this time is one piece. */
const PAUSE_MS = 500;

export interface BucketRelayDeps {
  bucket: Bucket;
  /** Does what has a piece in memory. */
  inPlace: Uploads["inPlace"];
  /** Of a blob's object. */
  nameOf(sha256: string): string;
  /** A file on this machine that becomes a copy. */
  begin(): Promise<Incoming>;
  /** Makes it the copy of the blob that it is: it was compared with that. */
  take(incoming: Incoming, fill: FillControl, sha256: string): Promise<void>;
}

export function createBucketRelay({
  bucket,
  inPlace,
  nameOf,
  begin,
  take,
}: BucketRelayDeps): Relay {
  async function send(
    fill: Fill,
    size: number | null,
    tell: (id: string, bytes: number) => Promise<boolean>,
  ) {
    const id = randomBytes(16).toString("hex");
    const told = (bytes: number) => tell(id, bytes).catch(unlessProblem(true));
    const file = await openFill(fill);
    /** How many bytes more are there; 0 where it cannot be done now. */
    async function pass(at: number): Promise<number> {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, releasable(fill) - at));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      const bytes = piece.subarray(0, bytesRead);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const isDone = await bucket
        .put(nameOfPiece(id, at), bytes, sha256)
        .catch(unlessProblem(false));
      return isDone ? bytesRead : 0;
    }
    // What is still to be passed on once all has come, others have with the blob: it is on its way there.
    const isComing = () => fill.state === "running" && (size === null || fill.written < size);
    try {
      // Told before the first piece is there: what nobody tells of is swept.
      let isWanted = await told(0);
      let sent = 0;
      for (; isWanted && isComing(); await pause(PAUSE_MS))
        while (isWanted && isComing() && sent < releasable(fill)) {
          const more = await inPlace(() => pass(sent));
          if (more === 0) break;
          sent += more;
          isWanted = await told(sent);
        }
      if (isWanted) isWanted = await told(sent);
      while (isWanted && fill.state === "running") await fill.changed().catch(() => {});
    } finally {
      await file.close();
      await clear(id);
    }
  }

  async function clear(id: string): Promise<void> {
    for await (const { path } of bucket.list(`${FOLDER}/${id}/`)) await bucket.remove(path);
  }

  async function receive(id: string, limit: number, hear: () => Promise<Heard>) {
    const incoming = await begin();
    const fill = createFill(incoming.path);
    return { fill, done: gather(id, limit, hear, { incoming, fill }) };
  }

  async function gather(
    id: string,
    limit: number,
    hear: () => Promise<Heard>,
    { incoming, fill }: { incoming: Incoming; fill: FillControl },
  ): Promise<void> {
    const hash = createHash("sha256");
    /** What an object that begins at the `at`-th byte has more than there is; how many bytes it has. Null: there is no such object. */
    async function add(path: string, at: number, from = 0): Promise<number | null> {
      const found = await bucket.get(path, from);
      if (!found) return null;
      let end = at;
      try {
        for await (const chunk of found.chunks) {
          const more = chunk.subarray(Math.max(0, fill.written - end));
          end += chunk.length;
          if (end > limit) throw lost("is larger than such files are");
          hash.update(more);
          await incoming.write(more);
          fill.advance(fill.written + more.length);
        }
      } finally {
        await found.chunks.return(undefined);
      }
      return end - at;
    }
    /** How much of which pieces was looked at: who begins anew sends all of them once more. */
    let sent = { id, bytes: 0 };
    try {
      for (;;) {
        const heard = await hear();
        if ("sha256" in heard) {
          // Whatever pieces there are: they may be on their way out.
          const from = fill.written;
          if ((await add(nameOf(heard.sha256), from, from)) === null) throw lost("is gone");
          if (hash.digest("hex") !== heard.sha256) throw lost("is not what was stored");
          return await take(incoming, fill, heard.sha256);
        }
        if (heard.id !== sent.id) sent = { id: heard.id, bytes: 0 };
        while (sent.bytes < heard.bytes) {
          const count = await add(nameOfPiece(sent.id, sent.bytes), sent.bytes);
          if (!count) break; // it went because the file is stored by now, or false
          sent.bytes += count;
        }
      }
    } catch (error) {
      fill.fail(error);
      throw error;
    } finally {
      await incoming.abandon();
    }
  }

  return {
    send,
    receive,
    async sweep(sent) {
      const found = new Set<string>();
      for await (const { path } of bucket.list(`${FOLDER}/`)) found.add(path.split("/")[1]!);
      if (found.size === 0) return;
      const all = await sent();
      for (const id of found) if (!all.has(id)) await clear(id);
    },
  };
}

function nameOfPiece(id: string, at: number): string {
  return `${FOLDER}/${id}/${at}`;
}

function lost(why: string): Problem {
  return new Problem("unreachable", `What came of a file that another server fetched ${why}`);
}

function unlessProblem<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Problem) return instead;
    throw error;
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
