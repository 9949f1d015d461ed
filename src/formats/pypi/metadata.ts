// Core metadata beside a wheel (PEP 658): the upstream's, and where a promised one cannot be had, what stands in the wheel itself.
import { createHash } from "node:crypto";
import { readAhead, readDirectory, readEntry } from "../../archive/zip.ts";
import type { Artifact } from "../../core/artifact.ts";
import { compareIntegrity } from "../../core/integrity.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import type { Task } from "../../core/task.ts";

const SUFFIX = ".metadata";
/** As of a sidecar. Bytes. */
export const METADATA_LIMIT = 16 * 1024 * 1024;
/** PEP 427: "{distribution}-{version}.dist-info/ contains metadata", at the top. */
const METADATA = /^[^/]+\.dist-info\/METADATA$/;

/** True for the sidecar whose content stands in its file. */
export function isInWheel(file: string): boolean {
  return file.endsWith(`.whl${SUFFIX}`);
}

/**
 * The sidecar as a reply. Who was promised one and does not get it fails an install that the wheel alone would do for (pip, uv). Throws a Problem.
 * `wheel` is the file that `sidecar` stands beside.
 */
export async function serveMetadata(
  sidecar: Artifact,
  wheel: Artifact,
  request: Request,
  repository: Repository,
): Promise<Reply> {
  try {
    return await repository.artifact(sidecar, request);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === "tampered") throw error;
    repository.refuseClaimed(wheel.package); // also of a wheel that was stored before it was claimed
    if (error.kind !== "notFound" && !cannotAsk(error)) throw error;
    const bytes = await fromWheel(sidecar, wheel, repository, error);
    if (!bytes) throw error;
    return {
      status: 200,
      headers: {
        "content-type": sidecar.contentType,
        "content-disposition": "attachment",
        "cache-control": "no-cache", // the upstream may have its own by then
      },
      body: bytes,
      etag: createHash("sha256").update(bytes).digest("hex"),
      ranges: true,
      cache: { hit: true },
    };
  }
}

/** Null where none was promised, the wheel cannot be had either, or its own is not the promised one. */
async function fromWheel(
  sidecar: Artifact,
  wheel: Artifact,
  repository: Repository,
  no: Problem,
): Promise<Uint8Array | null> {
  const promised = await repository.known(sidecar.package, sidecar.file);
  if (!promised) return null;
  try {
    const { sha256 } = await storedOf(wheel, repository, no);
    const made = await repository.work<string>("metadata", {}, [sha256]);
    const bytes = Buffer.from(made, "base64");
    const own = `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
    const isPromised = compareIntegrity(own, promised.integrity) !== "different";
    return isPromised ? bytes : null;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** Fetched when that can be done: a sidecar that the upstream does not have is no outage. */
async function storedOf(wheel: Artifact, repository: Repository, no: Problem) {
  const rows = await repository.stored(wheel.package);
  const row = rows.find(({ file }) => file === wheel.file);
  if (row) return row;
  if (cannotAsk(no)) throw no;
  return repository.fetch(wheel);
}

/** In the worker: METADATA of a stored wheel, in base64. Throws Problem("malformed") when it has none, or two. */
export const metadataTask: Task = async ({ files }) => {
  const [file] = files;
  const found = (await readDirectory(file!)).filter(({ name }) => METADATA.test(name));
  const [entry] = found;
  if (!entry || found.length > 1 || entry.size > METADATA_LIMIT)
    throw new Problem("malformed", "The wheel does not have one METADATA file of its own");
  const parts: Uint8Array[] = [];
  for await (const part of readEntry(readAhead(file!), entry)) parts.push(part);
  return Buffer.concat(parts).toString("base64");
};
