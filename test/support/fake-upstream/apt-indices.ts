// The index files of one suite, out of its packages: what its Release names. https://wiki.debian.org/DebianRepository/Format
import { gzipSync, zstdCompressSync } from "node:zlib";
import { bz2, lz4, lzma } from "./apt-older.ts";
import { type AptSource, type Built, hex, paragraph } from "./apt-packages.ts";
import { xz } from "./apt-xz.ts";
import { tarGz } from "./archives.ts";

export interface Shape {
  /** Where the suite's folder is, in the archive's root, with a slash at its end; "" for a flat archive's root. */
  folder: string;
  isFlat: boolean;
  components: string[];
  architectures: string[];
  /** Everything that Debian has beside packages: sources, translations, contents, dep11, cnf, installer, pdiffs. */
  isRich: boolean;
  /** As the Release calls them: "MD5Sum", "SHA1", "SHA256", "SHA512". */
  hashes: string[];
  byHash: boolean;
  /** The extensions that Packages come in, in the place of those that they usually have. */
  forms?: string[];
}

const COMPRESS: Record<string, (plain: Buffer) => Uint8Array> = {
  ".gz": (plain) => gzipSync(plain),
  ".xz": xz,
  ".zst": (plain) => zstdCompressSync(plain),
  ".bz2": bz2,
  ".lzma": lzma,
  ".lz4": lz4,
};

/** By path in the suite's folder. Those in `absent` are named and not there: Debian keeps no plain Packages. */
export interface Indices {
  files: Map<string, Buffer>;
  absent: Set<string>;
  /** Images of the installer, which the Release names by the SHA256SUMS above them. */
  images: Map<string, Buffer>;
}

/** `isOdd`: the stanza of one package is broken. */
export function indices(
  shape: Shape,
  packages: Built[],
  sources: AptSource[],
  isOdd = false,
): Indices {
  const files = new Map<string, Buffer>();
  const absent = new Set<string>();
  const images = new Map<string, Buffer>();
  const add = (path: string, text: string, suffixes: string[]) => {
    const plain = Buffer.from(text);
    files.set(path, plain);
    if (shape.isRich || shape.forms) absent.add(path);
    const isUsual = shape.isRich || !path.endsWith("Packages");
    for (const suffix of shape.forms ?? (isUsual ? suffixes : [...suffixes, ".bz2"]))
      files.set(path + suffix, Buffer.from(COMPRESS[suffix]!(plain)));
  };
  if (shape.isFlat) {
    const text = packages.map((item) => paragraph(item, shape.folder ? "" : "./")).join("");
    add("Packages", text, [".gz", ".xz"]);
    return { files, absent, images };
  }
  for (const component of shape.components) {
    const inside = packages.filter((item) => item.component === component);
    for (const architecture of shape.architectures) {
      const fitting = inside.filter((item) => ["all", architecture].includes(item.architecture));
      const text = (isUdeb: boolean) =>
        fitting
          .filter((item) => item.isUdeb === isUdeb)
          .map((item) => paragraph(item))
          .map((text) => (isOdd ? odd(text) : text))
          .join("");
      add(`${component}/binary-${architecture}/Packages`, text(false), [".gz", ".xz"]);
      if (!shape.isRich) continue;
      const binary = `${component}/binary-${architecture}`;
      files.set(`${binary}/Packages.diff/Index`, Buffer.from(patchIndex(text(false))));
      files.set(
        `${binary}/Release`,
        Buffer.from(
          `Archive: stable\nOrigin: Fake\nComponent: ${component}\nArchitecture: ${architecture}\n`,
        ),
      );
      add(`${component}/Contents-${architecture}`, contents(fitting), [".gz"]);
      add(
        `${component}/dep11/Components-${architecture}.yml`,
        "---\nFile: DEP-11\nVersion: '1.0'\nOrigin: fake\n",
        [".gz", ".xz"],
      );
      add(`${component}/cnf/Commands-${architecture}`, `suite: stable\ncomponent: ${component}\n`, [
        ".xz",
      ]);
      add(`${component}/debian-installer/binary-${architecture}/Packages`, text(true), [
        ".gz",
        ".xz",
      ]);
    }
    if (!shape.isRich) continue;
    files.set(`${component}/dep11/icons-64x64.tar.gz`, tarGz({ "icon.png": "no picture" }));
    add(`${component}/i18n/Translation-en`, translations(inside), [".xz"]);
    const texts = component === "main" ? sources.map((item) => item.text).join("") : "";
    add(`${component}/source/Sources`, texts, [".gz", ".xz"]);
  }
  if (shape.isRich) addInstaller(files, images, packages.length);
  return { files, absent, images };
}

/** As careless publishers write them. */
function odd(stanza: string): string {
  if (stanza.includes("kelp++")) return `no colon\n${stanza}`;
  return stanza.replace("Filename: pool/main/h/hello-doc", "Filename: /pool//main/h/hello-doc");
}

/** Another one with each package. */
function addInstaller(
  files: Map<string, Buffer>,
  images: Map<string, Buffer>,
  generation: number,
): void {
  const folder = "main/installer-amd64/current/images";
  const own = { "netboot/mini.iso": "an image", "cdrom/vmlinuz": "a kernel" };
  for (const [path, text] of Object.entries(own))
    images.set(`${folder}/${path}`, Buffer.from(`${text} of ${generation} packages`.padEnd(2000)));
  const lines = [...images].map(
    ([path, bytes]) => `${hex("sha256", bytes)}  ./${path.slice(folder.length + 1)}\n`,
  );
  files.set(`${folder}/SHA256SUMS`, Buffer.from(lines.join("")));
}

function contents(packages: Built[]): string {
  return packages
    .map((item) => `usr/share/doc/${item.name}/README    misc/${item.name}\n`)
    .join("");
}

function translations(packages: Built[]): string {
  return packages
    .map(
      (item) =>
        `Package: ${item.name}\nDescription-md5: ${hex("md5", Buffer.from(`the ${item.name} of the fake sea\n`))}\nDescription-en: the ${item.name} of the fake sea\n\n`,
    )
    .join("");
}

/** Patches that lead from a list that nobody has: whoever asks takes the whole index. https://wiki.debian.org/DebianRepository/Format#indices_diffs */
function patchIndex(text: string): string {
  const bytes = Buffer.from(text);
  const zero = "0".repeat(64);
  return [
    `SHA256-Current: ${hex("sha256", bytes)} ${bytes.length}`,
    ...["History", "Patches", "Download"].flatMap((part) => [
      `SHA256-${part}:`,
      ` ${zero} 10 T-2024-05-31-1400.14-F-2024-05-31-0800.07${part === "Download" ? ".gz" : ""}`,
    ]),
    "",
  ].join("\n");
}

export function releaseText(
  shape: Shape,
  { files }: Indices,
  suite: string,
  date: Date | null,
  validUntil: Date | null,
  isOdd = false,
): string {
  return [
    "Origin: Fake",
    "Label: Fake",
    ...(suite === "." ? [] : [`Suite: ${suite}`, `Codename: ${suite}`]),
    ...(date ? [`Date: ${stamp(date)}`] : []),
    ...(isOdd ? ["a word alone"] : []),
    ...(validUntil ? [`Valid-Until: ${stamp(validUntil)}`] : []),
    ...(shape.isFlat
      ? []
      : [
          `Architectures: ${shape.architectures.join(" ")}`,
          `Components: ${shape.components.join(" ")}`,
        ]),
    ...(shape.byHash ? ["Acquire-By-Hash: yes"] : []),
    "Description: the archive of the fake sea",
    ...shape.hashes.flatMap((name) => [
      `${name}:`,
      ...[...files]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([path, bytes]) => ` ${hex(algorithmOf(name), bytes)} ${bytes.length} ${path}`),
    ]),
    "",
  ].join("\n");
}

/** "MD5Sum" is the only one with a name of its own. */
export function algorithmOf(name: string): string {
  return name === "MD5Sum" ? "md5" : name.toLowerCase();
}

/** The Debian form of RFC 5322: always UTC. */
function stamp(date: Date): string {
  return date.toUTCString().replace("GMT", "UTC");
}
