// Whether a new release of a suite may take the place of the one in service: signed, not older, and complete.
import type { Candidate, Source } from "../../core/format.ts";
import { Problem } from "../../core/problem.ts";
import { checkChanges, type IndexPair } from "./changed.ts";
import { checkSignature } from "./detached.ts";
import {
  type Generation,
  generationOf,
  type ReleaseKind,
  releaseRef,
  releaseText,
  TEXT,
} from "./documents.ts";
import { type AptRepository, indexArtifact, keepRelease } from "./generations.ts";
import { isDiff, namesFiles } from "./index-names.ts";
import { forgetIndices } from "./pool.ts";
import type { Release } from "./release.ts";

const FETCHES_AT_ONCE = 6;
const COMPRESSION = /\.(xz|gz|zst)$/;

interface InService {
  generation: Generation;
  text: string;
}

/** Throws a Problem that says why the candidate is refused. See `Format.admit`. */
export async function admit(candidate: Candidate, repository: AptRepository): Promise<void> {
  const kind = candidate.ref.kind as ReleaseKind;
  const suite = candidate.ref.key;
  const text = await releaseText(kind, candidate.source);
  const next = generationOf(text);
  await checkSignature(repository, kind, suite, candidate.source, next.id);

  const before = await inService(candidate, repository);
  if (!before || before.generation.id === next.id) return;
  refuseRollback(suite, before.generation, next);
  const pairs = await fetchIndices(repository, suite, before.generation.release, next.release);
  await checkChanges(repository, suite, next.release, pairs);
  await keepRelease(repository, suite, before.text);
  forgetIndices(repository, suite);
}

/** The newer one of the suite's stored InRelease and Release. */
async function inService(
  { ref, previous }: Candidate,
  repository: AptRepository,
): Promise<InService | null> {
  const own = previous && (await read(ref.kind, previous.source));
  const otherKind: ReleaseKind = ref.kind === "inrelease" ? "release" : "inrelease";
  const others = await repository.documents(otherKind, ref.key, Number.MAX_SAFE_INTEGER);
  if (!others.includes(ref.key)) return own;
  const other = await readOther(repository, otherKind, ref.key);
  if (!own || !other) return own ?? other;
  return own.generation.release.date >= other.generation.release.date ? own : other;
}

async function read(kind: string, source: Source): Promise<InService> {
  const text = await releaseText(kind, source);
  return { text, generation: generationOf(text) };
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
    return { text, generation: known.model };
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** A signature stays good for ever, so an old release, with its old holes, would pass otherwise. */
function refuseRollback(suite: string, before: Generation, next: Generation): void {
  const [old, now] = [before.release.date, next.release.date];
  if (now >= old) return;
  const [stays, offered] = [old, now].map((date) => new Date(date).toISOString());
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
  const stored = new Set(rows.map(({ version, sha256 }) => `${version}\0${sha256}`));
  const wanted = [...old.files].filter(
    ([path, { sha256 }]) =>
      stored.has(`${path}\0${sha256}`) &&
      !isDiff(path) &&
      next.files.has(path) &&
      next.files.get(path)!.sha256 !== sha256,
  );
  const pairs = new Map<string, IndexPair>();
  const fetchNext = async () => {
    for (let turn = wanted.pop(); turn; turn = wanted.pop()) {
      const [path, { sha256 }] = turn;
      const got = await fetchIndex(repository, suite, next, path);
      if (!got || !namesFiles(path)) continue;
      pairs.set(path.replace(COMPRESSION, ""), {
        old: { path, sha256 },
        next: got,
      });
    }
  };
  await Promise.all(Array.from({ length: FETCHES_AT_ONCE }, fetchNext));
  return [...pairs.values()];
}

/**
 * In the compression that clients asked for, or for Packages and Sources in another one that the upstream still has. Null for what the upstream names and
 * does not have, and clients can do without.
 */
async function fetchIndex(
  repository: AptRepository,
  suite: string,
  release: Release,
  path: string,
): Promise<{ path: string; sha256: string } | null> {
  const isNeeded = namesFiles(path);
  const plain = path.replace(COMPRESSION, "");
  const others = [".xz", ".gz", ""].map((extension) => plain + extension);
  const candidates = isNeeded ? new Set([path, ...others]) : [path];
  for (const candidate of candidates) {
    if (!release.files.has(candidate)) continue;
    try {
      const { sha256 } = await repository.fetch(indexArtifact(suite, release, candidate));
      return { path: candidate, sha256 };
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
    }
  }
  if (!isNeeded) return null;
  throw new Problem(
    "malformed",
    `The new release of ${suite} is not whole: the upstream does not have its ${path}`,
  );
}
