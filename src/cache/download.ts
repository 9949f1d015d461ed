// Fetches one artifact: bytes to disk and through the hashes, then every expectation, and only then a name.
import type { Artifact, Pace } from "../core/artifact.ts";
import { formatIntegrity, type Integrity } from "../core/integrity.ts";
import { Problem } from "../core/problem.ts";
import type { Upstream, UpstreamResponse } from "../core/upstream.ts";
import type { Blobs, Incoming } from "../store/blobs.ts";
import { codingsOf } from "./codings.ts";
import { ALGORITHMS, collect, type Following, LIMIT } from "./collect.ts";
import type { Expecting } from "./expect.ts";
import { type Found, firstThatHas, otherPlace, placesOf } from "./places.ts";
import { type Arrived, type Expectation, type ProofDeps, Tampered, wantedOf } from "./prove.ts";
import { type Accepted, isPage, settle } from "./settle.ts";

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
   * Known once the upstream answered, the file proved to be large, and the documents name it and no other place: clients may read along.
   * Who started the download ends the fill, with `prove` or `fail`, when everything else is done.
   */
  readonly following: Promise<(Following & Found) | null>;
  readonly proven: Promise<Proven>;
}

export interface DownloadCall {
  /** Whether anybody still waits: what nobody does may be given up where places are scarce. */
  isWanted(): boolean;
  pace?: Pace | undefined;
}

/** Starts the download. When the place is known by convention the bytes travel while the documents are still looked at. */
export function startDownload(
  deps: DownloadDeps,
  artifact: Artifact,
  expecting: Expecting,
  call: DownloadCall,
): Download {
  const following = Promise.withResolvers<(Following & Found) | null>();
  const proven = run(deps, artifact, expecting, following.resolve, call);
  proven.then(
    () => following.resolve(null),
    () => following.resolve(null),
  );
  return { following: following.promise, proven };
}

/** Bytes of one place, and whether they are let in. */
interface Outcome {
  arrived: Arrived;
  /** What is let in, or why nothing is. */
  accepted: Accepted | null;
  error: unknown;
  upstream: string;
}

async function run(
  deps: DownloadDeps,
  artifact: Artifact,
  expecting: Expecting,
  announce: (following: Following & Found) => void,
  { isWanted, pace }: DownloadCall,
): Promise<Proven> {
  const giveUp = new AbortController();
  let known: Expectation | null = null;
  expecting.whole.then(
    (expected) => {
      known = expected;
    },
    (error) => giveUp.abort(error), // the document says no: the bytes need not come
  );
  const get = (path: string) =>
    deps.upstream.fetch({
      path,
      package: artifact.package,
      headers: { "accept-encoding": "identity" },
      signal: giveUp.signal,
      isLong: (artifact.limit ?? LIMIT) > SHORT,
      isWanted,
      ...(pace && { pace, patienceMs: UNHURRIED_MS }),
    });
  const take = (found: Found, tell: (following: Following) => void) =>
    takeIn(deps, artifact, expecting, () => known, found, tell);
  const outcomes: Outcome[] = [];
  let kept: Outcome | undefined;
  try {
    const found = await firstThatHas(get, placesOf(artifact, expecting), artifact);
    outcomes.push(
      await take(found, (following) => {
        // Where the documents say something else, these may be other bytes.
        const agreed = otherPlace(found, expecting).then((other) => other === null);
        agreed.then(
          (isAgreed) => isAgreed && announce({ ...found, ...following }),
          () => {},
        );
      }),
    );
    const other = await otherPlace(found, expecting);
    if (other !== null && !outcomes[0]!.accepted?.isVouchedFor) {
      const instead = await takeInstead(get, other, (found) => take(found, () => {}));
      if (instead) outcomes.unshift(instead);
    }
    kept = outcomes.find(({ accepted }) => accepted);
    if (!kept) throw outcomes[0]!.error;
    const { bytes, content } = kept.accepted!;
    return { ...bytes, upstream: kept.upstream, digests: pinnedToo(deps, bytes), content };
  } catch (error) {
    const reason = giveUp.signal.aborted ? await expecting.whole.catch((why) => why) : error;
    // The alarm is worth more than the evidence, for which a full disk has no room.
    if (error instanceof Tampered) await condemn(deps.blobs, outcomes[0]!.arrived).catch(() => {});
    throw reason;
  } finally {
    for (const { arrived, accepted } of outcomes)
      for (const one of [arrived, accepted?.bytes])
        if (one && one !== kept?.accepted?.bytes) await one.incoming?.abandon();
  }
}

/** What the place that the documents name has; null where it cannot be had there. */
async function takeInstead(
  get: (path: string) => Promise<UpstreamResponse>,
  path: string,
  take: (found: Found) => Promise<Outcome>,
): Promise<Outcome | null> {
  try {
    const response = await get(path);
    if (response.status === 200) return await take({ path, isSaid: true, response });
    await response.discard();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return null;
}

async function takeIn(
  deps: DownloadDeps,
  artifact: Artifact,
  expecting: Expecting,
  known: () => Expectation | null,
  { response }: Found,
  announce: (following: Following) => void,
): Promise<Outcome> {
  const { upstream } = response;
  // Of a page nobody should have the beginning, and of what may be decoded nobody knows yet which bytes are the file's.
  const isPlain = !isPage(artifact, response) && codingsOf(response).length === 0;
  const arrived = await collect(
    deps.blobs,
    artifact,
    response,
    algorithmsFor(deps, known()),
    isPlain ? announce : () => {},
  );
  try {
    const accepted = await settle(deps, artifact, await expecting.whole, { arrived, response });
    return { arrived, accepted, error: null, upstream };
  } catch (error) {
    return { arrived, accepted: null, error, upstream };
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

/** The hashes to compute: those that are asked for where that is known already. */
function algorithmsFor({ format }: DownloadDeps, known: Expectation | null): string[] {
  if (!known) return ALGORITHMS;
  const wanted = wantedOf(format, known.integrity ?? "", known.isGrown);
  const asked = [...wanted.map(({ algorithm }) => algorithm), ...(format.alsoPinned ?? [])];
  return ALGORITHMS.filter((algorithm) => algorithm === "sha256" || asked.includes(algorithm));
}

/** Keeps the refused bytes where an operator can look at them. */
async function condemn(blobs: Blobs, { sha256, bytes, incoming }: Arrived): Promise<void> {
  if (incoming) await incoming.condemn(sha256);
  else await blobs.condemn(sha256, bytes!);
}
