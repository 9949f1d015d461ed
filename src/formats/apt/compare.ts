// Compares two generations of an index: files whose bytes changed under the same name, and files that are new.
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

export interface AddedFile {
  path: string;
  package: string;
  /** As `before`. */
  sha256: string;
}

export interface Changes {
  /** At most as many as were asked for. */
  changed: ChangedFile[];
  /** How many changed in all. */
  total: number;
  /** At most 100,000. */
  added: AddedFile[];
  /** There are more added ones. */
  truncated: boolean;
}

export interface ChangesOptions {
  /** Paths of the two indices as their Release files name them. */
  old: string;
  new: string;
  /** See IndexOptions. */
  folder: string;
  /** By path, as in the result, digests that were let take the place of others: these are not told again. */
  accepted?: Record<string, string>;
  /** Most changed files told one by one; 1000 unless told. */
  limit?: number;
}

const CHANGED_LIMIT = 1000;
const ADDED_LIMIT = 100_000;

/**
 * Task: what the second index says otherwise than the first. Changed is a file whose path had only other digests, and a file of a
 * (package, version, architecture) that had only others. One index after the other is read, never both (see decompress.ts).
 */
export async function changes({ options, files }: TaskInput): Promise<Changes> {
  const { old, new: newer, folder, limit = CHANGED_LIMIT } = options as ChangesOptions;
  const accepted = new Map(Object.entries((options as ChangesOptions).accepted ?? {}));
  const paths = new Known((file) => file.path);
  const releases = new Known((file) => `${file.package}\t${file.version}\t${file.architecture}`);
  for await (const group of namedFiles(files[0]!.chunks(), { index: old, folder })) {
    for (const file of group) {
      paths.add(file);
      releases.add(file);
    }
  }
  const added = new Map<string, AddedFile>();
  let truncated = false;
  for await (const group of namedFiles(files[1]!.chunks(), { index: newer, folder })) {
    for (const file of group) {
      if (!paths.compare(file)) {
        if (added.size < ADDED_LIMIT || added.has(file.path))
          added.set(own(file.path), addedFile(file));
        else truncated = true;
      }
      releases.compare(file);
    }
  }
  const changed = new Map<string, ChangedFile>();
  for (const file of [...paths.changed(), ...releases.changed()])
    if (!changed.has(file.path) && !file.after.includes(accepted.get(file.path) ?? ""))
      changed.set(file.path, file);
  return {
    changed: [...changed.values()].slice(0, limit),
    total: changed.size,
    added: [...added.values()],
    truncated,
  };
}

function addedFile({ path, package: name, digest }: NamedFile): AddedFile {
  return { path: utf8(own(path)), package: utf8(own(name)), sha256: own(digest) };
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
