// Our packages.json: the form of Composer 2, with our URLs for all that the upstream has.
// https://getcomposer.org/doc/05-repositories.md#packages
import type { Repository, Request } from "../../core/format.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { mirrorTemplate } from "./dist.ts";
import { rootRef } from "./documents.ts";
import { encodeJson, jsonReply, keepChanged } from "./exchange.ts";
import { listedNames } from "./lookup.ts";
import type { Root } from "./root.ts";

/**
 * Dated by its last change, wherever that came from: the upstream's document, our claims, or our own ways. Our address is left out of
 * that: Composer keeps one copy an address.
 */
export async function servePackages({ base }: Request, repository: Repository): Promise<Reply> {
  const { model: root, cache } = await repository.model<Root>(rootRef);
  const listed = await listedOf(root, repository);
  const lastModified = await keepChanged(
    repository,
    "packages.json",
    encodeJson(ourPackages(root, listed, "")),
  );
  return { ...jsonReply(ourPackages(root, listed, base), cache), lastModified };
}

/** The names that clients may ask for; null when the upstream does not list them, or its list cannot be had now. */
async function listedOf(root: Root, repository: Repository): Promise<string[] | null> {
  try {
    const listed = await listedNames(root, repository);
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
): Record<string, unknown> {
  const patterns = root.available?.patterns ?? [];
  return {
    ...root.notices,
    packages: [],
    "metadata-url": `${base}/p2/%package%.json`,
    ...(listed?.length && { "available-packages": listed }),
    ...(patterns.length > 0 && { "available-package-patterns": patterns }),
    mirrors: [{ "dist-url": mirrorTemplate(base), preferred: true }],
    "notify-batch": `${base}/downloads/`,
    ...(root.search !== null && { search: `${base}/search.json?q=%query%&type=%type%` }),
    ...(root.list !== null && { list: `${base}/list.json` }),
    ...(root.providers !== null && { "providers-api": `${base}/providers/%package%.json` }),
    ...advisories(root, base),
    ...filter(root, base),
  };
}

function advisories({ advisories: theirs }: Root, base: string) {
  if (!theirs) return {};
  const apiUrl = theirs.apiUrl === null ? {} : { "api-url": `${base}/api/security-advisories/` };
  return { "security-advisories": { metadata: theirs.metadata, ...apiUrl } };
}

function filter({ filter: theirs }: Root, base: string) {
  if (!theirs) return {};
  return {
    filter: {
      ...theirs.fields,
      ...(theirs.summaryUrl !== null && { "summary-url": `${base}/filter/summary.json` }),
      ...(theirs.apiUrl !== null && { "api-url": `${base}/filter` }),
    },
  };
}
