// Whether another server knows the same history of this server's log: a witness of it, or one that shows a copy of the log itself.
import { Problem } from "../../core/problem.ts";
import { noteText, openCheckpoint, parseCheckpoint } from "../../proof/checkpoint.ts";
import { checkTree, type HashAt, proveTree, sameHash, treeHash } from "../../proof/merkle.ts";
import { readProven } from "../../proof/reader.ts";
import { HASH_SIZE, type Tile } from "../../proof/tile.ts";
import { staticPath } from "../../proof/tlog-tiles.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import type { ProvingLog } from "./prove.ts";
import { hashesOf } from "./tree.ts";
import { hashOfOrigin } from "./witness.ts";

export interface Compared {
  /** Where the other checkpoint stood. */
  at: string;
  /** Leaves there, and here. */
  theirs: number;
  ours: number;
  /** `same`: one goes on from the other. `fork`: they do not. `ahead`: the other has more leaves, and does not show which. */
  verdict: "same" | "fork" | "ahead";
}

/** Bytes at a path below the other server's address; null where there is nothing. Throws a Problem when it cannot be asked. */
export type ReadOther = (path: string) => Promise<Uint8Array | null>;

/** Where checkpoints of this log may be: of a witness, of a server with the log, and of a folder that holds it. */
function placesOf(origin: string): [checkpoint: string, tiles: string | null][] {
  return [
    [`/-/log/witness/${hashOfOrigin(origin)}/checkpoint`, null],
    [`/${hashOfOrigin(origin)}/checkpoint`, null],
    ["/-/log/checkpoint", "/-/log/"],
    ["/checkpoint", "/"],
  ];
}

/** Throws Problem("notFound") where the other knows nothing of this log, Problem("tampered") for a checkpoint that this log did not sign. */
export async function compareLog(log: ProvingLog, read: ReadOther): Promise<Compared> {
  const verifier = parseVerifierKey(log.verifier)!;
  const own = log.note();
  if (own === null) throw new Problem("notFound", "The log of this server has no leaf yet");
  const ours = openCheckpoint(own, verifier);
  const others: string[] = [];
  for (const [at, tiles] of placesOf(ours.origin)) {
    const bytes = await read(at);
    const note = bytes && Buffer.from(bytes).toString();
    const text = note && noteText(note);
    const found = text ? parseCheckpoint(text) : null;
    if (!note || !found) continue;
    if (found.origin !== ours.origin) {
      others.push(found.origin);
      continue;
    }
    const theirs = openCheckpoint(note, verifier);
    const sizes = { at, theirs: theirs.size, ours: ours.size };
    if (theirs.size <= ours.size) {
      const root = await treeHash(theirs.size, hashesOf(log.files, ours.size));
      return { ...sizes, verdict: sameHash(root, theirs.hash) ? "same" : "fork" };
    }
    if (tiles === null) return { ...sizes, verdict: "ahead" };
    const readHashes = async (wanted: HashAt[]) => {
      const { hashes } = await readProven(theirs, wanted, async (tile: Tile) => {
        const data = await read(`${tiles}${staticPath(tile)}`);
        if (data?.length === tile.width * HASH_SIZE) return data;
        throw new Problem("malformed", `${staticPath(tile)} is not there as its checkpoint has it`);
      });
      return hashes;
    };
    const isSame = checkTree(await proveTree(theirs.size, ours.size, readHashes), theirs, ours);
    return { ...sizes, verdict: isSame ? "same" : "fork" };
  }
  throw new Problem(
    "notFound",
    others.length > 0
      ? `It shows ${others.join(", ")}, and nothing of ${ours.origin}: it is no witness of this log, or has not been shown a checkpoint yet`
      : `It shows no checkpoint of ${ours.origin}: is it a witness of this log, and may it be read?`,
  );
}
