// Receipts: that the pin of a file is a leaf of the log, for who has the log's key and nothing else.
import { Problem } from "../../core/problem.ts";
import { openCheckpoint } from "../../proof/checkpoint.ts";
import { proveRecord } from "../../proof/merkle.ts";
import { openSigner } from "../../proof/signer.ts";
import { FULL } from "../../proof/tile.ts";
import { formatProof, openProof, parseProof } from "../../proof/tlog-proof.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import type { Query } from "../../store/database.ts";
import type { LogFiles } from "../../store/log-files.ts";
import { readPin } from "../pins.ts";
import { readLeaf } from "./leaf.ts";
import type { LedgerLog } from "./log.ts";
import { CHECKPOINT, KEY, readCosigned } from "./start.ts";
import { pinnedAt } from "./state.ts";
import { DamagedLog, hashesOf, readEntries } from "./tree.ts";

export type ProvingLog = Pick<LedgerLog, "files" | "note" | "verifier" | "cosigned"> & {
  /** Where the pin of a file stands in it, for a log that is not this server's own. */
  pinnedAt?: typeof pinnedAt;
};

export interface PinProof {
  repository: string;
  package: string;
  file: string;
  sha256: string;
  /** The leaf, from 0. */
  index: number;
  /** The receipt, as a file: c2sp.org/tlog-proof@v1, with the leaf as its extra data. */
  proof: string;
}

/** The log beside a server that writes it, or without one. Throws Problem("notFound") where there is none yet. */
export async function readLog(files: LogFiles): Promise<ProvingLog> {
  const [key, note] = [await files.read(KEY), await files.read(CHECKPOINT)];
  const signer = key && openSigner(Buffer.from(key).toString());
  if (!signer)
    throw new Problem(
      "notFound",
      "There is no log here yet: a server of this version makes it when it starts",
    );
  const text = note && Buffer.from(note).toString();
  const cosigned = await readCosigned(files, signer.verifier);
  return { files, verifier: signer.verifier, note: () => text, cosigned: () => cosigned };
}

/**
 * Of one file; null where it has no pin. Throws Problem("conflict") where it is no leaf yet, Problem("tampered") where database and log
 * do not say the same of it.
 */
export async function provePin(
  log: ProvingLog,
  sql: Query,
  key: { repository: string; package: string; file: string },
): Promise<PinProof | null> {
  const { repository, package: name, file } = key;
  const pin = await readPin(sql, key);
  if (!pin) return null;
  const index = await (log.pinnedAt ?? pinnedAt)(sql, repository, name, file);
  const verifier = parseVerifierKey(log.verifier)!;
  const sizeOf = (text: string | null) => (text === null ? 0 : openCheckpoint(text, verifier).size);
  // What witnesses signed is worth more than what is newer.
  const signed = log.cosigned();
  const note = index !== null && index < sizeOf(signed) ? signed : log.note();
  const size = sizeOf(note);
  if (index === null || note === null || index >= size)
    throw new Problem(
      "conflict",
      `The pin of ${file} of ${name} is not in the log yet: a server writes it there within some seconds. Ask again`,
    );
  try {
    const entries = await readEntries(log.files, size, Math.floor(index / FULL));
    const entry = entries[index % FULL]!;
    const leaf = readLeaf(entry);
    if (leaf?.kind !== "pin" || leaf.said["file"] !== file || leaf.said["sha256"] !== pin.sha256)
      throw new DamagedLog(`leaf ${index} says something else of it than the database`);
    const path = await proveRecord(size, index, hashesOf(log.files, size));
    const proof = { index, path, note, extra: entry };
    openProof(proof, entry, verifier);
    return {
      repository,
      package: name,
      file,
      sha256: pin.sha256,
      index,
      proof: formatProof(proof),
    };
  } catch (error) {
    if (!(error instanceof DamagedLog || (error instanceof Problem && error.kind === "tampered")))
      throw error;
    throw new Problem(
      "tampered",
      `The pin of ${file} of ${name} cannot be proven: ${error.message}. \`holdfast ledger audit\` looks at all of the log`,
    );
  }
}

/** The files of a release, by what is stored and what documents say of it, in their order. */
export async function filesOf(
  sql: Query,
  repository: string,
  packageName: string,
  version: string,
): Promise<string[]> {
  const rows =
    await sql`SELECT file FROM pins WHERE repository = ${repository} AND package = ${packageName} AND (
      file IN (SELECT file FROM artifacts WHERE repository = ${repository} AND package = ${packageName} AND version = ${version})
      OR file IN (SELECT file FROM facts WHERE repository = ${repository} AND package = ${packageName} AND version = ${version}))
    ORDER BY file`;
  return rows.map(({ file }: { file: string }) => file);
}

export interface Receipt {
  /** The log that gave it. */
  origin: string;
  index: number;
  size: number;
  /** What the leaf says of the file. */
  said: Record<string, unknown>;
}

/**
 * What a receipt of `provePin` says, of the log with this key (as /-/log/key gives it). Throws Problem("malformed") for what is no receipt,
 * Problem("tampered") where it does not hold.
 */
export function readReceipt(text: string, key: string): Receipt {
  const verifier = parseVerifierKey(key.trim());
  if (!verifier)
    throw new Problem(
      "malformed",
      "That is no key of a log, which is one line: name, hash and key with a + in between",
    );
  const proof = parseProof(text);
  if (!proof) throw new Problem("malformed", "That is no proof of c2sp.org/tlog-proof@v1");
  if (!proof.extra)
    throw new Problem("malformed", "The proof does not bring its leaf as extra data");
  const { origin, size } = openProof(proof, proof.extra, verifier);
  const leaf = readLeaf(proof.extra);
  if (leaf?.kind !== "pin")
    throw new Problem("malformed", "What is proven is no pin of a file, as far as is known here");
  return { origin, index: proof.index, size, said: leaf.said };
}
