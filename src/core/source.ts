// Code hosts as sources: what a format may know of the code that a package's name leads to, and how it makes releases of it.
import type { Problem } from "./problem.ts";

/** The code hosts of one repository. Names that they cover are its own: never asked for upstream. */
export interface Sources {
  /**
   * The code that a package's name leads to, where it is covered by the `names` of a source; null where it is not. Names are matched from their
   * beginning, segment by segment: what comes behind the pattern is in the same code. Throws a Problem for callers who may not read the package.
   */
  for(packageName: string): CodeSource | null;
  /** Names that it covers, as patterns: see core/claims.ts. */
  readonly patterns: readonly string[];
  /** The roots (`CodeSource.root`) whose code was had at least once, of packages that the caller may read; sorted. */
  roots(): Promise<string[]>;
  /** Asks all code hosts whose code was had before whether anything is new: for who administers the repository. False where one could not be asked. */
  refresh(call: RefreshCall): Promise<boolean>;
}

/** See `OperationCall`. */
export interface RefreshCall {
  progress(done: number, total: number, note: string): void;
  say(line: string): void;
  signal: AbortSignal;
}

/**
 * One repository of a code host, and its mirror here. Only `refs`, the first time, and `refresh` ask the code host; all else reads the mirror,
 * and throws Problem("unreachable") where that has been lost. What it gives comes from strangers: names and paths may be anything.
 */
export interface CodeSource {
  /** The part of the name that leads to it: "git.example.com/team/lib" of "git.example.com/team/lib/sub/v2". */
  readonly root: string;
  /** Where the code host has it, without credentials. */
  readonly url: string;
  /** The folder of it that the name means, where a format's packages are folders; the empty string for all of it. */
  readonly folder: string;
  /**
   * All refs that were ever seen. The code is fetched first where it never was, for which the caller waits. Throws Problem("notFound") when the code host says
   * that there is no such repository, and Problem("offline" | "unreachable" | "refused" | "tooLarge") when it cannot be had.
   */
  refs(): Promise<SourceRefs>;
  /**
   * Asks the code host whether anything is new, for a client that wants what is not there. Collapsed, and not done where it has answered within `ageMs`, or a
   * moment ago. Resolves after a second at the latest: null when the code host has answered, else why it has not, to be thrown in place of a "not found".
   */
  refresh(ageMs?: number): Promise<Problem | null>;
  /** The whole id of a commit from one that is abbreviated to seven digits or more; null when there is none, or more than one. */
  expand(abbreviated: string): Promise<string | null>;
  /** Null when the mirror has no such commit. `id`: whole. */
  commit(id: string): Promise<Commit | null>;
  /** Tags (`SourceRef.name`) that are not gone, and whose commit is this one or one before it. */
  tagsBefore(commit: string): Promise<string[]>;
  /** All files below a folder (the empty string: of all), with their whole paths. */
  tree(commit: string, folder?: string): Promise<TreeEntry[]>;
  /** Bytes of one file as they are in Git, a link's target for a link. Null when it is none. Throws Problem("tooLarge"). */
  file(commit: string, path: string, limit: number): Promise<Uint8Array | null>;
  /**
   * Commits, each with one file as `file` gives it, in the order of `ids`: as many as there are for a few runs of git. Null where a commit is lost; `file` is
   * Problem("tooLarge") where it would be thrown.
   */
  commitsWith(
    ids: readonly string[],
    path: string,
    limit: number,
  ): Promise<({ commit: Commit; file: Uint8Array | Problem | null } | null)[]>;
  /**
   * A tar of a folder's files as `git archive` writes them with core.autocrlf=input and core.eol=lf: with the line ends that .gitattributes asks for. Nothing is
   * ever put in place of `$Format:…$`. `exportIgnore`: whether what .gitattributes marks so is left out.
   */
  archive(
    commit: string,
    how: { folder?: string; exportIgnore: boolean },
  ): AsyncIterable<Uint8Array>;
  /**
   * Sees to it that a file of a release is published, by the server itself: pinned, immutable, written down in the audit log, and independent of code
   * host and mirror from then on. `build` is called when it is not, once for all who ask at the same time; the file must be among those that it gives.
   * Throws Problem("notFound") for what was published before and removed by somebody: that is not made again.
   */
  publish(
    packageName: string,
    version: string,
    file: string,
    build: () => Promise<SourceRelease>,
  ): Promise<void>;
  /** Files of the package that were published and removed by somebody: not to be shown. */
  removed(packageName: string): Promise<ReadonlySet<string>>;
}

export interface SourceRefs {
  /** With those that are gone: what was released once stays. */
  tags: ReadonlyMap<string, SourceRef>;
  branches: ReadonlyMap<string, SourceRef>;
  /** The branch that the code host shows first; null when that is none. */
  head: string | null;
  /** Another one after each change of any of them. */
  revision: string;
}

export interface SourceRef {
  /** Without "refs/tags/" or "refs/heads/". */
  name: string;
  /** Whole id. Of a tag the first one that was seen, whatever the code host says since; of a branch the last one. */
  commit: string;
  /** The code host no longer has it. */
  isGone: boolean;
  /** Milliseconds since the epoch. */
  firstSeenAt: number;
}

export interface Commit {
  id: string;
  /** The committer's, in milliseconds since the epoch. Set by whoever committed. */
  time: number;
}

export interface TreeEntry {
  /** From the root, with what is not UTF-8 replaced. Never a path to write to. */
  path: string;
  /** `module`: a submodule, which is never fetched. */
  type: "file" | "executable" | "link" | "module";
  /** As in Git; 0 of a submodule. */
  size: number;
}

/** What a release is made of. See `Publication` for what the parts mean. */
export interface SourceRelease {
  metadata: unknown;
  files: {
    file: string;
    kind: string;
    purl: string;
    path: string;
    metadata: unknown;
    /** The metadata in place of that, where it tells of digests of the bytes: these, as `Upload.digests` has them. */
    described?: {
      digests: readonly string[];
      metadata(digests: Readonly<Record<string, string>>): unknown;
    };
    bytes: AsyncIterable<Uint8Array>;
    /** Bytes at most: Problem("tooLarge") past that. */
    limit: number;
  }[];
  state?(before: Record<string, unknown>): Record<string, unknown>;
}

/** One entry of `sources`, as the configuration has it. */
export interface SourceSettings {
  /** A pattern of names: "git.example.com/team/*". */
  names: string;
  /** A URL; `{1}` stands for what the first wildcard matched. */
  git: string;
  /** Of formats of which a package is a folder: which one. With `{1}` as `git` has it. */
  folder?: string;
  username?: string;
  password?: string;
  token?: string;
  /** PEM. */
  ca?: string;
  /** A URL, with user name and password in it. Of https alone. */
  proxy?: string;
  /** Absolute path of a private key without a passphrase. */
  sshKeyFile?: string;
  /** Lines of public keys, as `ssh-keyscan` writes them. */
  hostKeys?: string;
  /** Milliseconds. */
  everyMs: number;
  /** Most bytes of one mirror. */
  limit: number;
}

/** What a name leads to. */
export interface SourceMatch {
  root: string;
  url: string;
  /** The folder of the code that the name means; without it, all of it. */
  folder?: string;
  settings: SourceSettings;
}

/** What the wildcards of a name may have matched to stand in a URL: nothing that means something there, or to a disk. */
const PLAIN = /^(?!\.)(?!-)(?!.*\.\.)(?!.*\.(?:git|lock)$)[A-Za-z0-9._~-]+$/;

function segmentsOf(names: string): RegExp[] {
  return names
    .replace(/\/+$/, "")
    .split("/")
    .map((segment) => {
      const parts = segment.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
      return new RegExp(`^${parts.join("([^/]*)")}$`);
    });
}

/** Whether a name is the beginning of names that a pattern covers: clients that look for a package may ask for each part of its path. */
export function isAbove(names: string, name: string): boolean {
  const patterns = segmentsOf(names);
  const segments = name.split("/");
  return (
    segments.length < patterns.length &&
    segments.every((segment, at) => patterns[at]!.test(segment))
  );
}

/** A matcher for one pattern; null for a name that it does not cover. A star stands for text of one segment. */
export function sourceMatcher(settings: SourceSettings): (name: string) => SourceMatch | null {
  const patterns = segmentsOf(settings.names);
  return (name) => {
    const segments = name.split("/");
    if (segments.length < patterns.length) return null;
    const matched: string[] = [];
    for (const [at, pattern] of patterns.entries()) {
      const found = pattern.exec(segments[at]!);
      if (!found) return null;
      matched.push(...found.slice(1));
    }
    if (!matched.every((text) => PLAIN.test(text))) return null;
    const fill = (template: string) =>
      template.replace(/\{(\d+)\}/g, (_, at: string) => matched[Number(at) - 1] ?? "");
    const root = segments.slice(0, patterns.length).join("/");
    const folder = settings.folder && { folder: fill(settings.folder) };
    return { root, url: fill(settings.git), ...folder, settings };
  };
}

/** How many values a pattern gives to the URL. */
export function wildcardsOf(names: string): number {
  return names.split("*").length - 1;
}

/** Null when the URL is one that git may be given, else what is wrong with it. */
export function refuseUrl(text: string): string | null {
  const url = URL.parse(text);
  if (!url || /[\s\0-\x1f\x7f]/.test(text))
    return "expected a URL, like https://git.example.com/team/lib.git";
  if (!["https:", "ssh:", "file:"].includes(url.protocol))
    return "expected an https:// or ssh:// URL: git speaks no other protocol here";
  if (url.protocol === "https:" && (url.username || url.password))
    return "has credentials in it: they belong into username and passwordFile, or tokenFile";
  if (url.password) return "has a password in it: a host is logged in to with sshKeyFile";
  if (url.search || url.hash) return "must have no query and no fragment";
  if (url.protocol !== "file:" && !/^[A-Za-z0-9[]/.test(url.hostname)) return "names no host";
  return null;
}
