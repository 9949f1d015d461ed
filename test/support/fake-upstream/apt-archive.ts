// One fake Debian archive: suites in generations, a pool, by-hash folders, and what a careless or evil operator does to them.

import { algorithmOf, type Indices, indices, releaseText, type Shape } from "./apt-indices.ts";
import type { AptKeys } from "./apt-keys.ts";
import { type AptPackage, type AptSource, type Built, build, hex } from "./apt-packages.ts";

export interface ArchiveLayout
  extends Pick<Shape, "isFlat" | "components" | "architectures" | "isRich" | "hashes" | "byHash"> {
  /** "stable", "stable/updates"; of a flat archive its folders, "." for the root. */
  suites: string[];
  /** Whether it has InRelease, or only Release with Release.gpg, or all three. */
  signed: "inline" | "detached" | "both";
  /** By suite, the extensions that its Packages come in. */
  forms?: Record<string, string[]>;
}

interface Generation extends Indices {
  date: Date;
  release: string;
  inRelease: string;
  signature: string;
}

interface Suite {
  name: string;
  shape: Shape;
  packages: Built[];
  sources: AptSource[];
  /** Oldest first; by-hash answers for all of them. */
  generations: Generation[];
  current: Generation | null;
  signed: ArchiveLayout["signed"];
  /** What comes into service after a request that fits was answered. */
  switches: { pattern: RegExp; next: Generation }[];
}

export interface RenewOptions {
  validUntil?: Date;
  /** Of the Release; an hour after the one before unless told. */
  date?: Date;
  isForged?: boolean;
  /** A line in the release that is no field, and a broken stanza. */
  isOdd?: boolean;
  /** MD5 only, and no date. */
  isWeak?: boolean;
}

export interface Held {
  bytes: Uint8Array;
  modified: Date;
}

/** Each generation is an hour younger than the one before. */
const FIRST = Date.UTC(2024, 5, 1, 12);
const HOUR = 3_600_000;

export class FakeArchive {
  readonly layout: ArchiveLayout;
  readonly #keys: AptKeys;
  readonly #suites = new Map<string, Suite>();
  readonly #pool = new Map<string, Held>();

  constructor(layout: ArchiveLayout, keys: AptKeys) {
    this.layout = layout;
    this.#keys = keys;
    for (const name of layout.suites) {
      const folder = layout.isFlat ? (name === "." ? "" : `${name}/`) : `dists/${name}/`;
      this.#suites.set(name, {
        name,
        shape: shapeOf(layout, name, folder),
        packages: [],
        sources: [],
        generations: [],
        current: null,
        signed: layout.signed,
        switches: [],
      });
    }
  }

  /** Another one that begins where this one stands. */
  copy(): FakeArchive {
    const other = new FakeArchive(this.layout, this.#keys);
    for (const [path, held] of this.#pool) other.#pool.set(path, held);
    for (const [name, suite] of this.#suites)
      other.#suites.set(name, {
        ...suite,
        packages: [...suite.packages],
        sources: [...suite.sources],
        generations: [...suite.generations],
        switches: [],
      });
    return other;
  }

  /** Without a new generation: see `renew`. */
  add(suite: string, item: AptPackage): Built {
    const { packages, shape } = this.#suite(suite);
    const made = build(item, shape.isFlat ? shape.folder : null);
    const twin = packages.findIndex(
      (one) =>
        one.path === made.path ||
        (one.name === made.name &&
          one.version === made.version &&
          one.architecture === made.architecture),
    );
    if (twin >= 0) packages.splice(twin, 1, made);
    else packages.push(made);
    this.#pool.set(made.path, { bytes: made.bytes, modified: new Date(FIRST) });
    return made;
  }

  addSource(suite: string, item: AptSource): void {
    this.#suite(suite).sources.push(item);
    for (const [path, bytes] of item.files)
      this.#pool.set(path, { bytes, modified: new Date(FIRST) });
  }

  async publish(suite: string, item: AptPackage): Promise<void> {
    this.add(suite, item);
    await this.renew(suite);
  }

  /** Other bytes under the same name and version, in a generation that is signed as it should be. */
  async rebuild(suite: string, name: string, version: string): Promise<void> {
    const found = this.#suite(suite).packages.find(
      (item) => item.name === name && item.version === version,
    );
    if (!found) throw new Error(`the fake archive has no ${name} ${version} in ${suite}`);
    const { bytes: _, path: __, ...item } = found;
    await this.publish(suite, { ...item, salt: `${item.salt}again` });
  }

  /** No longer named, and its file is gone. */
  async withdraw(suite: string, name: string, version: string): Promise<void> {
    const { packages } = this.#suite(suite);
    const at = packages.findIndex((item) => item.name === name && item.version === version);
    const [gone] = packages.splice(at, at < 0 ? 0 : 1);
    if (!gone) throw new Error(`the fake archive has no ${name} ${version} in ${suite}`);
    this.#pool.delete(gone.path);
    await this.renew(suite);
  }

  /** A new generation in service. */
  async renew(suite: string, options: RenewOptions = {}): Promise<void> {
    const found = this.#suite(suite);
    const next = await this.#generation(found, options);
    found.generations.push(next);
    found.current = next;
  }

  /** The generation before the one in service is served again. */
  rollback(suite: string): void {
    const found = this.#suite(suite);
    const at = found.generations.indexOf(found.current!);
    if (at < 1) throw new Error(`${suite} has no older generation`);
    found.current = found.generations[at - 1]!;
  }

  /** From the next generation on there is no InRelease, only Release and Release.gpg. */
  async dropInRelease(suite: string): Promise<void> {
    this.#suite(suite).signed = "detached";
    await this.renew(suite);
  }

  /** By-hash has nothing but the generation in service any more. */
  purge(suite: string): void {
    const found = this.#suite(suite);
    found.generations = [found.current!];
  }

  /** Once a request whose path in the archive fits is answered, a new generation with this package takes over; the plain old files are gone. */
  async switchAfter(suite: string, pattern: RegExp, item: AptPackage): Promise<void> {
    const found = this.#suite(suite);
    this.add(suite, item);
    found.switches.push({ pattern, next: await this.#generation(found) });
  }

  /** `path` is in the archive, without a leading slash, decoded; null when there is nothing. */
  read(path: string): Held | null {
    const held = this.#pool.get(path) ?? this.#inSuites(path);
    for (const suite of this.#suites.values()) {
      const due = suite.switches.find((item) => item.pattern.test(path));
      if (!due) continue;
      suite.switches.splice(suite.switches.indexOf(due), 1);
      suite.generations.push(due.next);
      suite.current = due.next;
    }
    return held;
  }

  /** The same without being asked: nothing is switched, and indices that are named but not there are given too. */
  peek(path: string): Uint8Array | null {
    const held = this.#pool.get(path) ?? this.#inSuites(path);
    if (held) return held.bytes;
    for (const { current, shape } of this.#suites.values())
      if (current && path.startsWith(shape.folder)) {
        const bytes = current.files.get(path.slice(shape.folder.length));
        if (bytes) return bytes;
      }
    return null;
  }

  /** Of the generation in service. */
  index(suite: string, path: string): Buffer {
    const found = this.#suite(suite).current?.files.get(path);
    if (!found) throw new Error(`the fake archive has no ${path} in ${suite}`);
    return found;
  }

  /** "main/binary-amd64/by-hash/SHA256/…" of an index of the generation in service. */
  byHash(suite: string, path: string, name: string): string {
    const digest = hex(algorithmOf(name), this.index(suite, path));
    return path.replace(/[^/]*$/, `by-hash/${name}/${digest}`);
  }

  #inSuites(path: string): Held | null {
    for (const suite of this.#suites.values()) {
      if (!suite.current || !path.startsWith(suite.shape.folder)) continue;
      const found = inSuite(suite, suite.current, path.slice(suite.shape.folder.length));
      if (found) return found;
    }
    return null;
  }

  async #generation(suite: Suite, options: RenewOptions = {}): Promise<Generation> {
    const count = suite.generations.length + suite.switches.length;
    const date = options.date ?? new Date(FIRST + count * HOUR);
    const made = indices(suite.shape, suite.packages, suite.sources, options.isOdd);
    const release = releaseText(
      options.isWeak ? { ...suite.shape, hashes: ["MD5Sum"] } : suite.shape,
      made,
      suite.shape.isFlat ? suite.name : suite.name.split("/")[0]!,
      options.isWeak ? null : date,
      options.validUntil ?? null,
      options.isOdd,
    );
    const key = options.isForged ? this.#keys.forger : this.#keys.archive;
    const [inRelease, signature] = await Promise.all([
      key.inline(release, date),
      key.detached(release, date),
    ]);
    return { ...made, date, release, inRelease, signature };
  }

  #suite(name: string): Suite {
    const found = this.#suites.get(name);
    if (!found) throw new Error(`the fake archive has no suite ${name}`);
    return found;
  }
}

function shapeOf({ forms, ...layout }: ArchiveLayout, suite: string, folder: string): Shape {
  const its = forms?.[suite];
  return { ...layout, folder, ...(its && { forms: its }) };
}

function inSuite(suite: Suite, current: Generation, path: string): Held | null {
  const held = (bytes: Uint8Array | string): Held => ({
    bytes: Buffer.from(bytes),
    modified: current.date,
  });
  if (path === "InRelease") return suite.signed === "detached" ? null : held(current.inRelease);
  if (path === "Release") return suite.signed === "inline" ? null : held(current.release);
  if (path === "Release.gpg") return suite.signed === "inline" ? null : held(current.signature);
  const hashed = /^(.*?)by-hash\/(\w+)\/([0-9a-f]+)$/.exec(path);
  if (hashed)
    return suite.shape.byHash ? byDigest(suite, hashed[1]!, hashed[2]!, hashed[3]!) : null;
  const bytes = current.images.get(path) ?? current.files.get(path);
  return bytes && !current.absent.has(path) ? held(bytes) : null;
}

function byDigest(suite: Suite, folder: string, name: string, digest: string): Held | null {
  if (!suite.shape.hashes.includes(name)) return null;
  for (const { files, absent, date } of suite.generations)
    for (const [path, bytes] of files)
      if (
        path.replace(/[^/]*$/, "") === folder &&
        !absent.has(path) &&
        hex(algorithmOf(name), bytes) === digest
      )
        return { bytes, modified: date };
  return null;
}
