// Checkpoints: what a log says of its tree, as the text of a signed note. c2sp.org/tlog-checkpoint
import { Problem } from "../core/problem.ts";
import type { Tree } from "./merkle.ts";
import { openNote } from "./note.ts";
import type { Verifier } from "./verifier.ts";

export interface Checkpoint extends Tree {
  origin: string;
}

export function checkpointText({ origin, size, hash }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(hash).toString("base64")}\n`;
}

/** The text of a note that nobody has verified yet; null for what is no note. */
export function noteText(note: string): string | null {
  const split = note.lastIndexOf("\n\n");
  return split < 0 ? null : note.slice(0, split + 1);
}

/** Null for what is no checkpoint. Says nothing of who signed it. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [origin, size, root] = text.split("\n");
  if (!origin || !root || !/^(0|[1-9]\d{0,15})$/.test(size ?? "")) return null;
  const hash = Buffer.from(root, "base64");
  if (hash.length !== 32 || hash.toString("base64") !== root || !text.endsWith("\n")) return null;
  const parsed = { origin, size: Number(size), hash };
  return Number.isSafeInteger(parsed.size) ? parsed : null;
}

/** Throws a Problem for what is no checkpoint, is not of the verifier's log, or does not bear its signature. */
export function openCheckpoint(note: string, verifier: Verifier): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(note, verifier));
  if (!checkpoint) throw new Problem("malformed", "A signed note that is no checkpoint of a log");
  if (checkpoint.origin !== verifier.name)
    throw new Problem(
      "tampered",
      `A checkpoint of ${checkpoint.origin}, and not of ${verifier.name}`,
    );
  return checkpoint;
}
