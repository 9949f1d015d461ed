// What a project's lock file asks for: so that it can be told before the cable is cut whether all of it is here.
import { Problem } from "./problem.ts";

/** One release that a lock file names. */
export interface LockedRelease {
  /** As the format spells it. */
  package: string;
  version: string;
  /** All of these files are needed, by their names in the catalog; empty: any file of the release will do that has one of the digests. */
  files: readonly string[];
  /** SHA-256 in hexadecimal, of which a file has to have one; empty: any. */
  sha256: readonly string[];
}

export interface Lock {
  releases: LockedRelease[];
  /** What it names that comes from no repository of this format: a folder, a code host. */
  elsewhere: { name: string; why: string }[];
}

/** How a format reads its lock files. Pure. */
export interface LockFormat {
  /** What people call it: "package-lock.json". */
  readonly name: string;
  /** Throws Problem("badRequest") that says what is wrong, and where. */
  read(text: string): Lock;
  /** Inside a repository, as a client asks: what names a release's files; null where files need no document. */
  documentPath(release: LockedRelease): string | null;
  /** What names all files of a package, as a client asks for it. */
  indexPath(packageName: string): string;
  /** Of which version a file is, where its path is told by that. */
  versionOf?(file: string): string;
  /** Of one file of a release. */
  filePath(release: LockedRelease, file: string): string;
  /**
   * Of the files that are known of a release, those to be had where the lock names none: what one machine would fetch cannot be told. All of them without
   * it.
   */
  choose?(files: readonly string[]): readonly string[];
}

/** Of a whole lock file. */
export const LOCK_BYTES = 32 * 1024 * 1024;
/** The largest projects have some thousand. */
export const LOCK_RELEASES = 20_000;

/** Throws Problem("tooLarge") where it names more than any project does. */
export function lockOf(releases: Iterable<LockedRelease>, elsewhere: Lock["elsewhere"]): Lock {
  const found = new Map<string, LockedRelease>();
  for (const one of releases) {
    const key = `${one.package}\0${one.version}`;
    const known = found.get(key);
    if (known) {
      const files = [...new Set([...known.files, ...one.files])];
      found.set(key, { ...known, files, sha256: [...new Set([...known.sha256, ...one.sha256])] });
    } else found.set(key, one);
    if (found.size > LOCK_RELEASES)
      throw new Problem("tooLarge", `A lock file names ${LOCK_RELEASES} releases at most`);
  }
  const sorted = [...found.values()].sort((a, b) =>
    a.package === b.package ? (a.version < b.version ? -1 : 1) : a.package < b.package ? -1 : 1,
  );
  return { releases: sorted, elsewhere };
}

export function wrongLock(name: string, what: string): Problem {
  return new Problem("badRequest", `This is no ${name} that can be read: ${what}`);
}
