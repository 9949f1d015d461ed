// Where a file is asked for, and in which order: where its documents say, and where such files usually are.
import type { Artifact } from "../core/artifact.ts";
import { cannotAsk, Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import type { Expecting } from "./expect.ts";
import { refusal } from "./refusal.ts";

export interface Place {
  /** As `UpstreamRequest.path`. */
  path: string;
  /** A document names this very place; else it is the usual one, or a mirror's. */
  isSaid: boolean;
}

export interface Found extends Place {
  /** With status 200. */
  response: UpstreamResponse;
}

/**
 * The place that a document names goes first when it is at hand, or when there is no usual one. Else the usual one does, whose bytes may
 * travel while the document is still looked at.
 */
export async function* placesOf(artifact: Artifact, expecting: Expecting): AsyncGenerator<Place> {
  const { path, otherPaths = [], isPreferred = false } = artifact;
  let said: string | null = null;
  if (path === null) said = (await expecting.named).location;
  else if (!isPreferred) said = await expecting.atHand;
  if (said !== null) yield { path: said, isSaid: true };
  for (const usual of path === null ? otherPaths : [path, ...otherPaths])
    if (usual !== said) yield { path: usual, isSaid: false };
  if (said !== null) return;
  const { location } = await expecting.named;
  if (location !== null && location !== path) yield { path: location, isSaid: true };
}

/** The first place that has the file. Throws Problem("notFound" | "refused"), and what kept the upstream from being asked. */
export async function firstThatHas(
  get: (path: string) => Promise<UpstreamResponse>,
  places: AsyncIterable<Place>,
  { file, package: name }: Artifact,
): Promise<Found> {
  let last: UpstreamResponse | null = null;
  let failure: Problem | null = null;
  for await (const place of places) {
    let response: UpstreamResponse;
    try {
      response = await get(place.path);
    } catch (error) {
      // A document may lead to a host that nobody reaches from here. The usual place is on the upstream itself.
      if (!place.isSaid || !cannotAsk(error)) throw failure ?? error;
      failure = error;
      continue;
    }
    if (response.status === 200) return { ...place, response };
    await response.discard(); // before waiting: a held answer keeps a place that the document may need
    // A "no" is not the last word where a place before was refused: that one may have the file.
    if (last === null || !isNo(response) || isNo(last)) last = response;
  }
  if (failure) throw failure;
  if (last === null) throw new Problem("notFound", `No document says where ${file} of ${name} is`);
  if (isNo(last))
    throw new Problem("notFound", `${last.upstream} does not have ${file} of ${name}`);
  throw refusal(last);
}

function isNo({ status }: UpstreamResponse): boolean {
  return status === 404 || status === 410;
}

/** The place that the documents name when that is not where the file was found; null when they name none, or that one. */
export async function otherPlace(found: Found, expecting: Expecting): Promise<string | null> {
  if (found.isSaid) return null;
  const { location } = await expecting.named;
  return location === found.path || location === found.response.url ? null : location;
}
