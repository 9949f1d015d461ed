// Watches the logs of other servers: says of each of their checkpoints, in writing, that it goes on from the one before. c2sp.org/tlog-witness
import { createHash } from "node:crypto";
import { Problem } from "../../core/problem.ts";
import {
  type Checkpoint,
  noteText,
  openCheckpoint,
  parseCheckpoint,
} from "../../proof/checkpoint.ts";
import type { Cosigner } from "../../proof/cosignature.ts";
import { checkTree, foldSubtrees, sameHash } from "../../proof/merkle.ts";
import type { Verifier } from "../../proof/verifier.ts";
import type { Database, Query } from "../../store/database.ts";

export interface WitnessDeps {
  database: Database;
  cosigner: Cosigner;
  /** The logs that are watched; several keys of one name are several ways to sign for it. */
  logs(): readonly Verifier[];
  now(): number;
}

/** What is answered, as the protocol has it. */
export interface WitnessAnswer {
  status: 200 | 400 | 403 | 404 | 409 | 422;
  type: "text/plain; charset=utf-8" | "text/x.tlog.size";
  text: string;
}

export interface Witness {
  /** With which its cosignatures are verified. */
  readonly verifier: string;
  addCheckpoint(body: Uint8Array): Promise<WitnessAnswer>;
  /** What was cosigned last of a log, by the hash of its origin; null for none. */
  checkpoint(originHash: string): Promise<string | null>;
}

/** Of a body: a proof has 63 hashes at most, a checkpoint some lines. */
export const BODY_LIMIT = 64 * 1024;

interface Asked {
  old: number;
  proof: Uint8Array[];
  note: string;
  checkpoint: Checkpoint;
}

export function createWitness({ database, cosigner, logs, now }: WitnessDeps): Witness {
  const refuse = (status: WitnessAnswer["status"], text: string): WitnessAnswer => ({
    status,
    type: "text/plain; charset=utf-8",
    text: `${text}\n`,
  });

  return {
    verifier: cosigner.verifier,
    async addCheckpoint(body) {
      const asked = parse(Buffer.from(body).toString());
      if (!asked)
        return refuse(400, "No old size, proof and checkpoint as c2sp.org/tlog-witness has them");
      const { old, proof, note, checkpoint } = asked;
      const known = logs().filter(({ name }) => name === checkpoint.origin);
      if (known.length === 0) return refuse(404, `${checkpoint.origin} is not watched here`);
      const why = signedBy(note, known);
      if (why !== null) return refuse(403, why);
      if (old > checkpoint.size)
        return refuse(400, "The old size is greater than the checkpoint's");
      const text = noteText(note)!;
      const line = cosigner.cosign(text, Math.floor(now() / 1000));
      // One after the other: what is looked at is what is replaced.
      return database.write(
        async (sql) => {
          const before = await readWitnessed(sql, checkpoint.origin);
          const size = before?.size ?? 0;
          if (old !== size)
            return { status: 409, type: "text/x.tlog.size", text: `${size}\n` } as const;
          if (!goesOn(checkpoint, before, proof))
            return refuse(422, `The checkpoint does not go on from that of ${size} leaves`);
          await writeWitnessed(sql, checkpoint, `${note}${line}`);
          return { status: 200, type: "text/plain; charset=utf-8", text: line } as const;
        },
        { durable: true },
      );
    },
    async checkpoint(originHash) {
      const origin = logs().find(({ name }) => hashOfOrigin(name) === originHash)?.name;
      return origin === undefined ? null : noteOf(database.read, origin);
    },
  };
}

/** Under which a witness shows what it knows of a log. */
export function hashOfOrigin(origin: string): string {
  return createHash("sha256").update(origin).digest("hex");
}

function parse(body: string): Asked | null {
  const split = body.indexOf("\n\n");
  const [first = "", ...lines] = body.slice(0, Math.max(0, split)).split("\n");
  const old = /^old (0|[1-9]\d{0,15})$/.exec(first);
  const note = body.slice(split + 2);
  const text = noteText(note);
  const checkpoint = text === null ? null : parseCheckpoint(text);
  const proof = lines.map((line) => Buffer.from(line, "base64"));
  const isProof =
    proof.length <= 63 &&
    proof.every((hash, at) => hash.length === 32 && hash.toString("base64") === lines[at]);
  if (!old || !checkpoint || !isProof) return null;
  return { old: Number(old[1]), proof, note, checkpoint };
}

/** Why none of the keys signed it; null when one did. */
function signedBy(note: string, keys: readonly Verifier[]): string | null {
  let why = "";
  for (const key of keys)
    try {
      openCheckpoint(note, key);
      return null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      why = error.message;
    }
  return why;
}

function goesOn(next: Checkpoint, before: Checkpoint | null, proof: Uint8Array[]): boolean {
  if (next.size === 0 && !sameHash(next.hash, foldSubtrees([]))) return false;
  if (!before || before.size === 0) return proof.length === 0;
  if (before.size === next.size) return proof.length === 0 && sameHash(before.hash, next.hash);
  return checkTree(proof, next, before);
}

async function noteOf(sql: Query, origin: string): Promise<string | null> {
  const [row] = await sql`SELECT note FROM log_witnessed WHERE origin = ${origin}`;
  return row?.note ?? null;
}

async function readWitnessed(sql: Query, origin: string): Promise<Checkpoint | null> {
  const note = await noteOf(sql, origin);
  return note === null ? null : parseCheckpoint(noteText(note)!);
}

async function writeWitnessed(sql: Query, { origin, size }: Checkpoint, note: string) {
  await sql`INSERT INTO log_witnessed (origin, size, note) VALUES (${origin}, ${size}, ${note})
    ON CONFLICT (origin) DO UPDATE SET size = excluded.size, note = excluded.note`;
}
