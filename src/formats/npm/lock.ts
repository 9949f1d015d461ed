// package-lock.json, and npm-shrinkwrap.json, which is the same. https://docs.npmjs.com/cli/configuring-npm/package-lock-json

import { readJson } from "../../core/json.ts";
import {
  type Lock,
  type LockedRelease,
  type LockFormat,
  lockOf,
  wrongLock,
} from "../../core/lock.ts";
import { conventionalFile, encodeName, isFileName, isPackageName, isVersion } from "./names.ts";

const NAME = "package-lock.json";
type Entry = Record<string, unknown>;

export const lock: LockFormat = {
  name: NAME,
  read(text) {
    const value = parsed(text);
    if (!isObject(value)) throw wrongLock(NAME, "it is no JSON object");
    const { packages, dependencies } = value;
    if (isObject(packages)) return readPackages(packages);
    if (isObject(dependencies)) return readDependencies(dependencies);
    if (value["lockfileVersion"] === undefined)
      throw wrongLock(NAME, "it has neither packages nor dependencies");
    return lockOf([], []);
  },
  documentPath: () => null,
  indexPath: (name) => `/${encodeName(name)}`,
  filePath: ({ package: name }, file) => `/${encodeName(name)}/-/${encodeURIComponent(file)}`,
};

function parsed(text: string): unknown {
  try {
    return readJson(Buffer.from(text));
  } catch (error) {
    throw wrongLock(NAME, error instanceof Error ? error.message : "it is no JSON");
  }
}

/** Versions 2 and 3: by the path in node_modules. */
function readPackages(packages: Entry): Lock {
  const releases: LockedRelease[] = [];
  const elsewhere: Lock["elsewhere"] = [];
  for (const [path, entry] of Object.entries(packages)) {
    if (path === "" || !isObject(entry) || entry["link"] === true || entry["inBundle"] === true)
      continue;
    const at = path.lastIndexOf("node_modules/");
    if (at < 0) continue; // a workspace's own folder
    const name = typeof entry["name"] === "string" ? entry["name"] : path.slice(at + 13);
    add(name, entry, releases, elsewhere);
  }
  return lockOf(releases, elsewhere);
}

/** Version 1: a tree. */
function readDependencies(dependencies: Entry): Lock {
  const releases: LockedRelease[] = [];
  const elsewhere: Lock["elsewhere"] = [];
  const open = [dependencies];
  for (let next = open.pop(); next; next = open.pop())
    for (const [name, entry] of Object.entries(next)) {
      if (!isObject(entry) || entry["bundled"] === true) continue;
      const alias = /^npm:(.+)@([^@]+)$/.exec(String(entry["version"]));
      if (alias) add(alias[1]!, { ...entry, version: alias[2] }, releases, elsewhere);
      else add(name, entry, releases, elsewhere);
      if (isObject(entry["dependencies"])) open.push(entry["dependencies"]);
    }
  return lockOf(releases, elsewhere);
}

function add(
  name: string,
  { version, resolved }: Entry,
  releases: LockedRelease[],
  elsewhere: Lock["elsewhere"],
): void {
  const from = typeof resolved === "string" ? resolved : null;
  if (typeof version !== "string" || !isVersion(version) || !isPackageName(name)) {
    elsewhere.push({ name, why: `it is no release of a registry: ${from ?? String(version)}` });
    return;
  }
  if (from !== null && !/^https?:/.test(from)) {
    elsewhere.push({ name, why: `it comes from ${from}` });
    return;
  }
  const file = fileOf(from);
  releases.push({
    package: name,
    version,
    files: [file ?? conventionalFile(name, version)],
    sha256: [],
  });
}

/** The last part of where it was resolved to, where that is a registry's path of a tarball. */
function fileOf(resolved: string | null): string | null {
  const [, encoded] = /\/-\/(?:[^/?#]+\/)*([^/?#]+\.tgz)(?:[?#]|$)/.exec(resolved ?? "") ?? [];
  if (encoded === undefined) return null;
  try {
    const file = decodeURIComponent(encoded);
    return isFileName(file) ? file : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
