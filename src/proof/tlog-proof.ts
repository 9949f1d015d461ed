// A receipt that anybody can check without the log: an entry, where it stands, and the checkpoint of a tree that has it there. c2sp.org/tlog-proof
import { Problem } from "../core/problem.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { checkRecord, recordHash } from "./merkle.ts";
import type { Verifier } from "./verifier.ts";

export interface LogProof {
  /** Of the entry in the log, from 0. */
  index: number;
  path: readonly Uint8Array[];
  /** The signed checkpoint. */
  note: string;
  /** Vouched for by nobody as such. The entry stands here: what hashes to the tree's leaf is the entry. */
  extra: Uint8Array | null;
}

const HEAD = "c2sp.org/tlog-proof@v1";
/** A tree of as many leaves as there are numbers has no longer path. */
const LONGEST_PATH = 64;

export function formatProof({ index, path, note, extra }: LogProof): string {
  const lines = [
    HEAD,
    ...(extra ? [`extra ${base64(extra)}`] : []),
    `index ${index}`,
    ...path.map(base64),
  ];
  return `${lines.join("\n")}\n\n${note}`;
}

/** Null for what is no proof. Says nothing of whether it holds. */
export function parseProof(text: string): LogProof | null {
  const split = text.indexOf("\n\n");
  if (split < 0) return null;
  const [head, ...lines] = text.slice(0, split).split("\n");
  if (head !== HEAD) return null;
  const extra = lines[0]?.startsWith("extra ") ? bytesOf(lines.shift()!.slice(6)) : null;
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "");
  const path = lines.map(bytesOf);
  if (!index || path.length > LONGEST_PATH || path.some((hash) => hash?.length !== 32)) return null;
  if (!Number.isSafeInteger(Number(index[1]))) return null;
  return {
    index: Number(index[1]),
    path: path as Uint8Array[],
    note: text.slice(split + 2),
    extra,
  };
}

/**
 * The checkpoint of a proof that `entry` is in the verifier's log. Throws Problem("tampered") where the checkpoint is not signed by it, or its
 * tree does not have the entry there.
 */
export function openProof(proof: LogProof, entry: Uint8Array, verifier: Verifier): Checkpoint {
  const checkpoint = openCheckpoint(proof.note, verifier);
  if (!checkRecord([...proof.path], checkpoint, proof.index, recordHash(entry)))
    throw new Problem(
      "tampered",
      `The proof does not lead to the root of the checkpoint: the entry is not number ${proof.index} of ${checkpoint.origin}`,
    );
  return checkpoint;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function bytesOf(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}
