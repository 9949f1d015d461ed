// A made-up Composer repository as files. https://getcomposer.org/doc/05-repositories.md#composer
// Dists stand at the paths that Holdfast gives them, so that one lock file fits every server once its host is put in.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { randomBytes } from "./synthetic.ts";
import { zip } from "./zip.ts";

const TREE = "1";
const KB = 1000;

/** Stands for the server's URL in documents and in the lock file. */
export const HOST = "http://upstream.example.test";

interface Dist {
  type: "zip";
  url: string;
  reference: string;
  shasum: string;
}

export interface ComposerVersion {
  name: string;
  version: string;
  version_normalized: string;
  type: string;
  dist: Dist;
  autoload: object;
}

const KIT = Array.from({ length: 12 }, (_, at) => ({
  name: `bench/kit-${at}`,
  size: (10 + at * 4) * KB,
}));
/** One release, of which the dist is measured. */
export const smallDist = { name: "bench/small", size: 20 * KB };
/** Many releases, of which the document is measured. */
export const manyVersions = { name: "bench/many", count: 150 };

const sha1 = (bytes: Uint8Array | string) =>
  new Bun.CryptoHasher("sha1").update(bytes).digest("hex");

const pathOf = (name: string, normalized: string, reference: string) =>
  `dists/${name}/${normalized}/${reference}.zip`;

function release(name: string, version: string, archive: Uint8Array): ComposerVersion {
  const normalized = `${version}.0`;
  const reference = sha1(`${name} ${version}`);
  const url = `${HOST}/${pathOf(name, normalized, reference)}`;
  return {
    name,
    version,
    version_normalized: normalized,
    type: "library",
    dist: { type: "zip", url, reference, shasum: sha1(archive) },
    autoload: { "psr-4": { "Bench\\": "src/" } },
  };
}

function pack(name: string, version: string, size: number, seed: number): Uint8Array {
  const folder = `${name.replace("/", "-")}-${sha1(name).slice(0, 7)}`;
  return zip({
    [`${folder}/composer.json`]: Buffer.from(JSON.stringify({ name, type: "library" })),
    [`${folder}/src/data.bin`]: randomBytes(seed, size),
    [`${folder}/README.md`]: Buffer.from(`${name} ${version}\n`),
  });
}

/** Newest first; what does not differ from the version before is left out ("minified"). */
function minified(versions: ComposerVersion[]): object[] {
  return versions.map(({ name, type, autoload, ...own }, at) =>
    at === 0 ? { name, type, autoload, ...own } : own,
  );
}

/** The releases that the lock file names. */
export const kitOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "kit.json"), "utf8")) as ComposerVersion[];

/** Makes the repository below `folder`/www, unless it is there. */
export function makeComposerTree(folder: string): void {
  const made = join(folder, "made");
  if (existsSync(made) && readFileSync(made, "utf8") === TREE) return;
  rmSync(folder, { recursive: true, force: true });
  const put = (path: string, bytes: Uint8Array | string) => {
    const file = join(folder, "www", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  };
  const document = (name: string, versions: ComposerVersion[]) =>
    put(
      `p2/${name}.json`,
      JSON.stringify({ minified: "composer/2.0", packages: { [name]: minified(versions) } }),
    );
  const kit: ComposerVersion[] = [];
  for (const [at, { name, size }] of [...KIT, smallDist].entries()) {
    const archive = pack(name, "1.0.0", size, at + 1);
    const one = release(name, "1.0.0", archive);
    put(pathOf(name, one.version_normalized, one.dist.reference), archive);
    document(name, [one]);
    if (name !== smallDist.name) kit.push(one);
  }
  const { name, count } = manyVersions;
  const versions = Array.from({ length: count }, (_, at) =>
    release(name, `1.${count - at}.0`, randomBytes(at + 1, 20)),
  );
  document(name, versions);
  put(
    "packages.json",
    JSON.stringify({ packages: [], "metadata-url": `${HOST}/p2/%package%.json` }),
  );
  writeFileSync(join(folder, "kit.json"), JSON.stringify(kit));
  writeFileSync(made, TREE);
}
