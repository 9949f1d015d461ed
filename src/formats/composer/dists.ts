// Dists: the archives of versions. Their file follows from the path alone, so that a warm one costs no document.
import type { Artifact } from "../../core/artifact.ts";
import type { DocumentRef } from "../../core/document.ts";
import { compareIntegrity } from "../../core/integrity.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { rootModel, rootOf, UNKNOWN_ROOT } from "./asking.ts";
import { serveCodeDist } from "./code-serve.ts";
import type { ComposerMemory } from "./dates.ts";
import { commitIntegrity, DIST_TYPES, fillUrl } from "./dist.ts";
import type { PackageModel } from "./documents.ts";
import { serveHostedDist } from "./hosted-serve.ts";
import { documentsOf, type FileKind } from "./lookup.ts";
import { isBranch } from "./normalize.ts";
import { type ComposerOptions, placeInstead } from "./options.ts";
import type { Root } from "./root.ts";
import type { DistRoute } from "./routes.ts";

/** Kinds of documents that are about one package, and have a PackageModel. */
const OF_ONE = ["package", "dev", "provided"];
const COMMIT = /^[0-9a-f]{40}$/;
/** What Composer makes of the name of a branch with a slash. */
const DIGESTED = /^[0-9a-f]{32}$/;

const CHECKOUT = "a checkout";
/** What Composer knows beside files. Composer/Factory::createDownloadManager */
const OTHERS: Record<string, string> = {
  path: "a folder on one machine",
  git: CHECKOUT,
  hg: CHECKOUT,
  svn: CHECKOUT,
  fossil: CHECKOUT,
  perforce: CHECKOUT,
};

/** Those whose file was given out, and so is stored: where the upstream has it matters no more. */
const served = new WeakSet<DistRoute>();

export async function serveDist(
  route: DistRoute,
  request: Request,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  const source = repository.sources.for(route.name);
  if (source) return serveCodeDist(route, request, source, repository, memory);
  if (repository.hosting.owns(route.name)) return serveHostedDist(route, request, repository);
  repository.refuseClaimed(route.name);
  refuseOther(route);
  const root = await knownRoot(repository);
  const exact = await exactly(route, root, repository);
  const namers = await namersOf(exact, root, repository);
  const artifact = artifactOf(exact, root, namers, repository);
  if (!served.has(route)) {
    // What is named and is another release is not even asked for.
    if (await isNamed(exact, namers, repository)) await refuseMoved(exact, namers, repository);
    artifact.path ??= await placeOfAnother(exact, artifact, repository);
  }
  try {
    const reply = await repository.artifact(artifact, request);
    served.add(route);
    return reply;
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
    const earlier = await earlierCommit(exact, root, repository);
    if (!earlier) throw error;
    return repository.artifact(earlier, request);
  }
}

/** What is no file cannot pass through: that is no "no" to the version, which may be had elsewhere. */
function refuseOther({ name, version, type }: DistRoute): void {
  if (Object.hasOwn(DIST_TYPES, type)) return;
  const what = OTHERS[type] ?? "nothing that is known here";
  const known = Object.keys(DIST_TYPES).join(", ");
  throw new Problem(
    "refused",
    `The dist of ${name} ${version} is of the type "${type}", ${what}, and is not read here: only ${known} are`,
  );
}

/** Composer fills in nothing for a branch without a commit: that is the newest one. */
async function exactly(route: DistRoute, root: Root, repository: Repository): Promise<DistRoute> {
  if (route.reference !== "" || kindOf(route.version) === "release") return route;
  const { refs, areShared } = await namersOf(route, root, repository);
  for (const ref of areShared ? [] : refs) {
    const known = await repository.model<PackageModel>(ref).catch(ignoreProblem);
    const newest = known?.model.dists.get(route.version);
    if (newest) return { ...route, reference: newest.part };
  }
  return route;
}

type Namers = Awaited<ReturnType<typeof documentsOf>>;

/**
 * The documents that may name the file. Where documents have their digest in their path, those that are known may be old: what none of
 * them is known to name is looked for by what the upstream says now.
 */
async function namersOf(route: DistRoute, root: Root, repository: Repository): Promise<Namers> {
  const { name, version } = route;
  const namers = await documentsOf(name, root, kindOf(version), repository, "stored");
  if (!isNamedByDigest(root) || (await isNamed(route, namers, repository))) return namers;
  const newest = await rootModel(repository, "now").catch(ignoreProblem);
  if (!newest) return namers;
  return documentsOf(name, newest.model, kindOf(version), repository, "now");
}

/** By a document that was read before. */
async function isNamed(
  { name, version, reference, type }: DistRoute,
  { refs, areShared }: Namers,
  repository: Repository,
): Promise<boolean> {
  const file = `${areShared ? `${name}/` : ""}${version}/${reference}.${type}`;
  for (const ref of refs) if (await repository.known(ref.package, file)) return true;
  return false;
}

function isNamedByDigest({ includes, composer1 }: Root): boolean {
  return includes.length > 0 || composer1 !== null;
}

/** Where the configuration wants the file to be fetched, when not where the document says. That is asked after it. */
async function placeOfAnother(
  { version, reference }: DistRoute,
  { namedBy }: Artifact,
  repository: Repository<ComposerOptions>,
): Promise<string | null> {
  if (repository.options.instead.length === 0) return null;
  for (const ref of namedBy.filter(({ kind }) => OF_ONE.includes(kind))) {
    const known = await repository.model<PackageModel>(ref, "stored").catch(ignoreProblem);
    const dist = known?.model.dists.get(version);
    if (dist?.part === reference) return placeInstead(dist.location, repository.options);
  }
  return null;
}

/** Files that are stored need none. */
async function knownRoot(repository: Repository): Promise<Root> {
  try {
    return await rootOf(repository);
  } catch (error) {
    if (!cannotAsk(error)) throw error;
    return UNKNOWN_ROOT;
  }
}

export function artifactOf(
  route: DistRoute,
  root: Root,
  { refs, areShared }: Namers,
  repository: Repository,
): Artifact {
  const { name, version, reference, type } = route;
  const prefix = areShared ? `${name}/` : "";
  const file = `${version}/${reference}.${type}`;
  const [preferred] = placesIn(root.mirrors.preferred, route);
  const artifact: Artifact = {
    kind: type,
    package: name,
    version,
    file,
    purl: purl("composer", name, version),
    contentType: DIST_TYPES[type]!,
    path: preferred ?? null,
    otherPaths: placesIn(root.mirrors.others, route),
    isPreferred: true,
    namedBy: refs,
    datedBy: () => refs,
    ...(areShared && { namedAs: prefix + file }),
    async integrity() {
      const named = await factOf(repository, refs, prefix + file);
      if (named) {
        // The catalog names releases as their authors do.
        artifact.version = named.version;
        artifact.purl = purl("composer", name, named.version);
      }
      await refuseMoved(route, { refs, areShared }, repository);
      return null; // the documents say which digest is due
    },
  };
  return artifact;
}

function kindOf(version: string): FileKind {
  if (DIGESTED.test(version)) return "either";
  return isBranch(version) ? "branch" : "release";
}

/** The mirrors of the upstream's own, where it wants to be asked. */
function placesIn(templates: readonly string[], { kind: _, ...route }: DistRoute): string[] {
  return templates.flatMap(
    (template) => fillUrl(template, { ...route, prettyVersion: null }) ?? [],
  );
}

/** What the documents say of a file, brought up to date when they do not name it. */
async function factOf(repository: Repository, refs: DocumentRef[], file: string) {
  for (const which of ["fresh", "now"] as const) {
    for (const ref of refs) {
      const known = await repository.known(ref.package, file);
      if (known) return known;
      await repository.model(ref, which).catch(ignoreProblem);
    }
  }
  return null;
}

function ignoreProblem(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
}

/**
 * A release was made from one commit: that the tag has moved is no reason to give out what it stands at now. Nor is it another archive than
 * the one that was fetched: packed in another way, or without saying of which commit. Goes by what is known; what is stored stays.
 */
async function refuseMoved(
  route: DistRoute,
  { refs, areShared }: Namers,
  repository: Repository,
): Promise<void> {
  const { name, version, reference, type } = route;
  if (kindOf(version) !== "release") return;
  const own = `${version}/${reference}.${type}`;
  const stored = (await repository.stored(name)).map(({ file }) => file);
  if (stored.includes(own)) return;
  const other = stored.find((file) => file.startsWith(`${version}/`));
  if (other !== undefined)
    throw new Problem(
      "tampered",
      `${name} ${version} is stored here as ${other}; what the upstream now names ${own} is not that release`,
    );
  const asked = commitIntegrity(reference);
  if (asked === null) return;
  const release = areShared ? `${name}/${version}` : version;
  for (const ref of refs) {
    const first = (await repository.known(ref.package, release))?.integrity ?? null;
    if (first === null || compareIntegrity(first, asked) === "same") continue;
    throw new Problem(
      "tampered",
      `${name} ${version} was made from another commit when it was first seen here; ${reference} is not that release`,
    );
  }
}

/**
 * A lock file may name an earlier commit of a branch, of which documents tell nothing. Code hosts have it where the newest
 * one is: Composer itself puts one commit in the other's place (Package::setSourceDistReferences). The commit names the content.
 */
async function earlierCommit(
  route: DistRoute,
  root: Root,
  repository: Repository<ComposerOptions>,
): Promise<Artifact | null> {
  const { name, version, reference } = route;
  if (kindOf(version) === "release" || !COMMIT.test(reference)) return null;
  const namers = await documentsOf(name, root, kindOf(version), repository, "stored");
  const location = await newestIn(namers, route, repository);
  if (location === null) return null;
  const {
    integrity: _,
    otherPaths: __,
    namedAs: ___,
    ...artifact
  } = artifactOf(route, root, namers, repository);
  const other = placeInstead(location, repository.options);
  return { ...artifact, path: other ?? location, otherPaths: [location], namedBy: [] };
}

/** Where a commit of a branch is, by where its newest one is. */
async function newestIn(
  { refs }: Namers,
  { version, reference, type }: DistRoute,
  repository: Repository,
): Promise<string | null> {
  for (const ref of refs.filter(({ kind }) => OF_ONE.includes(kind))) {
    const known = await repository.model<PackageModel>(ref, "stored").catch(ignoreProblem);
    const newest = known?.model.dists.get(version);
    if (newest?.type !== type || !COMMIT.test(newest.part)) continue;
    const location = newest.location.replaceAll(newest.part, reference);
    if (location !== newest.location) return location;
  }
  return null;
}
