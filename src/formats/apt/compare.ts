// Compares two generations of an index: packages whose bytes changed under the same version, paths that hold another version, and files that
// are new.
import { own, utf8 } from "../../archive/control.ts";
import type { TaskInput } from "../../core/task.ts";
import { type NamedFile, namedFiles } from "./stanzas.ts";

export interface ChangedFile {
  path: string;
  package: string;
  version: string;
  architecture: string;
  /** Digests as in lookup files: a SHA-256 in hexadecimal, or an integrity. */
  before: string[];
  after: string[];
}

/** A file at a path that the older index does not name, or names as another release's. */
export interface NewFile {
  path: string;
  package: string;
  version: string;
  /** As `ChangedFile.before`. */
  digest: string;
}

export interface Comparison {
  /** Other bytes of the same release. At most as many as were asked for. */
  changed: ChangedFile[];
  /** How many changed in all. */
  total: number;
  /** Another release's bytes at a path that was there. At most 100,000. */
  updated: NewFile[];
  /** At most 100,000. */
  added: NewFile[];
  /** There are more added or updated ones. */
  truncated: boolean;
}

export interface CompareOptions {
  /** Paths of the two indices as their Release files name them. Null when there is no older one: then all files are added. */
  old: string | null;
  new: string;
  /** See IndexOptions. */
  folder: string;
  /** By path, as in the result, digests that were let take the place of others: these are not told again. */
  accepted?: Record<string, string>;
  /** Most changed files told one by one; 1000 unless told. */
  limit?: number;
}

const CHANGED_LIMIT = 1000;
const NEW_LIMIT = 100_000;

/**
 * Task: what the last index says otherwise than the one before. A release is a (package, version, architecture): changed is a file of which the
 * same path and release had only other digests, and one of a release that had only others, wherever it stands. The same path with another
 * release is an update. One index after the other is read, never both (see decompress.ts).
 */
export async function compare({ options, files }: TaskInput): Promise<Comparison> {
  const { old, new: newer, folder, limit = CHANGED_LIMIT } = options as CompareOptions;
  const accepted = new Map(Object.entries((options as CompareOptions).accepted ?? {}));
  const paths = new Known((file) => file.path);
  const places = new Known((file) => `${file.path}\t${releaseOf(file)}`);
  const releases = new Known(releaseOf);
  if (old !== null)
    for await (const group of namedFiles(files[0]!.chunks(), { index: old, folder }))
      for (const file of group) for (const known of [paths, places, releases]) known.add(file);
  const added = new Map<string, NewFile>();
  const latest = new Map<string, NewFile>();
  let truncated = false;
  const note = (list: Map<string, NewFile>, file: NamedFile) => {
    if (list.size < NEW_LIMIT || list.has(file.path)) list.set(own(file.path), newFile(file));
    else truncated = true;
  };
  for await (const group of namedFiles(files.at(-1)!.chunks(), { index: newer, folder })) {
    for (const file of group) {
      if (!paths.compare(file)) note(added, file);
      else if (!places.compare(file)) note(latest, file);
      releases.compare(file);
    }
  }
  const changed = new Map<string, ChangedFile>();
  for (const file of [...places.changed(), ...releases.changed()])
    if (!changed.has(file.path) && !file.after.includes(accepted.get(file.path) ?? ""))
      changed.set(file.path, file);
  const updated = [...paths.changed()].flatMap(({ path }) => {
    const file = latest.get(Buffer.from(path).toString("latin1"));
    return file && !changed.has(path) && accepted.get(path) !== file.digest ? [file] : [];
  });
  return {
    changed: [...changed.values()].slice(0, limit),
    total: changed.size,
    updated,
    added: [...added.values()],
    truncated,
  };
}

function releaseOf(file: NamedFile): string {
  return `${file.package}\t${file.version}\t${file.architecture}`;
}

function newFile({ path, package: name, version, digest }: NamedFile): NewFile {
  const text = (latin1: string) => utf8(own(latin1));
  return { path: text(path), package: text(name), version: text(version), digest: own(digest) };
}

/** The digests that something had, and those that it has now as long as none agrees. */
class Known {
  readonly #keyOf: (file: NamedFile) => string;
  /** Digests with a space between; null once one agreed. */
  readonly #before = new Map<string, string | null>();
  readonly #after = new Map<string, ChangedFile>();

  constructor(keyOf: (file: NamedFile) => string) {
    this.#keyOf = keyOf;
  }

  add(file: NamedFile): void {
    const key = this.#keyOf(file);
    const before = this.#before.get(key);
    if (before?.split(" ").includes(file.digest)) return;
    this.#before.set(own(key), before ? `${before} ${file.digest}` : own(file.digest));
  }

  /** False when it was not known before. */
  compare(file: NamedFile): boolean {
    const key = this.#keyOf(file);
    const before = this.#before.get(key);
    if (before === undefined) return false;
    if (before === null) return true;
    const digests = before.split(" ");
    if (digests.some((digest) => agrees(digest, file.digest))) {
      this.#before.set(key, null);
      this.#after.delete(key);
      return true;
    }
    const after = this.#after.get(key);
    if (after) after.after.push(own(file.digest));
    else
      this.#after.set(own(key), {
        path: utf8(own(file.path)),
        package: utf8(own(file.package)),
        version: utf8(own(file.version)),
        architecture: utf8(own(file.architecture)),
        before: digests,
        after: [own(file.digest)],
      });
    return true;
  }

  changed(): Iterable<ChangedFile> {
    return this.#after.values();
  }
}

/** The same, or by algorithms that cannot be compared: an index that gains a stronger hash changes nothing. */
function agrees(a: string, b: string): boolean {
  return a === b || algorithmOf(a) !== algorithmOf(b);
}

function algorithmOf(digest: string): string {
  return digest.length === 64 && !digest.includes("-") ? "sha256" : digest.split("-", 1)[0]!;
}
