// What was published in a Verdaccio, as it lies in its storage folder: `<name>/package.json` beside the tarballs, and a list of the names.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";

type Fields = Record<string, unknown>;

/** A version that was published there, and not fetched from elsewhere. */
export interface StoredVersion {
  version: string;
  /** What its client said of it. */
  manifest: Fields;
  /** Where its tarball lies. */
  path: string;
}

export interface StoredPackage {
  name: string;
  /** The lowest first. */
  versions: StoredVersion[];
  tags: Record<string, string>;
  /** What is said of versions that are not to be used, by version. */
  deprecated: Record<string, string>;
  /** Versions that were fetched and never published there. */
  fetched: string[];
}

const LISTS = [".verdaccio-db.json", ".sinopia-db.json"];

/** Names of what was published there. Throws a Problem for a folder that is no such storage. */
export function publishedNames(folder: string): string[] {
  const list = LISTS.map((file) => join(folder, file)).find(existsSync);
  if (list) {
    const names = read(list)["list"];
    if (Array.isArray(names)) return names.filter((name) => typeof name === "string").sort();
  }
  // Without a list: a package that nothing was ever fetched of is one that was published.
  const names = foldersOf(folder).filter((name) => {
    const file = join(folder, name, "package.json");
    return existsSync(file) && Object.keys(objectOf(read(file)["_distfiles"])).length === 0;
  });
  if (names.length > 0) return names.sort();
  throw new Problem(
    "notFound",
    `${folder} is no storage of Verdaccio: it has neither ${LISTS[0]} nor packages that were published. It is the folder that \`storage:\` of its config.yaml names`,
  );
}

function foldersOf(folder: string): string[] {
  const inside = (at: string) =>
    existsSync(at) && statSync(at).isDirectory() ? readdirSync(at) : [];
  return inside(folder).flatMap((name) =>
    name.startsWith("@") ? inside(join(folder, name)).map((one) => `${name}/${one}`) : [name],
  );
}

/** Throws a Problem for what cannot be read. */
export function readPackage(folder: string, name: string): StoredPackage {
  if (!/^(@[\w.~-]+\/)?[\w.~-]+$/.test(name) || name.split("/").some((part) => /^\.+$/.test(part)))
    throw new Problem("badRequest", `${JSON.stringify(name)} is no name of a package`);
  const document = read(join(folder, name, "package.json"));
  const here = objectOf(document["_attachments"]);
  const elsewhere = objectOf(document["_distfiles"]);
  const versions: StoredVersion[] = [];
  const fetched: string[] = [];
  const deprecated: Record<string, string> = {};
  for (const [version, value] of Object.entries(objectOf(document["versions"]))) {
    const manifest = objectOf(value);
    const file = fileOf(manifest) ?? `${name.split("/").at(-1)}-${version}.tgz`;
    if (Object.hasOwn(elsewhere, file) || !Object.hasOwn(here, file)) {
      fetched.push(version);
      continue;
    }
    const note = manifest["deprecated"];
    if (typeof note === "string" && note !== "") deprecated[version] = note;
    versions.push({ version, manifest, path: join(folder, name, file) });
  }
  const tags = Object.entries(objectOf(document["dist-tags"])).filter(
    (one): one is [string, string] => typeof one[1] === "string",
  );
  versions.sort((a, b) => Bun.semver.order(a.version, b.version));
  return { name, versions, tags: Object.fromEntries(tags), deprecated, fetched };
}

/** The tarball's bytes. Throws a Problem when they are not those that were published. */
export function readTarball({ manifest, path }: StoredVersion): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Problem("notFound", `its tarball ${path} cannot be read (${code})`);
  }
  const { integrity, shasum } = objectOf(manifest["dist"]);
  const sha512 = /sha512-([A-Za-z0-9+/=]+)/.exec(String(integrity ?? ""))?.[1];
  const digest = (name: string, form: "base64" | "hex") =>
    createHash(name).update(bytes).digest(form);
  const isOther = sha512
    ? digest("sha512", "base64") !== sha512
    : typeof shasum === "string" && digest("sha1", "hex") !== shasum.toLowerCase();
  if (isOther)
    throw new Problem("tampered", `its tarball ${path} is not the one that was published`);
  return bytes;
}

/** The name that its tarball has there: the last part of the address, whatever server that was of. */
function fileOf(manifest: Fields): string | null {
  const { tarball } = objectOf(manifest["dist"]);
  const last = typeof tarball === "string" ? tarball.split(/[?#]/)[0]!.split("/").at(-1)! : "";
  return /^[\w@.+~-]+\.tgz$/.test(last) ? last : null;
}

function read(file: string): Fields {
  try {
    return objectOf(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "it is no JSON";
    throw new Problem("badRequest", `${file} cannot be read: ${why}`);
  }
}

function objectOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}
