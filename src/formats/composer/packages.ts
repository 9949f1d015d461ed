// Our packages.json: the form of Composer 2, with our URLs for all that the upstream has.
// https://getcomposer.org/doc/05-repositories.md#packages
import { createHash } from "node:crypto";
import { encodeJson, jsonReply } from "../../core/answers.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { CacheStatus, Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { NO_ROOT, rootModel, UNKNOWN_ROOT } from "./asking.ts";
import { type ComposerMemory, dateOf, viewsDate } from "./dates.ts";
import { mirrorTemplate } from "./dist.ts";
import { hostedNames } from "./hosted-serve.ts";
import { formOf, listedNames } from "./lookup.ts";
import type { ComposerOptions } from "./options.ts";
import type { Root } from "./root.ts";
import { withOurList } from "./withheld.ts";

/** Of the upstream's copy that is in service, by our address. */
const replies = new WeakMap<Root, Map<string, Reply>>();
const BASES_LIMIT = 20;
/** Of names that the upstream itself does not write into its packages.json: clients read all of it at the start of each run. */
const LISTED_LIMIT = 20_000;

export async function servePackages(
  { base, isInner }: Request,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  const hosted = await hostedNames(repository);
  const { model: root, cache } = await rootModel(repository).catch((error) => {
    if (hosted.length === 0 || !(error instanceof Problem)) throw error;
    // All that it is built on has nothing but its own.
    if (error.kind === "notFound") return NO_ROOT;
    // What is published here is had all the same; what else is asked for is told why it is not.
    if (!cannotAsk(error)) throw error;
    const cache: CacheStatus = { hit: true };
    return { model: UNKNOWN_ROOT, cache };
  });
  // It would be taken for a list of all that there is.
  if (isInner && root === NO_ROOT.model)
    throw new Problem("notFound", `${repository.name} has nothing of an upstream's`);
  if (hosted.length > 0 || repository.sources.patterns.length > 0)
    return { ...(await withHosted(root, hosted, base, repository)), cache };
  // What includes and lists hold changes beside it.
  const isAlone = root.includes.length === 0 && !root.composer1?.listings.length;
  const isWhole = cache.hit && !cache.detail && isAlone;
  const known = replies.get(root) ?? new Map<string, Reply>();
  replies.set(root, known);
  const key = `${base} ${await isFedBy(repository)}`;
  const before = isWhole ? known.get(key) : undefined;
  if (before) return before;
  const reply = await composed(root, base, repository, memory);
  if (!isWhole) return { ...reply, cache };
  const shared = { ...reply, cache, isShared: true };
  if (known.size < BASES_LIMIT) known.set(key, shared);
  return shared;
}

/**
 * Dated by its last change, wherever that came from: the upstream's document, our claims, or our own ways. Of our addresses
 * it is left out: Composer keeps one copy of each that it asks at, and what a new one shows is dated by when that was first seen.
 */
async function composed(
  root: Root,
  base: string,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  const listed = await listedOf(root, repository);
  const here = { isFed: await isFedBy(repository), mayBlock: repository.mayBlock };
  const plain = encodeJson(ourPackages(root, listed, "", here));
  const changedAt = await dateOf(repository, "packages.json", plain);
  const lastModified = Math.max(
    changedAt,
    await viewsDate(repository, memory, base, formOf(root, repository)),
  );
  const reply = jsonReply(200, ourPackages(root, listed, base, here));
  const etag = createHash("sha256")
    .update(reply.body as string)
    .digest("hex");
  return { ...reply, etag, lastModified };
}

/**
 * The same with what is published here. Names are listed where clients would ask for no others, and for all that is here where nothing else is: those that
 * the caller may read, so that this is another text for each of them, and has no date.
 */
async function withHosted(
  root: Root,
  hosted: readonly string[],
  base: string,
  repository: Repository,
): Promise<Reply> {
  const listed = repository.hasUpstreams ? await listedOf(root, repository) : [];
  // Which packages code hosts have is found out when somebody asks for them.
  const isListed =
    repository.sources.patterns.length === 0 && (listed !== null || root.available !== null);
  const names = isListed ? [...(listed ?? []), ...hosted] : null;
  const here = {
    hasHosted: true,
    isFed: await isFedBy(repository),
    mayBlock: repository.mayBlock,
  };
  const own = ourPackages(isListed ? root : { ...root, available: null }, names, base, here);
  return jsonReply(200, own, null, { "cache-control": "private, no-cache" });
}

/** The names that clients may ask for; null when the upstream does not list them, or its list cannot be had now. */
async function listedOf(root: Root, repository: Repository): Promise<string[] | null> {
  try {
    const listed = await listedNames(root, repository);
    if (root.metadataUrl === null && (listed?.length ?? 0) > LISTED_LIMIT) return null;
    return listed?.filter((name) => !repository.claims(name)) ?? null;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** What a client reads. Composer takes an empty list for none. */
export function ourPackages(
  root: Root,
  listed: readonly string[] | null,
  base: string,
  also: { hasHosted?: boolean; isFed?: boolean; mayBlock?: boolean } = {},
): Record<string, unknown> {
  const { hasHosted = false } = also;
  const patterns = root.available?.patterns ?? [];
  return {
    ...root.notices,
    packages: [],
    "metadata-url": `${base}/p2/%package%.json`,
    ...(listed?.length && { "available-packages": listed }),
    ...(patterns.length > 0 && { "available-package-patterns": patterns }),
    mirrors: [{ "dist-url": mirrorTemplate(base), preferred: true }],
    "notify-batch": `${base}/downloads/`,
    ...((root.search !== null || hasHosted) && {
      search: `${base}/search.json?q=%query%&type=%type%`,
    }),
    ...((root.list !== null || hasHosted) && { list: `${base}/list.json` }),
    ...(root.providers !== null && { "providers-api": `${base}/providers/%package%.json` }),
    ...advisories(root, base, also.isFed === true),
    ...filter(root, base, also.mayBlock === true),
  };
}

/** Whether feeds tell of such packages. */
async function isFedBy({ advisories }: Repository): Promise<boolean> {
  return (await advisories.state()) !== null;
}

/**
 * Feeds are told where Composer can ask, and it asks there alone: not where it finds a part of them in the files of packages, nor where the upstream has
 * them nowhere else.
 */
function advisories({ advisories: theirs }: Root, base: string, isFed: boolean) {
  const apiUrl = { "api-url": `${base}/api/security-advisories/` };
  if (isFed && (!theirs?.metadata || theirs.apiUrl !== null))
    return { "security-advisories": { metadata: false, ...apiUrl } };
  if (!theirs) return {};
  const has = theirs.apiUrl === null ? {} : apiUrl;
  return { "security-advisories": { metadata: theirs.metadata, ...has } };
}

function filter({ filter: theirs }: Root, base: string, mayBlock: boolean) {
  const given = theirs && {
    ...theirs.fields,
    ...(theirs.summaryUrl !== null && { "summary-url": `${base}/filter/summary.json` }),
    ...(theirs.apiUrl !== null && { "api-url": `${base}/filter` }),
  };
  if (mayBlock) return { filter: withOurList(given ?? undefined) };
  return given ? { filter: given } : {};
}
