// Made-up packages for load: documents and files of known sizes, the same bytes on every machine.
import type { Recording } from "./recording.ts";

export interface SyntheticFile {
  version: string;
  size: number;
}

export interface SyntheticPackage {
  name: string;
  /** Size of the packument to come close to, in bytes. */
  documentSize: number;
  files: SyntheticFile[];
}

const KB = 1000;
const MB = 1000 * KB;

/** Files of these are fetched cold one by one, each once by each server: enough of them for a median. */
export const COLD_FILES = 40;

export const synthetic = {
  small: {
    name: "bench-small",
    documentSize: 20 * KB,
    files: [{ version: "1.0.0", size: 10 * KB }],
  },
  large: {
    name: "bench-large",
    documentSize: 6 * MB,
    files: [{ version: "1.0.0", size: 30 * MB }],
  },
  parallel: { name: "bench-parallel", documentSize: 15 * MB, files: [] },
  huge: { name: "bench-huge", documentSize: 105 * MB, files: [] },
  crowd: {
    name: "bench-crowd",
    documentSize: 20 * KB,
    files: [{ version: "1.0.0", size: 50 * MB }],
  },
  cold: {
    name: "bench-cold",
    documentSize: 0,
    files: Array.from({ length: COLD_FILES }, (_, at) => ({
      version: `1.0.${at}`,
      size: at % 2 ? 5 * MB : 10 * KB,
    })),
  },
} satisfies Record<string, SyntheticPackage>;

/** The path of a synthetic file below the registry's URL. */
export const tarballPath = (name: string, version: string) => `${name}/-/${name}-${version}.tgz`;

/** A small deterministic generator (xorshift32), so that bytes do not compress and do not change. */
export function randomBytes(seed: number, size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed || 1;
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state >>> 0;
  }
  return new Uint8Array(words.buffer, 0, size);
}

function manifest(name: string, version: string, file: Uint8Array | null, seed: number): object {
  const hash = (algorithm: "sha1" | "sha512") =>
    file
      ? new Bun.CryptoHasher(algorithm).update(file).digest()
      : Buffer.from(randomBytes(seed, algorithm === "sha1" ? 20 : 64));
  const scripts = Object.fromEntries(
    ["build", "lint", "test", "prepublishOnly", "format"].map((script) => [
      script,
      `node ./tools/${script}.js --configuration ./tools/${script}.json --cache`,
    ]),
  );
  const dependencies = Object.fromEntries(
    Array.from({ length: 8 }, (_, at) => [
      `dependency-${(seed * 7 + at) % 97}`,
      `^${at}.${seed % 9}.0`,
    ]),
  );
  return {
    name,
    version,
    description: "A package that exists only for measurements of registries and their caches",
    main: "index.js",
    license: "Apache-2.0",
    repository: { type: "git", url: `git+ssh://git@code.example.test/${name}.git` },
    scripts,
    dependencies,
    devDependencies: Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [
        `tool-${(seed * 11 + at) % 89}`,
        `~${at}.${seed % 7}.1`,
      ]),
    ),
    engines: { node: ">=18" },
    maintainers: [{ name: "bench", email: "bench@example.test" }],
    dist: {
      integrity: `sha512-${hash("sha512").toString("base64")}`,
      shasum: hash("sha1").toString("hex"),
      tarball: `http://upstream.example.test/${tarballPath(name, version)}`,
      fileCount: 3,
      unpackedSize: file?.length ?? 1000,
    },
  };
}

/** Puts one package into the recording. */
function make(recording: Recording, wanted: SyntheticPackage, seed: number): void {
  const versions: Record<string, object> = {};
  const time: Record<string, string> = {};
  let size = 200;
  const add = (version: string, file: Uint8Array | null, at: number) => {
    versions[version] = manifest(wanted.name, version, file, seed * 100_000 + at);
    time[version] = new Date(1.6e12 + at * 3.6e6).toISOString();
    size += JSON.stringify(versions[version]).length + version.length * 2 + 40;
  };
  for (const [at, file] of wanted.files.entries()) {
    const bytes = randomBytes(seed * 1000 + at + 1, file.size);
    recording.put(
      `npm file /${tarballPath(wanted.name, file.version)}`,
      200,
      "application/octet-stream",
      bytes,
    );
    add(file.version, bytes, at);
  }
  for (let at = 0; size < wanted.documentSize; at += 1) add(`0.${at}.0`, null, at + 1000);
  const latest = wanted.files[0]?.version ?? "0.0.0";
  time["created"] = time["modified"] = new Date(1.7e12).toISOString();
  const text = JSON.stringify({
    _id: wanted.name,
    name: wanted.name,
    "dist-tags": { latest },
    versions,
    time,
  });
  recording.put(`npm document /${wanted.name}`, 200, "application/json", Buffer.from(text));
}

/** Makes what is missing of the synthetic packages. */
export function makeSynthetic(recording: Recording): void {
  for (const [at, wanted] of Object.values(synthetic).entries())
    if (!recording.get(`npm document /${wanted.name}`)) make(recording, wanted, at + 1);
}
