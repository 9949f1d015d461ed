// Which version a revision of some code is, and which files it has, as the go command finds them (cmd/go/internal/modfetch).
// https://go.dev/ref/mod#vcs
import { Problem } from "../../../core/problem.ts";
import type { CodeSource, Commit, SourceRef, SourceRefs } from "../../../core/source.ts";
import { canonical, compareVersions, isPrerelease, isPseudo } from "../version.ts";
import { legacyMod, MOD_LIMIT, modulePathIn, retractedBy } from "./mod-file.ts";
import { fitsMajor, type ModulePlace, splitMajor } from "./paths.ts";
import { pseudoVersion, readPseudo, timestamp } from "./pseudo.ts";

/** A commit, and how it was found. */
interface Found extends Commit {
  short: string;
  /** The tag that was asked for; null for a branch or a commit. */
  tag: string | null;
  ref: string | null;
}

/** A version of a module, and where it is. */
export interface Revision {
  version: string;
  commit: Commit;
  /** "refs/tags/v1.0.0", where it was found by that. */
  ref: string | null;
  /** The folder that holds its go.mod. */
  folder: string;
  mod: Uint8Array;
}

export interface Revisions {
  /** Of its tags, ascending. */
  versions(): Promise<string[]>;
  /** A version. Throws Problem("notFound"). */
  version(version: string): Promise<Revision>;
  /** A branch, a tag, a commit. Throws Problem("notFound"). */
  query(rev: string): Promise<Revision>;
  /** What the code host shows first. Throws Problem("notFound"). */
  head(): Promise<Revision>;
}

const INCOMPATIBLE = "+incompatible";
const ABBREVIATED = 12;

/** On what `refs` tells: a snapshot. */
export function createRevisions(
  source: CodeSource,
  refs: SourceRefs,
  place: ModulePlace,
): Revisions {
  const { module, folder, tagPrefix, major } = place;
  const known = [...refs.tags.values()].filter(({ isGone }) => !isGone);

  function no(why: string): Problem {
    return new Problem("notFound", `${module}: ${why}`, { rule: "sources" });
  }

  /** A go.mod is looked at for each tag that may be the one. */
  const files = new Map<string, Promise<string | null>>();
  function read(commit: string, path: string): Promise<string | null> {
    const key = `${commit}:${path}`;
    const known = files.get(key);
    if (known) return known;
    const file = source
      .file(commit, path, MOD_LIMIT)
      .then((bytes) => bytes && Buffer.from(bytes).toString("utf8"));
    files.set(key, file);
    return file;
  }

  async function found(commit: string, ref: Pick<Found, "tag" | "ref">): Promise<Found> {
    const at = await source.commit(commit);
    if (!at)
      throw new Problem("unreachable", `The mirror of ${source.url} has no commit ${commit}`);
    return { ...at, ...ref, short: at.id.slice(0, ABBREVIATED) };
  }

  /** As gitRepo.stat: a commit's digits go before tags, and tags before branches. */
  async function stat(rev: string): Promise<Found> {
    const isHex = /^[0-9a-f]{7,64}$/.test(rev);
    const id = isHex ? await source.expand(rev) : null;
    if (id) return found(id, { tag: null, ref: null });
    const tag = refs.tags.get(rev);
    if (tag) return found(tag.commit, { tag: rev, ref: `refs/tags/${rev}` });
    const branch = rev === "HEAD" ? headBranch() : refs.branches.get(rev);
    if (branch && !branch.isGone)
      return found(branch.commit, { tag: null, ref: `refs/heads/${branch.name}` });
    throw no(`there is no revision ${rev} in ${source.url}`);
  }

  function headBranch(): SourceRef | undefined {
    return refs.head === null ? undefined : refs.branches.get(refs.head);
  }

  /** The tag, branch or commit of a version. */
  function revOf(version: string): string {
    const pseudo = readPseudo(version);
    if (pseudo) return pseudo.id;
    return tagPrefix + version.replace(INCOMPATIBLE, "");
  }

  async function versions(): Promise<string[]> {
    const list: string[] = [];
    const incompatible: string[] = [];
    for (const { name } of known) {
      const version = name.slice(tagPrefix.length);
      if (!name.startsWith(tagPrefix) || canonical(version) !== version || isPseudo(version))
        continue;
      if (version.endsWith(INCOMPATIBLE)) continue;
      if (fitsMajor(version, major)) list.push(version);
      else if (folder === "" && major === "" && !/^v[01]\./.test(version))
        incompatible.push(version);
    }
    list.sort(compareVersions);
    incompatible.sort(compareVersions);
    return [...list, ...(await allowed(list.at(-1), incompatible))];
  }

  /** Of old versions without a go.mod, those that the go command still lists. */
  async function allowed(last: string | undefined, incompatible: string[]): Promise<string[]> {
    if (incompatible.length === 0) return [];
    const hasMod = async (version: string) =>
      (await read(refs.tags.get(version)!.commit, "go.mod")) !== null;
    if (last !== undefined && (await hasMod(last))) return [];
    const newest = new Map<string, string>();
    for (const version of incompatible) newest.set(version.split(".", 1)[0]!, version);
    const shut = new Set<string>();
    for (const [own, version] of newest) if (await hasMod(version)) shut.add(own);
    return incompatible
      .filter((version) => !shut.has(version.split(".", 1)[0]!))
      .map((version) => version + INCOMPATIBLE);
  }

  /** Where the go.mod of this module is at a commit; throws where that is another module's. */
  async function locate(commit: string): Promise<{ folder: string; mod: string | null }> {
    const outer = await read(commit, `${tagPrefix}go.mod`);
    const isOuter = outer !== null && (isOfMajor(outer) || isOddRename(outer));
    if (major !== "" && !place.isRoot) {
      const below = tagPrefix + major.slice(1);
      const inner = await read(commit, `${below}/go.mod`);
      if (inner !== null) {
        if (!isOfMajor(inner))
          throw no(`${below}/go.mod is of the module ${modulePathIn(inner) || "without a name"}`);
        if (isOuter) throw no(`both ${tagPrefix}go.mod and ${below}/go.mod are of ${major}`);
        return { folder: below, mod: inner };
      }
    }
    if (isOuter) return { folder, mod: outer };
    if (outer !== null)
      throw no(
        `${tagPrefix}go.mod is of the module ${modulePathIn(outer) || "without a name"}, which is not of this major version`,
      );
    if (folder === "" && major === "") return { folder, mod: null };
    throw no(
      `there is no ${tagPrefix}go.mod${major ? ` and no ${tagPrefix}${major.slice(1)}/go.mod` : ""}`,
    );
  }

  function isOfMajor(mod: string): boolean {
    const path = modulePathIn(mod);
    const own = path === "" ? null : splitOwn(path);
    if (own === null) return false;
    return major === "" ? ["", ".v0", ".v1"].includes(own) : own.slice(1) === major.slice(1);
  }

  function isOddRename(mod: string): boolean {
    return major === "" && modulePathIn(mod).startsWith("gopkg.in/");
  }

  async function revision(version: string, at: Found): Promise<Revision> {
    const { folder: where, mod } = await locate(at.id);
    const { id, time, ref } = at;
    return {
      version,
      commit: { id, time },
      ref,
      folder: where,
      mod: Buffer.from(mod ?? legacyMod(module)),
    };
  }

  /** Whether `version` of this commit may have "+incompatible" behind it. */
  async function mayBeIncompatible(at: Found, version: string, asked: string): Promise<boolean> {
    if (folder !== "" || major !== "") return false;
    if ((await read(at.id, "go.mod")) !== null) return false;
    if (version === "" || asked.endsWith(INCOMPATIBLE)) return true;
    return (await read(at.id, `${version.split(".", 1)[0]}/go.mod`)) === null;
  }

  async function checked(at: Found, found: string, asked: string): Promise<Revision> {
    let version = found === asked.replace(INCOMPATIBLE, "") ? asked : found;
    const base = version.replace(INCOMPATIBLE, "");
    await locate(at.id);
    let wrong: Problem | null = null;
    if (!fitsMajor(base, major)) {
      if (await mayBeIncompatible(at, base, asked)) version = base + INCOMPATIBLE;
      else
        wrong = no(`${version} does not fit the module's path: it must end in the major version`);
    } else if (version.endsWith(INCOMPATIBLE))
      wrong = no(`${version}: its major version is compatible, so that it has no +incompatible`);
    if (canonical(asked) === asked && asked.replace(INCOMPATIBLE, "") !== base)
      throw no(`${asked} resolves to ${version}: there is no such tag`);
    if (wrong) throw wrong;
    return revision(version, at);
  }

  /** As codeRepo.convert: which version a commit is, by its tags and those before it. */
  async function convert(at: Found, asked: string): Promise<Revision> {
    if (isPseudo(asked)) {
      const made = await checked(at, asked, asked);
      await validate(at, asked);
      return made;
    }
    const isRetracted = await retracted();
    const read = (tag: string): { version: string; isCanonical: boolean } | null => {
      if (!tag.startsWith(tagPrefix) || isPseudo(tag)) return null;
      const trimmed = tag.slice(tagPrefix.length);
      const version = canonical(trimmed)?.replace(INCOMPATIBLE, "") ?? null;
      if (version === null || !trimmed.startsWith(version)) return null;
      return { version, isCanonical: version === trimmed };
    };
    const named = at.tag === null ? null : read(at.tag);
    if (named?.isCanonical) {
      try {
        return await checked(at, named.version, asked);
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
      }
    }
    let highest: string | null = null;
    let older = "";
    for (const { name, commit } of known) {
      if (commit !== at.id) continue;
      const tag = read(name);
      if (!tag) continue;
      if (canonical(asked) !== null && compareVersions(tag.version, asked) === 0) {
        if (tag.isCanonical) return checked(at, tag.version, asked);
        older = tag.version;
      }
      const isHigher = highest === null || compareVersions(highest, tag.version) < 0;
      if (!tag.isCanonical || !isHigher || isRetracted(tag.version)) continue;
      if (fitsMajor(tag.version, major) || (await mayBeIncompatible(at, tag.version, asked)))
        highest = tag.version;
    }
    if (highest !== null) return checked(at, highest, asked);
    if (older === "") older = await recentTag(at, asked, isRetracted, read);
    return checked(at, pseudoVersion(major.slice(1), older, at.time, at.short), asked);
  }

  async function recentTag(
    at: Found,
    asked: string,
    isRetracted: (version: string) => boolean,
    read: (tag: string) => { version: string } | null,
  ): Promise<string> {
    let recent = "";
    for (const name of await source.tagsBefore(at.id)) {
      const tag = read(name);
      if (!tag || isRetracted(tag.version)) continue;
      if (!fitsMajor(tag.version, major) && !(await mayBeIncompatible(at, tag.version, asked)))
        continue;
      if (recent === "" || compareVersions(recent, tag.version) < 0) recent = tag.version;
    }
    return recent;
  }

  /** By the go.mod of the highest version. */
  async function retracted(): Promise<(version: string) => boolean> {
    const all = (await versions()).filter((version) => !version.endsWith(INCOMPATIBLE));
    const highest = all.findLast((version) => !isPrerelease(version)) ?? all.at(-1);
    if (highest === undefined) return () => false;
    try {
      const { mod } = await locate(refs.tags.get(tagPrefix + highest)!.commit);
      return retractedBy(mod ?? "");
    } catch (error) {
      if (error instanceof Problem && error.kind === "notFound") return () => false;
      throw error;
    }
  }

  /** That a pseudo-version says the truth about its commit: else one commit would have many names, and a false one the highest. */
  async function validate(at: Found, version: string): Promise<void> {
    const wrong = (why: string) => no(`${version} is no version of the commit ${at.short}: ${why}`);
    const pseudo = readPseudo(version)!;
    if (pseudo.id !== at.short) throw wrong("twelve digits of it are needed");
    if (pseudo.time !== timestamp(at.time)) throw wrong(`its time is ${timestamp(at.time)}`);
    const { base } = pseudo;
    if (base === null) throw wrong("no version can come before it");
    if (base === "") {
      if (major === "" && version.startsWith("v1.")) throw wrong("without an earlier tag it is v0");
      return;
    }
    const tags = [...refs.tags.values()].filter(
      ({ name }) =>
        name.startsWith(tagPrefix) &&
        canonical(name.slice(tagPrefix.length)) !== null &&
        compareVersions(name.slice(tagPrefix.length), base) === 0,
    );
    if (tags.some(({ name, commit }) => commit === at.id && name === tagPrefix + base))
      throw wrong(`it is ${base} itself`);
    if (tags.length === 0) throw wrong(`there is no tag ${base}`);
    const before = new Set(await source.tagsBefore(at.id));
    if (!tags.some(({ name }) => before.has(name))) throw wrong(`${base} does not come before it`);
  }

  return {
    versions,
    async version(version) {
      return convert(await stat(revOf(version)), version);
    },
    async query(rev) {
      return convert(await stat(canonical(rev) === null ? rev : revOf(rev)), rev);
    },
    async head() {
      const branch = headBranch();
      if (!branch || branch.isGone) throw no(`${source.url} has no branch that it shows first`);
      return convert(await found(branch.commit, { tag: null, ref: "HEAD" }), "");
    },
  };
}

/** The major version of a path in a go.mod, with what stands before it: "/v2", ".v2"; null for what is none. */
function splitOwn(path: string): string | null {
  const dotted = path.startsWith("gopkg.in/") ? /(\.v(0|[1-9]\d*))(-unstable)?$/.exec(path) : null;
  if (path.startsWith("gopkg.in/")) return dotted ? dotted[1]! : null;
  return splitMajor(path)?.major ?? null;
}
