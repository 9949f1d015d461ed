// Whether a new release of a suite may take the place of the one in service: signed, not older, and complete.
import type { Candidate, DocumentRef, Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { checkSignature } from "./detached.ts";
import {
  AS_IT_IS,
  type Generation,
  generationOf,
  type ReleaseKind,
  releaseRef,
  releaseText,
  TEXT,
} from "./documents.ts";
import { earlierReleases, keepRelease } from "./generations.ts";
import { checkChanges, type IndexPair } from "./held.ts";
import { indexArtifact } from "./index-artifact.ts";
import { formsOf, isDiff, namesFiles, plainPath } from "./index-names.ts";
import type { AptRepository } from "./memory.ts";
import { forgetIndices, prepareLookup } from "./open-lookups.ts";
import { dateText, isOlder, type Release } from "./release.ts";

const FETCHES_AT_ONCE = 6;
/** A clock may be wrong by so much. */
const FUTURE_MS = 86_400_000;

interface InService {
  generation: Generation;
  /** Null when it is remembered already. */
  text: string | null;
  /** As it was signed; null when it came in no InRelease. */
  inRelease: string | null;
}

/** Throws a Problem that says why the candidate is refused. See `Format.admit`. */
export async function admit(candidate: Candidate, repository: AptRepository): Promise<void> {
  const kind = candidate.ref.kind as ReleaseKind | "packages";
  // Nobody vouches for an index without a release: see loose.ts.
  if (kind === "packages") return;
  const suite = candidate.ref.key;
  // Before it is read here, where that would hold up the loop: it may be anybody's.
  await checkSignature(repository, kind, suite, candidate.source);
  const text = await releaseText(kind, candidate.source);
  const next = generationOf(text);
  refuseFlawed(repository, suite, next.release);

  const before = await inService(candidate, repository);
  if (before?.generation.id === next.id) return;
  refuseExpired(repository, suite, before?.generation ?? null, next);
  if (!before) return;
  refuseDate(repository, suite, before.generation, next);
  const pairs = await fetchIndices(repository, suite, before.generation.release, next.release);
  await checkChanges(repository, suite, next.release, pairs);
  if (before.text !== null) await keepRelease(repository, suite, before.text, before.inRelease);
  forgetIndices(repository, suite);
  for (const { next: index } of pairs)
    prepareLookup(repository, { suite, release: next.release, path: index.path });
}

/** Like apt, we take nothing on the word of MD5 or SHA-1, and nothing whose age cannot be told, where signatures are checked. */
function refuseFlawed({ options }: AptRepository, suite: string, { flaw }: Release): void {
  if (flaw === null || options.unverified) return;
  throw new Problem("malformed", `The upstream has no usable Release of ${suite}: ${flaw}`);
}

/** The newer one of the suite's stored InRelease and Release; where none can be read any more, the last that was remembered. */
async function inService(
  candidate: Candidate,
  repository: AptRepository,
): Promise<InService | null> {
  const stored = await storedRelease(candidate, repository);
  if (stored) return stored;
  const [last] = await earlierReleases(repository, candidate.ref.key);
  return last ? { generation: last, text: null, inRelease: null } : null;
}

async function storedRelease(
  { ref, previous }: Candidate,
  repository: AptRepository,
): Promise<InService | null> {
  const own = previous && (await readOwn(repository, ref, previous.source));
  const otherKind: ReleaseKind = ref.kind === "inrelease" ? "release" : "inrelease";
  const others = await repository.documents(otherKind, ref.key, Number.MAX_SAFE_INTEGER);
  if (!others.includes(ref.key)) return own;
  const other = await readOther(repository, otherKind, ref.key);
  if (!own || !other) return own ?? other;
  return isOlder(own.generation.release, other.generation.release) ? other : own;
}

/** Null when it is damaged on disk: it must not keep the new one out. */
async function readOwn(
  repository: AptRepository,
  ref: DocumentRef,
  source: Source,
): Promise<InService | null> {
  try {
    const { model } = await repository.model<Generation>(ref, "stored");
    const inRelease = ref.kind === "inrelease" ? await source.text() : null;
    return { text: await releaseText(ref.kind, source), generation: model, inRelease };
  } catch {
    return null;
  }
}

async function readOther(
  repository: AptRepository,
  kind: ReleaseKind,
  suite: string,
): Promise<InService | null> {
  try {
    const known = await repository.model<Generation>(releaseRef(kind, suite), "stored");
    const { bytes } = await repository.read(releaseRef(kind, suite), { variant: TEXT, base: "" });
    const text = Buffer.from(bytes).toString();
    const view = { variant: AS_IT_IS, base: "" };
    const signed =
      kind === "inrelease" ? await repository.read(releaseRef(kind, suite), view) : null;
    const inRelease = signed && Buffer.from(signed.bytes).toString();
    return { text, generation: known.model, inRelease };
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/**
 * Clients refuse a release past its Valid-Until: one that they still take is not given up for it, and none is begun with, which anybody in between
 * may have kept for years.
 */
function refuseExpired(
  repository: AptRepository,
  suite: string,
  before: Generation | null,
  next: Generation,
): void {
  if (repository.options.validUntil === "ignore") return;
  const now = repository.now();
  const isPast = ({ release: { validUntil } }: Generation) =>
    validUntil !== null && validUntil <= now;
  if (!isPast(next) || (before && isPast(before))) return;
  const until = new Date(next.release.validUntil!).toISOString();
  const outcome = before
    ? `the one of ${dateText(before.release.date)} stays in service`
    : `none is taken, as apt takes none. For archives that do not renew theirs: \`validUntil: ignore\` in the configuration of ${repository.name}, and Acquire::Check-Valid-Until "false" in its clients`;
  throw new Problem(
    before ? "malformed" : "tampered",
    `The upstream has a release of ${suite} that was valid until ${until} only: ${outcome}`,
    { event: "expired", rule: "validUntil", detail: { validUntil: until } },
  );
}

/**
 * A signature stays good for ever, so an old release, with its old holes, would pass otherwise. Clients take none from the future (apt's
 * Acquire::Check-Date); one that is in service all the same must not keep out those that follow it. By a clock that is behind nothing is told to be from
 * the future.
 */
function refuseDate(
  repository: AptRepository,
  suite: string,
  before: Generation,
  next: Generation,
): void {
  const [old, date] = [before.release.date, next.release.date];
  // Only those that nobody verifies have none.
  if (old === null || date === null) return;
  const [stays, offered] = [old, date].map(dateText);
  const now = repository.now();
  const future = now + FUTURE_MS;
  if (old <= now && date > future)
    throw new Problem(
      "malformed",
      `The upstream has a release of ${suite} from the future, of ${offered}: the one of ${stays} stays in service`,
    );
  if (date >= old) return;
  if (old > future && date <= future) {
    repository.report({
      kind: "rollback",
      package: suite,
      message: `The release of ${suite} that was in service is from the future, of ${stays}: the one of ${offered} was let take its place`,
      detail: { before: stays, now: offered },
    });
    return;
  }
  throw new Problem(
    "tampered",
    `The upstream went back in time: it has the release of ${suite} of ${offered}, and the one of ${stays} was seen before, which stays in service`,
    { event: "rollback", detail: { inService: stays, offered } },
  );
}

/**
 * Every index that clients were given of the old release is fetched in the new one, so that it is whole when they see it. Returns the Packages
 * and Sources that differ.
 */
async function fetchIndices(
  repository: AptRepository,
  suite: string,
  old: Release,
  next: Release,
): Promise<IndexPair[]> {
  const rows = await repository.stored(suite);
  // By their hash: indices that hold the same (mostly nothing) are stored once, under the path of the first.
  const stored = new Set(rows.map(({ file }) => file));
  const wanted = [...old.files].filter(
    ([path, { hash }]) =>
      stored.has(hash) &&
      !isDiff(path) &&
      (next.files.has(path)
        ? next.files.get(path)!.hash !== hash
        : // Now compressed otherwise.
          namesFiles(path) && formsOf(next, path).length > 0),
  );
  const pairs = new Map<string, IndexPair>();
  const fetchNext = async () => {
    for (let turn = wanted.pop(); turn; turn = wanted.pop()) {
      const [path] = turn;
      const others = namesFiles(path) ? formsOf(next, path) : [];
      const got = await fetchFirst(repository, suite, next, [path, ...others]);
      if (!namesFiles(path)) continue;
      if (!got)
        throw new Problem(
          "malformed",
          `The new release of ${suite} is not whole: the upstream does not have its ${path}`,
        );
      const pair = await readPair(repository, suite, old, next, path);
      if (pair) pairs.set(plainPath(path), pair);
    }
  };
  await Promise.all(Array.from({ length: FETCHES_AT_ONCE }, fetchNext));
  return [...pairs.values()];
}

/** The two in forms that can be compared here; null where the new release has none. */
async function readPair(
  repository: AptRepository,
  suite: string,
  old: Release,
  next: Release,
  path: string,
): Promise<IndexPair | null> {
  const after = await fetchFirst(repository, suite, next, formsOf(next, path));
  const forms = formsOf(old, path);
  const before = await fetchFirst(repository, suite, old, forms).catch((error) => {
    if (error instanceof Problem) return null;
    throw error;
  });
  return after && { old: before, next: after };
}

/** The first of several forms of an index that the upstream has; null when it has none. */
async function fetchFirst(
  repository: AptRepository,
  suite: string,
  release: Release,
  forms: string[],
): Promise<{ path: string; sha256: string } | null> {
  for (const path of new Set(forms)) {
    try {
      const { sha256 } = await repository.fetch(indexArtifact(suite, release, path));
      return { path, sha256 };
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
    }
  }
  return null;
}
