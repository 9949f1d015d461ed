// Fetches one artifact: bytes to disk and through the hashes, then every expectation, and only then a name.
import { createHash, type Hash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Artifact, Pace } from "../core/artifact.ts";
import { formatIntegrity, type Integrity } from "../core/integrity.ts";
import { isUndone, Problem } from "../core/problem.ts";
import type { Upstream, UpstreamResponse } from "../core/upstream.ts";
import type { Blobs, Incoming } from "../store/blobs.ts";
import { createFill, type FillControl, HOLD } from "./fill.ts";
import {
  type Arrived,
  contentOf,
  type Expectation,
  isCheckable,
  type ProofDeps,
  prove,
  Tampered,
  wantedOf,
} from "./prove.ts";
import { refusal } from "./refusal.ts";

const LIMIT = 5 * 1024 * 1024 * 1024;
/** What cannot be larger takes no place for long. Bytes. */
const SHORT = 1024 * 1024;
/** How long what no client waits for may be tried again. */
const UNHURRIED_MS = 60_000;

/** Proven bytes: in memory when small, else in a file that waits for its name. */
export interface Proven {
  sha256: string;
  size: number;
  upstream: string;
  bytes: Uint8Array | null;
  incoming: Incoming | null;
  /** What the format wants pinned beside the SHA-256. */
  digests: Integrity | null;
  content: string | null;
}

export interface DownloadDeps extends ProofDeps {
  upstream: Upstream;
  blobs: Blobs;
}

export interface Download {
  /**
   * Known once the upstream answered and the file proved to be large: clients may read along. Who started the download ends the
   * fill, with `prove` or `fail`, when everything else is done.
   */
  readonly following: Promise<{ fill: FillControl; size: number | null } | null>;
  readonly proven: Promise<Proven>;
}

/** Starts the download; it may be given up where places are scarce and nobody wants it. When the place is known by convention the bytes travel while `expect` still looks for their hash. */
export function startDownload(
  deps: DownloadDeps,
  artifact: Artifact,
  expect: Promise<Expectation>,
  isWanted: () => boolean,
  pace?: Pace,
): Download {
  const following = Promise.withResolvers<{ fill: FillControl; size: number | null } | null>();
  const proven = run(deps, artifact, expect, following.resolve, isWanted, pace);
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
  isWanted: () => boolean,
  pace: Pace | undefined,
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
    const get = (path: string) =>
      deps.upstream.fetch({
        path,
        headers: { "accept-encoding": "identity" },
        signal: giveUp.signal,
        isLong: (artifact.limit ?? LIMIT) > SHORT,
        isWanted,
        ...(pace && { pace, patienceMs: UNHURRIED_MS }),
      });
    response = await get(place);
    for (const other of artifact.otherPaths ?? []) {
      if (response.status === 200) break;
      response = await instead(response, () => get(other));
    }
    if (response.status !== 200) response = await elsewhere(get, expect, place, response);
  } catch (error) {
    if (giveUp.signal.aborted) await expect; // its reason is the better one
    throw error;
  }
  if (response.status !== 200) {
    await response.discard();
    await expect;
    if (isNo(response))
      throw new Problem(
        "notFound",
        `${response.upstream} does not have ${artifact.file} of ${artifact.package}`,
      );
    throw refusal(response);
  }
  const isPage = isHtml(response.headers.get("content-type")) && !isHtml(artifact.contentType);
  const collected = await collect(
    deps,
    artifact,
    response,
    algorithmsFor(known, deps.format.alsoPinned ?? []),
    isPage ? () => {} : announce,
  ).catch(async (error) => {
    if (giveUp.signal.aborted) await expect;
    throw error;
  });
  try {
    const expected = await expect;
    if ((isPage || collected.size === 0) && !isCheckable(expected))
      throw noFile(artifact, response);
    await prove(deps, artifact, expected, collected, response.upstream).catch((error) => {
      if (!(error instanceof Tampered)) throw error;
      if (isPage) throw noFile(artifact, response);
      throw artifact.isMoving ? moved(artifact, response) : error;
    });
    return {
      ...collected,
      upstream: response.upstream,
      digests: pinnedToo(deps, collected),
      content: await contentOf(deps, artifact, collected).catch((error) =>
        unreadable(error, artifact, response, isCheckable(expected)),
      ),
    };
  } catch (error) {
    // The alarm is worth more than the evidence, for which a full disk has no room.
    if (error instanceof Tampered) await condemn(deps.blobs, collected).catch(() => {});
    await collected.incoming?.abandon();
    throw error;
  }
}

/** What the format wants pinned of these bytes beside their SHA-256. */
function pinnedToo({ format }: DownloadDeps, { digests }: Arrived): Integrity | null {
  const wanted = (format.alsoPinned ?? []).flatMap((algorithm) => {
    const base64 = digests.get(algorithm);
    return base64 ? [[algorithm, base64] as const] : [];
  });
  return formatIntegrity(new Map(wanted)) || null;
}

/**
 * What cannot be read as an archive is kept as it is where something vouches for its bytes. Else it would be pinned for good, broken as it
 * came: it is refused.
 */
function unreadable(
  error: unknown,
  { file, package: name }: Artifact,
  { upstream }: UpstreamResponse,
  isVouchedFor: boolean,
): null {
  if (!(error instanceof Problem) || error.kind === "busy") throw error;
  if (isVouchedFor) return null;
  if (isUndone(error)) throw error;
  throw new Problem(
    "malformed",
    `${upstream} sent ${file} of ${name} as an archive that cannot be read: ${error.message}`,
    { cause: error },
  );
}

function moved({ file, package: name }: Artifact, { upstream }: UpstreamResponse): Problem {
  return new Problem(
    "malformed",
    `${upstream} has another generation of ${file} of ${name} than the one that was asked for`,
  );
}

function isHtml(contentType: string | null): boolean {
  return contentType !== null && /^\s*(text\/html|application\/xhtml)/i.test(contentType);
}

/** A login page, or nothing: what stands between us and the upstream answered in its place. */
function noFile({ file, package: name }: Artifact, { upstream }: UpstreamResponse): Problem {
  return new Problem(
    "malformed",
    `${upstream} sent a page or nothing in place of ${file} of ${name}`,
  );
}

/** The document may name another place than the conventional one. */
async function elsewhere(
  get: (path: string) => Promise<UpstreamResponse>,
  expect: Promise<Expectation>,
  place: string,
  response: UpstreamResponse,
): Promise<UpstreamResponse> {
  await response.discard(); // before waiting: a held answer keeps a place that the document may need
  const { location } = await expect;
  if (location === null || location === place) return response;
  return instead(response, () => get(location));
}

/** The answer of another place. Its "no" is not the last word where the place before was refused: that one may have the file. */
async function instead(
  before: UpstreamResponse,
  get: () => Promise<UpstreamResponse>,
): Promise<UpstreamResponse> {
  await before.discard();
  const response = await get();
  if (!isNo(response) || isNo(before)) return response;
  await response.discard();
  return before;
}

function isNo({ status }: UpstreamResponse): boolean {
  return status === 404 || status === 410;
}

// Where the expectation is not known yet when the first bytes come, all usual hashes are computed on the way.
export const ALGORITHMS = ["sha256", "sha512", "sha1"];

/** The hashes to compute: those that are asked for where that is known already. */
function algorithmsFor(known: Expectation | null, also: readonly string[]): string[] {
  if (!known) return ALGORITHMS;
  const wanted = wantedOf(known.integrity ?? "", known.isGrown).map(({ algorithm }) => algorithm);
  const asked = [...wanted, ...also];
  return ALGORITHMS.filter((algorithm) => algorithm === "sha256" || asked.includes(algorithm));
}

/** The bytes, with their hashes. What is larger than `artifact.limit` is no such file. */
export async function collect(
  deps: DownloadDeps,
  artifact: Pick<Artifact, "file" | "limit">,
  response: UpstreamResponse,
  algorithms: string[],
  announce: (following: { fill: FillControl; size: number | null }) => void,
): Promise<Arrived> {
  const hashes = new Map<string, Hash>(
    algorithms.map((algorithm) => [algorithm, createHash(algorithm)]),
  );
  const limit = artifact.limit ?? LIMIT;
  const isEncoded = response.headers.get("content-encoding") === "gzip";
  const length = isEncoded ? null : response.headers.get("content-length");
  if (Number(length) > limit) {
    await response.discard();
    throw tooLarge(artifact.file, limit);
  }
  let parts: Uint8Array[] = [];
  let size = 0;
  let incoming: Incoming | null = null;
  let fill: FillControl | null = null;
  try {
    for await (const chunk of isEncoded
      ? decoded(response.body, response.upstream)
      : response.body) {
      size += chunk.length;
      if (size > limit) throw tooLarge(artifact.file, limit);
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
  return { sha256, digests, size, bytes: incoming ? null : Buffer.concat(parts), incoming };
}

function tooLarge(file: string, limit: number): Problem {
  return new Problem("malformed", `${file} is larger than ${limit} bytes`);
}

async function* decoded(body: AsyncIterable<Uint8Array>, upstream: string) {
  const gunzip = createGunzip();
  // Whoever ends first ends the other: an upstream that nobody reads would keep its connection.
  const fed = pipeline(Readable.from(body), gunzip);
  fed.catch(() => {}); // awaited below, unless the reader has left
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
    await fed;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("malformed", `The answer of ${upstream} is not whole gzip data`, {
      cause: error,
    });
  }
}

/** Keeps the refused bytes where an operator can look at them. */
async function condemn(blobs: Blobs, { sha256, bytes, incoming }: Arrived): Promise<void> {
  if (incoming) await incoming.condemn(sha256);
  else await blobs.condemn(sha256, bytes!);
}
