// Fake Debian archives of every shape: by-hash and plain names, flat, signed inline and beside. https://wiki.debian.org/DebianRepository/Format
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../temp.ts";
import { file, text } from "./answers.ts";
import { type ArchiveLayout, FakeArchive } from "./apt-archive.ts";
import { type AptKeys, aptKeys } from "./apt-keys.ts";
import { type AptPackage, source } from "./apt-packages.ts";
import type { Asked, Said } from "./http.ts";

const usual: ArchiveLayout = {
  suites: ["stable"],
  isFlat: false,
  components: ["main"],
  architectures: ["amd64"],
  isRich: false,
  hashes: ["MD5Sum", "SHA256"],
  byHash: false,
  signed: "both",
};

/**
 * `debian`: as Debian is. `plain`: no by-hash, as vendors are. `detached`: no InRelease. `flat`: no dists, in the root and in a folder.
 * `older`: each suite in one compression that few have. `strong`: no hash but SHA-512.
 */
const layouts = {
  debian: {
    ...usual,
    suites: ["stable", "stable/updates"],
    components: ["main", "contrib"],
    architectures: ["amd64", "arm64"],
    isRich: true,
    byHash: true,
    hashes: ["MD5Sum", "SHA1", "SHA256", "SHA512"],
  },
  plain: usual,
  detached: { ...usual, signed: "detached" },
  flat: { ...usual, isFlat: true, suites: [".", "ubuntu2204/x86_64"] },
  older: {
    ...usual,
    suites: ["bz2", "lzma", "lz4", "zst"],
    forms: { bz2: [".bz2"], lzma: [".lzma"], lz4: [".lz4"], zst: [".zst"] },
  },
  strong: { ...usual, hashes: ["SHA512"], byHash: true },
} satisfies Record<string, ArchiveLayout>;

export type ArchiveName = keyof typeof layouts;

const world: AptPackage[] = [
  { name: "hello", version: "2.10-3", architecture: "amd64", depends: "libtide0 (>= 1.4)" },
  { name: "hello", version: "2.10-3", architecture: "arm64", depends: "libtide0 (>= 1.4)" },
  { name: "hello-doc", version: "2.10-3" },
  { name: "libtide0", version: "1.4-1+deb12u1", architecture: "amd64", bulk: 300_000 },
  { name: "libtide0", version: "1.4-1+deb12u1", architecture: "arm64" },
  { name: "kelp++", version: "1:3.0~rc1-1" },
  { name: "barnacle", version: "0.9", component: "contrib" },
];

export class FakeApt {
  readonly archives: Readonly<Record<ArchiveName, FakeArchive>>;
  readonly #folder = tempFolder("keys");
  /** Files that hold the public keys. */
  readonly keyFiles: Record<keyof AptKeys, string> = {
    archive: join(this.#folder, "archive.asc"),
    forger: join(this.#folder, "forger.asc"),
  };

  private constructor(archives: Record<ArchiveName, FakeArchive>, keys: AptKeys) {
    this.archives = archives;
    writeFileSync(this.keyFiles.archive, keys.archive.armored);
    writeFileSync(this.keyFiles.forger, keys.forger.armored);
  }

  /** The key files are gone afterwards. */
  remove(): void {
    removeTemp(this.#folder);
  }

  /** Each begins alike, so the beginning is made once in a process. */
  static async create(): Promise<FakeApt> {
    first ??= makeAll();
    const keys = await aptKeys();
    const archives = Object.entries(await first).map(([name, archive]) => [name, archive.copy()]);
    return new FakeApt(Object.fromEntries(archives), keys);
  }

  archive(name: string): FakeArchive {
    const found = this.archives[name as ArchiveName];
    if (!found) throw new Error(`there is no fake archive ${name}`);
    return found;
  }

  /** A file as the archive has it now, or would if it had it: indices that a release names. `path` is without a leading slash. */
  bytes(archive: string, path: string): Uint8Array {
    const found = this.archive(archive).peek(path);
    if (!found) throw new Error(`the fake archive ${archive} has no ${path}`);
    return found;
  }

  /** `path` begins with a slash and the archive's name. */
  answer(asked: Asked, path: string): Said {
    // apt asks for "./InRelease" where a flat archive's folder is "./".
    const [, name = "", rest = ""] = /^\/([a-z]+)\/(?:\.\/)?(.*)$/.exec(path) ?? [];
    const found = Object.hasOwn(this.archives, name)
      ? this.archive(name).read(decodeURIComponent(rest))
      : null;
    if (!found) return text(404, "Not Found\n");
    const modified = { "last-modified": found.modified.toUTCString() };
    const since = Date.parse(asked.headers["if-modified-since"] ?? "");
    if (since >= found.modified.getTime())
      return { status: 304, headers: modified, body: Buffer.alloc(0) };
    const said = file(asked, typeOf(rest), found.bytes, { plain: false });
    return { ...said, headers: { ...said.headers, ...modified } };
  }
}

let first: Promise<Record<ArchiveName, FakeArchive>> | null = null;

async function makeAll(): Promise<Record<ArchiveName, FakeArchive>> {
  const keys = await aptKeys();
  const make = async (layout: ArchiveLayout) => {
    const archive = new FakeArchive(layout, keys);
    for (const suite of layout.suites) {
      if (suite === "stable/updates") archive.add(suite, { name: "hello", version: "2.10-3+sec1" });
      else fill(archive, suite);
      await archive.renew(suite);
    }
    return archive;
  };
  const made = Object.entries(layouts).map(async ([name, layout]) => [name, await make(layout)]);
  return Object.fromEntries(await Promise.all(made));
}

function fill(archive: FakeArchive, suite: string): void {
  const { layout } = archive;
  for (const item of world) {
    const component = item.component ?? "main";
    const isKnown =
      layout.components.includes(component) &&
      ["all", ...layout.architectures].includes(item.architecture ?? "all");
    if (isKnown) archive.add(suite, item);
  }
  if (!layout.isRich) return;
  archive.add(suite, { name: "harbour", version: "1.0", architecture: "amd64", isUdeb: true });
  archive.addSource(suite, source("hello", "2.10-3"));
}

/** As Debian's own servers say. */
function typeOf(path: string): string {
  if (/\.(deb|udeb)$/.test(path)) return "application/vnd.debian.binary-package";
  if (path.endsWith(".xz")) return "application/x-xz";
  if (path.endsWith(".gz")) return "application/x-gzip";
  return "application/octet-stream";
}
