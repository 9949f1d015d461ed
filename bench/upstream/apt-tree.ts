// A made-up apt repository as files: signed, with indices as large as a distribution's, the same names on every machine.
// https://wiki.debian.org/DebianRepository/Format
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createCleartextMessage, generateKey, sign } from "openpgp";
import { run } from "../lib/process.ts";
import { randomBytes } from "./synthetic.ts";

/** Raised when anything below changes, so that an older tree is made again. */
const TREE = "1";
const KB = 1000;
const MB = 1000 * KB;
const VERSION = "1.0-1";
/** Packages that only the index knows: enough for 8 MB of Packages.xz. */
const STANZAS = 62_000;
const RELEASE_SIZE = 150 * KB;
const DATE = "Thu, 01 Jan 2026 00:00:00 UTC";

export const SUITE = "stable";
export const MIRRORED = 10_000;
const INDEX = "main/binary-amd64/Packages";

export interface Deb {
  name: string;
  size: number;
}

const series = (prefix: string, count: number, size: (at: number) => number): Deb[] =>
  Array.from({ length: count }, (_, at) => ({ name: `${prefix}-${at}`, size: size(at) }));

/** The packages that have a file. */
export const debs = {
  small: [{ name: "bench-small", size: 50 * KB }],
  large: [{ name: "bench-large", size: 30 * MB }],
  crowd: [{ name: "bench-crowd", size: 50 * MB }],
  cold: series("bench-cold", 30, (at) => (at % 3 ? 50 * KB : 5 * MB)),
  coldLarge: series("bench-cold-large", 6, () => 30 * MB),
  /** What the client installs. */
  kit: series("bench-kit", 40, (at) => (at % 10 ? (50 + at * 10) * KB : 3 * MB)),
  mirrored: series("bench-mirrored", MIRRORED, () => 5 * KB),
} satisfies Record<string, Deb[]>;

/** The path of a package's file below the repository's URL. */
export const debPath = ({ name }: Deb) => `pool/main/b/${name}/${name}_${VERSION}_amd64.deb`;

export const releasePath = `dists/${SUITE}/InRelease`;

const hash = (algorithm: "md5" | "sha256", bytes: Uint8Array | string) =>
  new Bun.CryptoHasher(algorithm).update(bytes).digest("hex");

const WORDS = Array.from({ length: 2000 }, (_, at) =>
  Buffer.from(randomBytes(at + 1, 3 + (at % 5))).toString("hex"),
);

function stanza(name: string, filename: string, bytes: Uint8Array, seed: number): string {
  const picks = new Uint16Array(randomBytes(seed, 24).buffer, 0, 12);
  const words = [...picks].map((pick) => WORDS[pick % WORDS.length]).join(" ");
  const about = hash("md5", words);
  return `Package: ${name}
Version: ${VERSION}
Installed-Size: ${(seed * 31) % 90_000}
Maintainer: Bench Maintainers <bench@example.test>
Architecture: amd64
Description: ${words}
Description-md5: ${about}
Homepage: https://code.example.test/${name}
Section: misc
Priority: optional
Filename: ${filename}
Size: ${bytes.length}
MD5sum: ${hash("md5", bytes)}
SHA256: ${hash("sha256", bytes)}

`;
}

/** The paths and digests that clients need to know beforehand. */
export interface AptTree {
  /** Below the repository's URL. */
  byHash: string;
  indexSize: number;
}

export const keyFile = (folder: string) => join(folder, "key.asc");
export const aptTree = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "made.json"), "utf8")) as AptTree & { tree: string };

/** Makes the repository below `folder`/www, unless it is there. Takes half a minute. */
export async function makeAptTree(folder: string): Promise<void> {
  if (existsSync(join(folder, "made.json")) && aptTree(folder).tree === TREE) return;
  rmSync(folder, { recursive: true, force: true });
  const www = join(folder, "www");
  const put = (path: string, bytes: Uint8Array | string) => {
    mkdirSync(dirname(join(www, path)), { recursive: true });
    writeFileSync(join(www, path), bytes);
  };
  const stanzas: string[] = [];
  for (const deb of Object.values(debs).flat()) {
    const bytes = randomBytes(stanzas.length + 1, deb.size);
    put(debPath(deb), bytes);
    stanzas.push(stanza(deb.name, debPath(deb), bytes, stanzas.length + 1));
  }
  for (let at = stanzas.length; at < STANZAS; at += 1) {
    const name = `known-${at}`;
    stanzas.push(stanza(name, debPath({ name, size: 0 }), randomBytes(at, 40), at + 1));
  }
  const plain = stanzas.join("");
  const at = `dists/${SUITE}/${INDEX}`;
  put(at, plain);
  const args = ["-3", "--threads=1", "--keep", "--force", join(www, at)];
  await run({ name: "apt-index", command: "xz", args });
  const packed = readFileSync(join(www, `${at}.xz`));
  const byHash = `${dirname(at)}/by-hash/SHA256/${hash("sha256", packed)}`;
  put(byHash, packed);
  const release = releaseText([
    [INDEX, plain],
    [`${INDEX}.xz`, packed],
  ]);
  const { key, signed } = await signRelease(release);
  put(releasePath, signed);
  writeFileSync(keyFile(folder), key);
  const made = { tree: TREE, byHash, indexSize: packed.length };
  writeFileSync(join(folder, "made.json"), JSON.stringify(made));
}

/** With as many entries of other architectures as make it large; nobody asks for those. */
function releaseText(indices: [path: string, bytes: Uint8Array | string][]): string {
  const lines = (algorithm: "md5" | "sha256", fill: number) => [
    ...indices.map(
      ([path, bytes]) => ` ${hash(algorithm, bytes)} ${Buffer.byteLength(bytes)} ${path}`,
    ),
    ...Array.from({ length: fill }, (_, at) => {
      const path = `main/binary-other${at}/Packages.xz`;
      return ` ${hash(algorithm, path)} ${1000 + at} ${path}`;
    }),
  ];
  const text = (fill: number) => `Origin: Bench
Label: Bench
Suite: ${SUITE}
Codename: ${SUITE}
Date: ${DATE}
Acquire-By-Hash: yes
Architectures: amd64
Components: main
MD5Sum:
${lines("md5", fill).join("\n")}
SHA256:
${lines("sha256", fill).join("\n")}
`;
  const each = (text(1000).length - text(0).length) / 1000;
  return text(Math.round((RELEASE_SIZE - text(0).length) / each));
}

/** By a key that is thrown away: the repository is never changed. */
async function signRelease(text: string): Promise<{ key: string; signed: string }> {
  const { privateKey, publicKey } = await generateKey({
    type: "rsa",
    rsaBits: 2048,
    userIDs: [{ name: "Bench", email: "bench@example.test" }],
    format: "object",
  });
  const message = await createCleartextMessage({ text: text.trimEnd() });
  const signed = await sign({ message, signingKeys: privateKey });
  return { key: publicKey.armor(), signed };
}
