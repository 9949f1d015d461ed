// Fetches one artifact: bytes to disk and through the hashes, then every expectation, and only then a name.
import { createHash, type Hash } from "node:crypto";
import { createGunzip } from "node:zlib";
import type { Artifact } from "../core/format.ts";
import { type Integrity, mergeIntegrity, parseIntegrity, strongest } from "../core/integrity.ts";
import { Problem } from "../core/problem.ts";
import type { Upstream, UpstreamResponse } from "../core/upstream.ts";
import type { Pin } from "../ledger/pins.ts";
import type { Blobs, Incoming } from "../store/blobs.ts";
import { memoryRandom, openRandom } from "../store/sink.ts";
import { refusal } from "./documents.ts";
import { createFill, type FillControl, HOLD } from "./fill.ts";
import type { AnyFormat, Transform } from "./transform.ts";

const LIMIT = 5 * 1024 * 1024 * 1024;
/** Digests of a format's own (Go's h1) are computed in the worker above this. Bytes. */
const DIGEST_INLINE = 256 * 1024;

/** What the bytes must be. */
export interface Expectation {
  integrity: Integrity | null;
  pin: Pin | null;
  /** Where the upstream has the file, when the documents say; else `Artifact.path`. */
  location: string | null;
}

/** Proven bytes: in memory when small, else in a file that waits for its name. */
export interface Proven {
  sha256: string;
  size: number;
  upstream: string;
  bytes: Uint8Array | null;
  incoming: Incoming | null;
}

/** The bytes are not what they must be. Carries what an operator needs. */
export class Tampered extends Problem {
  readonly detail: Record<string, unknown>;
  constructor(message: string, detail: Record<string, unknown>) {
    super("tampered", message);
    this.detail = detail;
  }
}

export interface DownloadDeps {
  upstream: Upstream;
  blobs: Blobs;
  format: AnyFormat;
  transform: Transform;
}

export interface Download {
  /**
   * Known once the upstream answered and the file proved to be large: clients may read along. Who started the download ends the
   * fill, with `prove` or `fail`, when everything else is done.
   */
  readonly following: Promise<{ fill: FillControl; size: number | null } | null>;
  readonly proven: Promise<Proven>;
}

/** Starts the download. When the place is known by convention the bytes travel while `expect` still looks for their hash. */
export function startDownload(
  deps: DownloadDeps,
  artifact: Artifact,
  expect: Promise<Expectation>,
): Download {
  const following = Promise.withResolvers<{ fill: FillControl; size: number | null } | null>();
  const proven = run(deps, artifact, expect, following.resolve);
  proven.then(
    () => following.resolve(null),
    () => following.resolve(null),
  );
  expect.catch(() => {}); // awaited in run(), perhaps later than it fails
  return { following: following.promise, proven };
}

async function run(
  deps: DownloadDeps,
  artifact: Artifact,
  expect: Promise<Expectation>,
  announce: (following: { fill: FillControl; size: number | null }) => void,
): Promise<Proven> {
  const place = artifact.path ?? (await expect).location;
  if (place === null)
    throw new Problem(
      "notFound",
      `No document says where ${artifact.file} of ${artifact.package} is`,
    );
  let known: Expectation | null = null;
  expect.then(
    (expected) => {
      known = expected;
    },
    () => {},
  );
  const giveUp = new AbortController();
  expect.catch((error) => giveUp.abort(error)); // the document says no: the bytes need not come
  let response: UpstreamResponse;
  try {
    response = await deps.upstream.fetch({
      path: place,
      headers: { "accept-encoding": "identity" },
      signal: giveUp.signal,
    });
    if (response.status === 404 || response.status === 410)
      response = await elsewhere(deps, expect, place, response, giveUp.signal);
  } catch (error) {
    if (giveUp.signal.aborted) await expect; // its reason is the better one
    throw error;
  }
  if (response.status !== 200) {
    await response.discard();
    await expect;
    if (response.status === 404 || response.status === 410)
      throw new Problem(
        "notFound",
        `${response.upstream} does not have ${artifact.file} of ${artifact.package}`,
      );
    throw refusal(response);
  }
  const collected = await collect(deps, artifact, response, algorithmsFor(known), announce).catch(
    async (error) => {
      if (giveUp.signal.aborted) await expect;
      throw error;
    },
  );
  try {
    await prove(deps, artifact, await expect, collected, response.upstream);
  } catch (error) {
    if (error instanceof Tampered) await condemn(deps.blobs, collected);
    await collected.incoming?.abandon();
    throw error;
  }
  return { ...collected, upstream: response.upstream };
}

/** The document may name another place than the conventional one. */
async function elsewhere(
  deps: DownloadDeps,
  expect: Promise<Expectation>,
  place: string,
  response: UpstreamResponse,
  signal: AbortSignal,
): Promise<UpstreamResponse> {
  await response.discard(); // before waiting: a held answer keeps a place that the document may need
  const { location } = await expect;
  if (location === null || location === place) return response;
  return deps.upstream.fetch({
    path: location,
    headers: { "accept-encoding": "identity" },
    signal,
  });
}

interface Collected {
  sha256: string;
  digests: Map<string, string>;
  size: number;
  bytes: Uint8Array | null;
  incoming: Incoming | null;
  fill: FillControl | null;
}

// Where the expectation is not known yet when the first bytes come, all usual hashes are computed on the way.
const ALGORITHMS = ["sha256", "sha512", "sha1"];

/** The hashes to compute: those that are asked for where that is known already. */
function algorithmsFor(known: Expectation | null): string[] {
  if (!known) return ALGORITHMS;
  const asked = strongestOf(known.integrity ?? "").map(({ algorithm }) => algorithm);
  return ALGORITHMS.filter((algorithm) => algorithm === "sha256" || asked.includes(algorithm));
}

async function collect(
  deps: DownloadDeps,
  artifact: Artifact,
  response: UpstreamResponse,
  algorithms: string[],
  announce: (following: { fill: FillControl; size: number | null }) => void,
): Promise<Collected> {
  const hashes = new Map<string, Hash>(
    algorithms.map((algorithm) => [algorithm, createHash(algorithm)]),
  );
  const limit = artifact.limit ?? LIMIT;
  const isEncoded = response.headers.get("content-encoding") === "gzip";
  const length = isEncoded ? null : response.headers.get("content-length");
  let parts: Uint8Array[] = [];
  let size = 0;
  let incoming: Incoming | null = null;
  let fill: FillControl | null = null;
  try {
    for await (const chunk of isEncoded ? decoded(response.body) : response.body) {
      size += chunk.length;
      if (size > limit)
        throw new Problem("malformed", `${artifact.file} is larger than ${limit} bytes`);
      for (const hash of hashes.values()) hash.update(chunk);
      if (!incoming) {
        parts.push(chunk);
        if (size <= HOLD) continue;
        incoming = await deps.blobs.begin();
        for (const part of parts) await incoming.write(part);
        parts = [];
        fill = createFill(incoming.path);
        announce({ fill, size: length === null ? null : Number(length) });
      } else await incoming.write(chunk);
      fill!.advance(size);
    }
  } catch (error) {
    await incoming?.abandon();
    throw error;
  }
  const digests = new Map(
    [...hashes].map(([algorithm, hash]) => [algorithm, hash.digest("base64")]),
  );
  const sha256 = Buffer.from(digests.get("sha256")!, "base64").toString("hex");
  return { sha256, digests, size, bytes: incoming ? null : Buffer.concat(parts), incoming, fill };
}

async function* decoded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const feed = (async () => {
    for await (const chunk of body)
      if (!gunzip.write(chunk)) await new Promise((resolve) => gunzip.once("drain", resolve));
    gunzip.end();
  })();
  feed.catch((error) => gunzip.destroy(error));
  yield* gunzip;
  await feed;
}

/** Throws Tampered unless the bytes are the published ones and the ones seen first. */
async function prove(
  deps: DownloadDeps,
  artifact: Artifact,
  expected: Expectation,
  found: Collected,
  upstream: string,
): Promise<void> {
  const { pin, integrity } = expected;
  if (pin && pin.sha256 !== found.sha256)
    throw new Tampered(
      `${upstream} now sends other bytes for ${artifact.file} of ${artifact.package} than were seen first`,
      {
        upstream,
        first: pin.sha256,
        firstSeen: new Date(pin.firstSeen).toISOString(),
        firstUpstream: pin.upstream,
        found: found.sha256,
      },
    );
  const want = integrity ? strongestOf(integrity) : [];
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

/** Bytes that a digest cannot even be computed of (a broken zip) are not the published ones either. */
function asDigest(error: unknown): string {
  if (error instanceof Problem && error.kind === "malformed") return `none: ${error.message}`;
  throw error;
}

/** The strongest hash over the bytes, and every digest of a format's own. */
function strongestOf(integrity: Integrity): { algorithm: string; base64: string }[] {
  const own = [...parseIntegrity(integrity)].filter(([algorithm]) => algorithm.startsWith("h1"));
  const first = strongest(
    [...parseIntegrity(integrity)]
      .filter(([a]) => !a.startsWith("h1"))
      .map(([a, b]) => `${a}-${b}`)
      .join(" "),
  );
  return [...own.map(([algorithm, base64]) => ({ algorithm, base64 })), ...(first ? [first] : [])];
}

async function digestOf(
  deps: DownloadDeps,
  artifact: Artifact,
  algorithm: string,
  found: Collected,
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

/** An algorithm that was not computed on the way (sha384, md5). */
async function digestAgain(algorithm: string, found: Collected): Promise<string> {
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

/** Keeps the refused bytes where an operator can look at them. */
async function condemn(blobs: Blobs, { sha256, bytes, incoming }: Collected): Promise<void> {
  if (incoming) await incoming.condemn(sha256);
  else await blobs.condemn(sha256, bytes!);
}

/** Both expectations as one: the tokens of each, the pinned ones winning. */
export function bothIntegrities(
  first: Integrity | null,
  other: Integrity | null,
): Integrity | null {
  if (!first || !other) return first ?? other;
  return mergeIntegrity(first, other);
}
