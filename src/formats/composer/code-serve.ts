// What is asked of packages that are made from code: documents of what its tags and branches are, archives when they are first asked for.
import { createHash } from "node:crypto";
import { parseJson } from "../../core/answers.ts";
import type { Source as Bytes } from "../../core/document.ts";
import type { HostedPackage } from "../../core/hosted.ts";
import { Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import type { CodeSource, SourceRelease } from "../../core/source.ts";
import { type CodeVersion, placeOf, readCode, readCommit } from "./code.ts";
import { archiveOf } from "./code-archive.ts";
import { type ComposerMemory, dateOf, viewsDate } from "./dates.ts";
import { versionPart } from "./dist.ts";
import {
  type DistMetadata,
  distFile,
  hostedRef,
  hostedVersions,
  type PackageState,
  type Source,
  withHead,
} from "./hosted.ts";
import { serveHostedDist } from "./hosted-serve.ts";
import { isBranch } from "./normalize.ts";
import type { ComposerOptions } from "./options.ts";
import { ARCHIVE_LIMIT } from "./publish.ts";
import type { DistRoute } from "./routes.ts";
import type { Version } from "./types.ts";
import { renderPackage, WITHOUT_SOURCES } from "./view.ts";

/** Each update asks for lists: the code host is asked for their sake once in so long. Milliseconds. */
const LIST_AGE_MS = 60_000;
/** That are remembered. */
const NAMES = 10_000;
const COMMIT = /^[0-9a-f]{40}$/;

/** The document of releases or of branches. */
export async function serveCodePackage(
  name: string,
  dev: boolean,
  base: string,
  source: CodeSource,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  await refreshFor(name, source, repository, memory);
  const shown = await shownOf(name, dev, source, repository, memory);
  const text = JSON.stringify({ packages: { [name]: shown } });
  const { checkouts } = repository.options;
  const variant = checkouts ? "package" : `package${WITHOUT_SOURCES}`;
  let body = "";
  const document = { ref: hostedRef(name, dev), source: bytesOf(text), overlay: {} };
  for await (const piece of renderPackage(document, { variant, base })) body += piece;
  const since = await dateOf(repository, `code/${name}${dev ? "~dev" : ""}`, Buffer.from(text));
  const form = await viewsDate(repository, memory, base, { sources: checkouts }, "hosted");
  return {
    ...reply(200, "application/json", body),
    etag: createHash("sha256").update(body).digest("hex"),
    lastModified: Math.max(since, form),
    cache: { hit: true },
  };
}

/** What is known is shown, whatever keeps the code host from being asked. */
async function refreshFor(
  name: string,
  source: CodeSource,
  repository: Repository,
  { asked }: ComposerMemory,
): Promise<void> {
  const now = repository.now();
  if (Math.abs(now - (asked.get(name) ?? 0)) < LIST_AGE_MS) return;
  // Whatever name a client made up.
  if (asked.size >= NAMES) asked.clear();
  asked.set(name, now);
  await source.refresh();
}

/** Newest first, with what was uploaded beside it, and without what somebody took back. */
async function shownOf(
  name: string,
  dev: boolean,
  source: CodeSource,
  repository: Repository,
  memory: ComposerMemory,
): Promise<Version[]> {
  const { hosting } = repository;
  const hosted = hosting.owns(name) ? await hosting.read(name) : null;
  const removed = hosted ? await source.removed(name) : new Set<string>();
  const yanked = yankedIn(hosted);
  const sums = sumsIn(hosted);
  const all = await versionsOf(name, source, repository, memory).catch((error) => {
    // What was published under the name before is there without any code.
    if (hosted && error instanceof Problem && error.kind === "notFound") return [];
    throw error;
  });
  const state = (hosted?.state ?? {}) as PackageState;
  const made = all
    .filter(({ normalized }) => isBranch(normalized) === dev)
    .filter(
      ({ normalized, commit }) =>
        !removed.has(distFile(normalized, commit)) && !yanked.has(normalized),
    )
    .map((one) => documentOf(name, one, source, state, sums));
  const known = new Set(all.map(({ normalized }) => normalized));
  const uploaded = hosted ? hostedVersions(hosted, name, dev) : [];
  return [
    ...made,
    ...uploaded.filter(({ version_normalized }) => !known.has(String(version_normalized))),
  ];
}

/** SHA-1 by the name of the archive, of those that were made. */
function sumsIn(hosted: HostedPackage | null): ReadonlyMap<string, string> {
  const files = hosted?.releases.flatMap((release) => release.files) ?? [];
  return new Map(
    files.flatMap(({ file, metadata }): [string, string][] => {
      const { sha1 } = metadata as DistMetadata;
      return sha1 === null ? [] : [[file, sha1]];
    }),
  );
}

function yankedIn(hosted: HostedPackage | null): Set<string> {
  const releases = hosted?.releases.filter(({ yanked }) => yanked !== null) ?? [];
  return new Set(
    releases.flatMap(({ files }) =>
      files.map(({ metadata }) => (metadata as DistMetadata).normalized),
    ),
  );
}

/** Worked out once for all that its refs were. */
async function versionsOf(
  name: string,
  source: CodeSource,
  repository: Repository,
  memory: ComposerMemory,
): Promise<CodeVersion[]> {
  const { revision } = await source.refs();
  const before = memory.code.get(name);
  if (before?.revision === revision) return before.versions;
  const versions = readCode(name, source, repository);
  if (memory.code.size >= NAMES) memory.code.clear();
  memory.code.set(name, { revision, versions });
  versions.catch(() => memory.code.delete(name));
  return versions;
}

function documentOf(
  name: string,
  { version, normalized, commit, time, manifest, isDefaultBranch }: CodeVersion,
  source: CodeSource,
  { abandoned }: PackageState,
  sums: ReadonlyMap<string, string>,
): Version {
  const checkout = checkoutOf(commit, source);
  const shasum = sums.get(distFile(normalized, commit));
  return {
    ...manifest.data,
    name,
    version,
    version_normalized: normalized,
    ...(checkout && { source: checkout }),
    // The views say where it is.
    dist: { type: "zip", url: "https://localhost/", reference: commit, ...(shasum && { shasum }) },
    time,
    ...(isDefaultBranch && { "default-branch": true }),
    ...(abandoned !== undefined && { abandoned }),
  };
}

/** A folder cannot be checked out alone, and what is on this machine on no other. */
function checkoutOf(commit: string, { url, folder }: CodeSource): Source | null {
  if (folder !== "" || url.startsWith("file:")) return null;
  return { type: "git", url, reference: commit };
}

/** An archive that is not there is made, and is published from then on. */
export async function serveCodeDist(
  route: DistRoute,
  request: Request,
  source: CodeSource,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  const { name } = route;
  if (repository.hosting.owns(name)) {
    try {
      return await serveHostedDist(route, request, repository);
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
    }
  }
  const version = await versionFor(route, source, repository, memory);
  const { reference: commit } = route;
  await source.publish(name, version.version, distFile(version.normalized, commit), () =>
    releaseOf(name, version, commit, source, repository),
  );
  return serveHostedDist(route, request, repository);
}

/** A release is made of its commit alone, a branch of any that it may have been at. */
async function versionFor(
  route: DistRoute,
  source: CodeSource,
  repository: Repository,
  memory: ComposerMemory,
): Promise<CodeVersion> {
  const { name, version, reference, type } = route;
  const find = async () => {
    const all = await versionsOf(name, source, repository, memory);
    const found = all.find(({ normalized }) => versionPart(normalized) === version);
    if (!found || found.commit === reference) return found ?? null;
    const isOfBranch = isBranch(found.normalized) && (await source.commit(reference)) !== null;
    return isOfBranch ? found : null;
  };
  if (type === "zip" && COMMIT.test(reference)) {
    const known = await find();
    if (known) return known;
    const why = await source.refresh();
    const found = await find();
    if (found) return found;
    if (why) throw why;
  }
  throw new Problem(
    "notFound",
    `${name} ${version} is not made of ${reference || "no commit"} of ${placeOf(source)}`,
  );
}

async function releaseOf(
  name: string,
  { version, normalized, commit: newest }: CodeVersion,
  commit: string,
  source: CodeSource,
  repository: Repository,
): Promise<SourceRelease> {
  const read = await readCommit(name, commit, source, repository);
  if (!("manifest" in read))
    throw new Problem(
      "malformed",
      `Commit ${commit} of ${placeOf(source)} is no version of ${name}: ${read.why}`,
    );
  const file = distFile(normalized, commit);
  const metadata: DistMetadata = {
    normalized,
    manifest: read.manifest.data,
    sha1: null,
    reference: commit,
    source: checkoutOf(commit, source),
    time: read.time,
  };
  const isHead = isBranch(normalized) && commit === newest;
  return {
    metadata: {},
    files: [
      {
        file,
        kind: "zip",
        purl: purl("composer", name, version),
        path: `/dists/${name}/${file}`,
        metadata,
        described: {
          digests: ["sha1"],
          metadata: ({ sha1 }) => ({ ...metadata, sha1: hexOf(sha1) }),
        },
        bytes: archiveOf(commit, read.manifest.exclude, source),
        limit: ARCHIVE_LIMIT,
      },
    ],
    ...(isHead && { state: (before) => withHead(before, versionPart(normalized), file) }),
  };
}

function hexOf(base64: string | undefined): string | null {
  return base64 === undefined ? null : Buffer.from(base64, "base64").toString("hex");
}

function bytesOf(text: string): Bytes {
  const bytes = Buffer.from(text);
  return {
    size: bytes.length,
    async *chunks() {
      yield bytes;
    },
    text: async () => text,
    json: async () => parseJson(bytes),
  };
}
