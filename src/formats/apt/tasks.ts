// What is done in the worker: signatures, and everything that reads whole indices.
import { createHash } from "node:crypto";
import { decompressed } from "../../archive/decompress.ts";
import type { Task, TaskInput } from "../../core/task.ts";
import { compare } from "./compare.ts";
import { files } from "./files.ts";
import { pathsOf } from "./hosted/deb.ts";
import { pack } from "./hosted/pack.ts";
import { type Signer, verifyClearSigned, verifyDetached } from "./signature.ts";
import { sums } from "./sums.ts";
import { wanted } from "./wanted.ts";

/** All bytes as base64. */
export interface VerifyTaskOptions {
  /** `clear`: the document holds its signature. `detached`: `signature` is beside it. */
  kind: "clear" | "detached";
  document: string;
  signature?: string;
  /** Keyrings. */
  keys: string[];
  /** The present, in milliseconds. */
  at: number;
  /** What is signed, for sentences: "dists/bookworm/InRelease". */
  what: string;
}

/** Task: the good signatures; throws as signature.ts does when there is none. */
async function verify({ options }: TaskInput): Promise<{ signers: Signer[] }> {
  const { kind, document, signature, keys, at, what } = options as VerifyTaskOptions;
  const bytes = Buffer.from(document, "base64");
  const keyrings = keys.map((key) => Buffer.from(key, "base64"));
  if (kind === "clear") {
    const { signers } = await verifyClearSigned(bytes, keyrings, { at, what });
    return { signers };
  }
  return await verifyDetached(bytes, Buffer.from(signature ?? "", "base64"), keyrings, {
    at,
    what,
  });
}

/** Task: writes an index uncompressed. `options.index` is its path, which says how it is compressed; `options.size` what it must have then. */
async function plain({ options, files: [index], write }: TaskInput): Promise<{
  sha256: string;
  size: number;
}> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of decompressed(options.index, index!.chunks(), options.size)) {
    hash.update(chunk);
    size += chunk.length;
    await write(chunk);
  }
  return { sha256: hash.digest("hex"), size };
}

/** Task: the files of a package. `options.what` is its name. */
async function paths({ options, files: [deb] }: TaskInput): Promise<string[]> {
  return pathsOf(deb!, options.what);
}

export const tasks: Record<string, Task> = {
  verify,
  files,
  compare,
  plain,
  wanted,
  sums,
  paths,
  pack,
};
