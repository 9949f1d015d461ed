// Which bytes of an answer are let in: as they came, or without the gzip that the answer says is around them, or none.
import type { Artifact } from "../core/artifact.ts";
import { isUndone, Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import type { Blobs } from "../store/blobs.ts";
import { codingsOf, isGzip, refuseUnknown } from "./codings.ts";
import { beginningOf, unwrap } from "./collect.ts";
import {
  type Arrived,
  checkWhole,
  contentOf,
  type Expectation,
  isCheckable,
  type ProofDeps,
  prove,
  Tampered,
} from "./prove.ts";

export interface SettleDeps extends ProofDeps {
  blobs: Blobs;
}

export interface Accepted {
  bytes: Arrived;
  /** Of `Format.contentDigest`. */
  content: string | null;
  /** A digest was known beforehand; else they are only readable. */
  isVouchedFor: boolean;
}

/**
 * What is stored at an upstream may be labelled as if it were compressed on the way (`Content-Encoding: gzip` for a .tar.gz). So the label
 * is believed last: the bytes as they came are held against what is expected first, and only then what they hold. Throws Tampered, or
 * Problem("malformed") for what is no such file and no attack either.
 */
export async function settle(
  deps: SettleDeps,
  artifact: Artifact,
  expected: Expectation,
  { arrived, response }: { arrived: Arrived; response: UpstreamResponse },
): Promise<Accepted> {
  const isVouchedFor = isCheckable(deps.format, expected);
  if (!isVouchedFor) refuseUnproven(artifact, arrived, response);
  const hold = async (bytes: Arrived): Promise<Accepted> => {
    if (isVouchedFor) await prove(deps, artifact, expected, bytes, response.upstream);
    else await checkWhole(deps, artifact, bytes);
    const content = await contentOf(deps, artifact, bytes).catch((error) => {
      // What cannot be read is kept as it is where something vouches for it.
      if (error instanceof Problem && error.kind !== "busy" && isVouchedFor) return null;
      throw error;
    });
    return { bytes, content, isVouchedFor };
  };
  try {
    return await hold(arrived);
  } catch (error) {
    if (!(error instanceof Problem) || isUndone(error)) throw error;
    return await decoded(deps, artifact, { arrived, response }, error, hold);
  }
}

/** The bytes without their coding, where those are the right ones; else why neither are. */
async function decoded(
  { blobs }: SettleDeps,
  artifact: Artifact,
  { arrived, response }: { arrived: Arrived; response: UpstreamResponse },
  error: Problem,
  hold: (bytes: Arrived) => Promise<Accepted>,
): Promise<Accepted> {
  if (codingsOf(response).length === 0) throw reasonOf(error, artifact, response);
  refuseUnknown(response, `${artifact.file} of ${artifact.package}`);
  // No gzip at all: what came is what was meant.
  if (!isGzip(await beginningOf(arrived, 2))) throw reasonOf(error, artifact, response);
  const plain = await unwrap(blobs, artifact, arrived).catch((reason) => {
    throw reason instanceof Problem && reason.kind === "malformed"
      ? broken(artifact, response, reason)
      : reason;
  });
  try {
    return await hold(plain);
  } catch (reason) {
    await plain.incoming?.abandon();
    throw reason instanceof Problem ? reasonOf(reason, artifact, response) : reason;
  }
}

/** What the bytes would be pinned for: nothing but their own look says that they are all of the right file. */
function refuseUnproven(artifact: Artifact, { size }: Arrived, response: UpstreamResponse): void {
  if (isPage(artifact, response) || size === 0) throw pageOf(artifact, response);
  if (response.isDelimited) return;
  const { file, package: name } = artifact;
  throw new Problem(
    "malformed",
    `${response.upstream} did not say where ${file} of ${name} ends, and no digest vouches for it: it may be cut`,
  );
}

/** The failure as an operator should read it. */
function reasonOf(error: Problem, artifact: Artifact, response: UpstreamResponse): Problem {
  const { file, package: name } = artifact;
  if (error instanceof Tampered) {
    if (isPage(artifact, response)) return pageOf(artifact, response);
    return artifact.isMoving ? moved(artifact, response) : error;
  }
  if (error.kind !== "malformed") return error;
  return new Problem(
    "malformed",
    `${response.upstream} sent something in place of ${file} of ${name}, for which no digest vouches: ${error.message}`,
    { cause: error },
  );
}

function broken({ file }: Artifact, { upstream }: UpstreamResponse, cause: Problem): Problem {
  return new Problem("malformed", `${upstream} sent ${file} in gzip: ${cause.message}`, { cause });
}

function moved({ file, package: name }: Artifact, { upstream }: UpstreamResponse): Problem {
  return new Problem(
    "malformed",
    `${upstream} has another generation of ${file} of ${name} than the one that was asked for`,
  );
}

/** A login page, or nothing: what stands between us and the upstream answered in its place. */
function pageOf({ file, package: name }: Artifact, { upstream }: UpstreamResponse): Problem {
  return new Problem(
    "malformed",
    `${upstream} sent a page or nothing in place of ${file} of ${name}`,
  );
}

/** Whether the answer says that it is a page, which the file is not. */
export function isPage({ contentType }: Artifact, { headers }: UpstreamResponse): boolean {
  return isHtml(headers.get("content-type")) && !isHtml(contentType);
}

function isHtml(contentType: string | null): boolean {
  return contentType !== null && /^\s*(text\/html|application\/xhtml)/i.test(contentType);
}
