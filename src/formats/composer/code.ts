// Versions of a package that is made from code: tags and branches, as Composer itself makes versions of them.
// composer/composer, Repository/VcsRepository
import { createHash } from "node:crypto";
import { encodeJson } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Repository } from "../../core/repository.ts";
import type { CodeSource, SourceRef } from "../../core/source.ts";
import { parseObject } from "./asking.ts";
import { MANIFEST_LIMIT, type Manifest, readManifest } from "./manifest.ts";
import { normalizeBranch, normalizeVersion } from "./normalize.ts";

/** A tag or a branch with a composer.json that can be used. */
export interface CodeVersion {
  version: string;
  normalized: string;
  commit: string;
  /** Of the commit: ISO 8601. */
  time: string;
  manifest: Manifest;
  isDefaultBranch: boolean;
}

/** What is needed of a commit. It never changes, and is kept. */
export type CodeCommit = { time: string } & ({ manifest: Manifest } | { why: string });

/** Commits that are read together: a few runs of git. */
const AT_ONCE = 500;
/** Of tags and of branches. */
const MOST = 10_000;
const DEV_END = /[.-]?dev$/i;

/** Of all refs that were ever seen. Throws Problem("notFound") where the code is another package's. */
export async function readCode(
  name: string,
  source: CodeSource,
  repository: Repository,
): Promise<CodeVersion[]> {
  const { tags, branches, head } = await source.refs();
  if (tags.size + branches.size > MOST)
    throw new Problem("tooLarge", `${source.url} has more than ${MOST} tags and branches`);
  const root = head === null ? undefined : branches.get(head);
  const rootName = root ? nameOf(await readCommit(name, root.commit, source, repository)) : null;
  if (rootName !== null && rootName !== name)
    throw new Problem(
      "notFound",
      `The code at ${placeOf(source)} is ${rootName} by the composer.json of its branch ${head}, and not ${name}`,
    );
  const wanted = [...releasesOf(tags.values()), ...branchesOf(branches.values())];
  const commits = await readCommits(
    name,
    wanted.map(({ ref }) => ref.commit),
    source,
    repository,
  );
  const found = wanted.map(({ ref, ...one }) => {
    const commit = commits.get(ref.commit)!;
    if (!("manifest" in commit)) return null;
    // An old name is no other package: that of the branch that is shown first is everybody's.
    if (rootName === null && commit.manifest.name !== name) return null;
    const isDefaultBranch = ref === root;
    return versionOf(one, { ...commit, commit: ref.commit, isDefaultBranch });
  });
  return found.filter((one) => one !== null);
}

export function placeOf({ url, folder }: CodeSource): string {
  return folder === "" ? url : `${url} (${folder})`;
}

function nameOf(commit: CodeCommit): string | null {
  return "manifest" in commit ? commit.manifest.name : null;
}

interface Named {
  version: string;
  normalized: string;
}

/** Two tags that are one version are that which was seen first, so that it stays. */
function releasesOf(tags: Iterable<SourceRef>): (Named & { ref: SourceRef })[] {
  const order = [...tags].sort(
    (a, b) => a.firstSeenAt - b.firstSeenAt || (a.name < b.name ? -1 : 1),
  );
  const found = new Map<string, Named & { ref: SourceRef }>();
  for (const ref of order) {
    const named = versionOfTag(ref.name);
    if (named && !found.has(named.normalized)) found.set(named.normalized, { ...named, ref });
  }
  return [...found.values()];
}

/** Null for a tag that is no version, or that of a branch. */
export function versionOfTag(tag: string): Named | null {
  const version = tag.replaceAll("release-", "");
  const normalized = normalizeVersion(version);
  if (normalized === null || normalized.startsWith("dev-") || DEV_END.test(normalized)) return null;
  return { version: version.trim(), normalized };
}

function branchesOf(branches: Iterable<SourceRef>): (Named & { ref: SourceRef })[] {
  return [...branches].flatMap((ref) => {
    const named = versionOfBranch(ref.name);
    return named ? [{ ...named, ref }] : [];
  });
}

/** `main` is `dev-main`, `v2.x` is `v2.x-dev`. Null for a name that no constraint could ask for. */
export function versionOfBranch(branch: string): Named | null {
  const normalized = normalizeBranch(branch);
  if (normalized === null) return null;
  if (normalized.startsWith("dev-")) return { version: `dev-${branch}`, normalized };
  const numbers = normalized.replace(/(\.9999999)+/, ".x");
  return { version: `${branch.startsWith("v") ? "v" : ""}${numbers}`, normalized };
}

/** Null where the composer.json of a tag says another version than the tag. */
function versionOf(
  { version, normalized }: Named,
  more: Omit<CodeVersion, "version" | "normalized">,
): CodeVersion | null {
  const { version: told } = more.manifest;
  if (told === null || normalized.startsWith("dev-") || DEV_END.test(normalized))
    return { version, normalized, ...more };
  const own = normalizeVersion(told)?.replace(DEV_END, "");
  return own === normalized ? { version: told.replace(DEV_END, ""), normalized, ...more } : null;
}

export async function readCommit(
  name: string,
  id: string,
  source: CodeSource,
  repository: Repository,
): Promise<CodeCommit> {
  return (await readCommits(name, [id], source, repository)).get(id)!;
}

/** A composer.json that cannot be used is told once, and takes nothing with it but its own version. */
async function readCommits(
  name: string,
  ids: readonly string[],
  source: CodeSource,
  repository: Repository,
): Promise<Map<string, CodeCommit>> {
  const found = new Map<string, CodeCommit>();
  const place = createHash("sha256").update(`${source.url}\0${source.folder}`).digest("hex");
  const keyOf = (id: string) => `code/${place}/${id}`;
  const all = [...new Set(ids)];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const unknown: string[] = [];
    for (const id of all.slice(at, at + AT_ONCE)) {
      const kept = await repository.kept(keyOf(id));
      const before = kept && parseObject(kept.bytes);
      if (before) found.set(id, before as unknown as CodeCommit);
      else unknown.push(id);
    }
    if (unknown.length === 0) continue;
    const path = pathIn(source, "composer.json");
    const read = await source.commitsWith(unknown, path, MANIFEST_LIMIT);
    const keeping = unknown.map((id, nth) => {
      const made = madeOf(id, read[nth]!, source);
      found.set(id, made);
      if ("why" in made)
        repository.report({
          kind: "skipped",
          package: name,
          version: id,
          message: `Commit ${id} of ${placeOf(source)} is no version of ${name}: ${made.why}`,
        });
      return repository.keep(keyOf(id), encodeJson(made), { evictable: true });
    });
    await Promise.all(keeping);
  }
  return found;
}

function madeOf(
  id: string,
  read: Awaited<ReturnType<CodeSource["commitsWith"]>>[number],
  source: CodeSource,
): CodeCommit {
  if (!read)
    throw new Problem("unreachable", `The mirror of ${source.url} has lost the commit ${id}`);
  const { commit, file } = read;
  const time = new Date(commit.time).toISOString().replace(/\.\d+Z$/, "+00:00");
  if (file === null) return { time, why: "it has no composer.json" };
  if (file instanceof Problem) return { time, why: file.message };
  try {
    return { time, manifest: readManifest(file) };
  } catch (error) {
    if (error instanceof Problem && (error.kind === "malformed" || error.kind === "tooLarge"))
      return { time, why: error.message };
    throw error;
  }
}

export function pathIn({ folder }: CodeSource, path: string): string {
  return folder === "" ? path : `${folder}/${path}`;
}
