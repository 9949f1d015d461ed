// The files of the append-only log, and what this server says as a witness of other logs.
import { Problem } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import type { SiteRequest } from "./request.ts";

/** What of the append-only log is shown. */
export interface LogSource {
  /** With which its checkpoints are verified. */
  readonly verifier: string;
  /** What was lost and nobody has accepted yet; null for nothing. */
  loss(): Promise<{ kind: string } | null>;
  /** Knows from then on what other servers have made of it. Throws where that cannot be asked. */
  refresh(): Promise<void>;
  /** The newest signed checkpoint; null while the log is empty. */
  note(): string | null;
  /** The newest one that witnesses signed, with their signatures. */
  cosigned(): string | null;
  /** A tile or a bundle of entries; null for what is none of the newest checkpoint's. */
  tile(path: string): Promise<Uint8Array | null>;
}

/** What is asked of this server as a witness of other logs. */
export interface WitnessSource {
  readonly verifier: string;
  addCheckpoint(body: Uint8Array): Promise<{ status: number; type: string; text: string }>;
  checkpoint(originHash: string): Promise<string | null>;
}

/** https://c2sp.org/tlog-tiles: what a checkpoint names never changes, and a checkpoint does each second. */
export async function logFile(path: string, log: LogSource): Promise<Reply> {
  // Several servers behind one address show one log: none may show less than another one did before.
  if (path === "checkpoint") await log.refresh();
  const [note, cosigned] = [log.note(), log.cosigned()];
  // What witnesses signed is the note, and their lines after it.
  const newest = note !== null && cosigned?.startsWith(note) ? cosigned : note;
  const text = path === "checkpoint" ? newest : path === "key" ? `${log.verifier}\n` : null;
  if (text !== null)
    return reply(200, "text/plain; charset=utf-8", text, { "cache-control": "no-cache" });
  let bytes = await log.tile(path);
  if (!bytes) {
    await log.refresh();
    bytes = await log.tile(path);
  }
  if (!bytes)
    throw new Problem(
      "notFound",
      "The log has checkpoint (once there is a first leaf), key, and the tiles that its checkpoint names; no such file",
    );
  return reply(200, "application/octet-stream", bytes, {
    "cache-control": "max-age=31536000, immutable",
  });
}

/** Of a proof of 63 hashes and a checkpoint with some signatures. */
const SHOWN = 64 * 1024;

/** As https://c2sp.org/tlog-witness has it. `path`: null where a checkpoint is shown to it. */
export async function witnessReply(
  path: string | null,
  request: SiteRequest,
  witness: WitnessSource,
): Promise<Reply> {
  if (path === null) {
    const { status, type, text } = await witness.addCheckpoint(await request.body(SHOWN));
    return reply(status, type, text, { "cache-control": "no-store" });
  }
  const text =
    path === "key"
      ? `${witness.verifier}\n`
      : await witness.checkpoint(path.replace(/\/checkpoint$/, ""));
  if (text === null)
    throw new Problem("notFound", "This server has never signed a checkpoint of that log");
  return reply(200, "text/plain; charset=utf-8", text, { "cache-control": "no-cache" });
}
