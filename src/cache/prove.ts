// What the bytes of an artifact must be, and whether they are.
import { createHash } from "node:crypto";
import type { Artifact } from "../core/artifact.ts";
import type { EventKind } from "../core/event.ts";
import type { AnyFormat } from "../core/format.ts";
import { type Integrity, mergeIntegrity, parseIntegrity, strongest } from "../core/integrity.ts";
import { isUndone, Problem } from "../core/problem.ts";
import type { Pin } from "../ledger/pins.ts";
import type { Incoming } from "../store/blobs.ts";
import { memoryRandom, openRandom } from "../store/sink.ts";
import type { Transform } from "../worker/job.ts";

/** What a format reads in a file itself is done in the worker above this. Bytes. */
const DIGEST_INLINE = 256 * 1024;

/** What the bytes must be. */
export interface Expectation {
  integrity: Integrity | null;
  /** Hashes were added to the first ones later: the bytes must meet all, not the strongest alone. */
  isGrown: boolean;
  pin: Pin | null;
  /** Where the upstream has the file, when the documents say; else `Artifact.path`. */
  location: string | null;
}

/** Bytes that came, with the hashes that were computed on the way, base64 by algorithm. In memory when small, else in a file. */
export interface Arrived {
  sha256: string;
  digests: Map<string, string>;
  size: number;
  bytes: Uint8Array | null;
  incoming: Incoming | null;
}

/** The bytes are not what they must be. Carries what an operator needs. */
export class Tampered extends Problem {
  constructor(message: string, detail: Record<string, unknown>, event: EventKind = "tampered") {
    super("tampered", message, { detail, event });
  }
}

export interface ProofDeps {
  format: AnyFormat;
  transform: Transform;
}

/** Whether anything is known of the bytes that they can be held against. */
export function isCheckable(format: AnyFormat, { pin, integrity }: Expectation): boolean {
  return pin !== null || wantedOf(format, integrity ?? "", false).length > 0;
}

/** Throws Tampered unless the bytes are the published ones and the ones seen first. */
export async function prove(
  deps: ProofDeps,
  artifact: Artifact,
  expected: Expectation,
  found: Arrived,
  upstream: string,
): Promise<void> {
  const { pin, integrity } = expected;
  if (pin && pin.sha256 !== found.sha256) {
    const what = `${artifact.file} of ${artifact.package}`;
    const detail = {
      upstream,
      first: pin.sha256,
      firstSeen: new Date(pin.firstSeen).toISOString(),
      firstUpstream: pin.upstream,
      found: found.sha256,
    };
    const isSame =
      pin.content !== null &&
      (await contentOf(deps, artifact, found).catch(unlessUndone)) === pin.content;
    throw isSame
      ? new Tampered(
          `${upstream} packed ${what} anew: it holds the same, in other bytes than were seen first, and those are lost here`,
          detail,
          "repacked",
        )
      : new Tampered(`${upstream} now sends other bytes for ${what} than were seen first`, detail);
  }
  const want = wantedOf(deps.format, integrity ?? "", expected.isGrown);
  for (const { algorithm, base64 } of want) {
    const digest =
      found.digests.get(algorithm) ??
      (await digestOf(deps, artifact, algorithm, found).catch(asDigest));
    if (digest === base64) continue;
    throw new Tampered(
      `${upstream} sent bytes for ${artifact.file} of ${artifact.package} that are not the published ones`,
      {
        upstream,
        published: `${algorithm}-${base64}`,
        found: `${algorithm}-${digest}`,
        sha256: found.sha256,
      },
    );
  }
}

/** What cannot be read holds something else. What was not looked into is no reason for an alarm. */
function unlessUndone(error: unknown): null {
  if (isUndone(error)) throw error;
  return null;
}

/** Bytes that a digest cannot even be computed of (a broken zip) are not the published ones either. */
function asDigest(error: unknown): string {
  if (error instanceof Problem && error.kind === "malformed") return `none: ${error.message}`;
  throw error;
}

/** The strongest hash over the bytes, or `all`, and every digest of the format's own. */
export function wantedOf(
  format: AnyFormat,
  integrity: Integrity,
  all: boolean,
): { algorithm: string; base64: string }[] {
  const own = ownAlgorithms(format);
  const tokens = [...parseIntegrity(integrity, own)].map(([algorithm, base64]) => ({
    algorithm,
    base64,
  }));
  if (all) return tokens;
  const first = strongest(integrity);
  return tokens.filter(
    ({ algorithm }) => own.includes(algorithm) || algorithm === first?.algorithm,
  );
}

function ownAlgorithms({ digests = {} }: AnyFormat): string[] {
  return Object.keys(digests);
}

async function digestOf(
  deps: ProofDeps,
  artifact: Artifact,
  algorithm: string,
  found: Arrived,
): Promise<string> {
  const own = deps.format.digests?.[algorithm];
  if (!own) return digestAgain(algorithm, found);
  const { package: name, version } = artifact;
  if (found.bytes && found.size <= DIGEST_INLINE)
    return own(memoryRandom(found.bytes), { package: name, version });
  return deps.transform({
    op: "digest",
    format: deps.format.name,
    algorithm,
    input: found.incoming!.path,
    artifact: { package: name, version },
  });
}

/** What the archive holds, where the format tells. In the worker unless it is small. */
export async function contentOf(
  deps: ProofDeps,
  { package: name, version, file }: { package: string; version: string; file: string },
  found: Pick<Arrived, "bytes" | "incoming" | "size">,
): Promise<string | null> {
  const own = deps.format.contentDigest;
  if (!own) return null;
  if (found.bytes && found.size <= DIGEST_INLINE) return own(memoryRandom(found.bytes), { file });
  return deps.transform({
    op: "content",
    format: deps.format.name,
    input: found.incoming!.path,
    artifact: { package: name, version, file },
  });
}

/** Throws Problem("malformed") unless the bytes read as what the artifact is, to their end. In the worker unless they are few. */
export async function checkWhole(
  { format, transform }: ProofDeps,
  { kind, package: name, version, file }: Artifact,
  found: Arrived,
): Promise<void> {
  const type = format.artifacts[kind] ?? null;
  if (!type)
    throw new Problem(
      "malformed",
      `No digest vouches for ${file} of ${name}, without which none is kept`,
    );
  const artifact = { kind, package: name, version, file };
  if (found.bytes) return type.check(memoryRandom(found.bytes), artifact);
  const input = found.incoming!.path;
  await transform({ op: "check", format: format.name, input, artifact });
}

/** An algorithm that was not computed on the way (sha384, md5). */
async function digestAgain(algorithm: string, found: Arrived): Promise<string> {
  const hash = createHash(algorithm);
  if (found.bytes) return hash.update(found.bytes).digest("base64");
  const file = await openRandom(found.incoming!.path);
  try {
    for (let at = 0; at < file.size; at += 1024 * 1024)
      hash.update(await file.read(at, 1024 * 1024));
  } finally {
    await file.close();
  }
  return hash.digest("base64");
}

/** Both expectations as one: the tokens of each, the pinned ones winning. */
export function bothIntegrities(
  format: AnyFormat,
  first: Integrity | null,
  other: Integrity | null,
): Integrity | null {
  if (!first || !other) return first ?? other;
  return mergeIntegrity(first, other, ownAlgorithms(format));
}
