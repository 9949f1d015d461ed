// Manifest confusion: what the document says of a version that its tarball does not. Registries that believe the document show one package
// and hand out another; here the tarball is believed, and a document that says something else is refused.
import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import semver from "semver";
import { Problem } from "../../core/problem.ts";
import { oneGitSpec } from "./git-spec.ts";
import { isObject, type Manifest } from "./types.ts";

/** What resolvers and installers act upon, each as clients read it: they write the same thing in more than one way. */
const READ: Readonly<Record<string, (manifest: Manifest) => unknown>> = {
  dependencies: dependenciesOf,
  optionalDependencies: optionalOf,
  peerDependencies: (manifest) => mapOf(manifest["peerDependencies"]),
  peerDependenciesMeta: (manifest) => mapOf(manifest["peerDependenciesMeta"]),
  bundleDependencies: bundledOf,
  bin: binOf,
  engines: (manifest) => mapOf(manifest["engines"]),
  os: (manifest) => listOf(manifest["os"]),
  cpu: (manifest) => listOf(manifest["cpu"]),
  libc: (manifest) => listOf(manifest["libc"]),
  "scripts.preinstall": (manifest) => scriptOf(manifest, "preinstall"),
  "scripts.install": (manifest) => scriptOf(manifest, "install"),
  "scripts.postinstall": (manifest) => scriptOf(manifest, "postinstall"),
};

/**
 * Throws Problem("badRequest") that names the field. `told`: the document's manifest. `inside`: the tarball's. `filled`: the same, as npm fills
 * it in from other files of the tarball.
 */
export function refuseConfusion(told: Manifest, inside: Manifest, filled: Manifest = inside): void {
  if (told.name !== inside.name) throw confusion("name", told.name, inside.name);
  if (told.version !== cleanVersion(inside.version))
    throw confusion("version", told.version, inside.version);
  for (const [field, read] of Object.entries(READ)) {
    const said = read(told);
    if (!isDeepStrictEqual(said, read(inside)) && !isDeepStrictEqual(said, read(filled)))
      throw confusion(field, said, read(inside));
  }
}

/** As all clients write it: without a `v` before it, and without build metadata. */
function cleanVersion(version: unknown): string | null {
  return typeof version === "string" ? semver.clean(version, { loose: true }) : null;
}

/** npm writes what is bundled, and no dependency, as any version of it. */
function dependenciesOf(manifest: Manifest): Record<string, unknown> {
  const bundled = Object.fromEntries(bundledOf(manifest).map((name) => [name, "*"]));
  return without({ ...bundled, ...mapOf(manifest["dependencies"]) }, optionalOf(manifest));
}

/** The optional ones are written into `dependencies` too by npm, and taken out of it by who reads it. */
function optionalOf(manifest: Manifest): Record<string, unknown> {
  return without(manifest["optionalDependencies"], {});
}

function without(value: unknown, others: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(mapOf(value))
      .filter(([name]) => !Object.hasOwn(others, name))
      .map(([name, range]) => [name, oneGitSpec(range)]),
  );
}

/** npm writes `true` as the names of all dependencies, and an object as its keys. */
export function bundledOf(manifest: Manifest): string[] {
  const value = manifest["bundleDependencies"] ?? manifest["bundledDependencies"];
  if (value === true) return Object.keys(mapOf(manifest["dependencies"])).sort();
  const names = isObject(value) ? Object.keys(value) : Array.isArray(value) ? value : [];
  return names.filter((name) => typeof name === "string" && name !== "").sort();
}

/** Commands by name: one may be written as its path alone, and several as a list of paths. */
export function binOf(manifest: Manifest): Record<string, string> {
  const { bin } = manifest as { bin?: unknown };
  let named: [string, unknown][] = [];
  if (typeof bin === "string") named = [[String(manifest.name), bin]];
  else if (Array.isArray(bin)) named = bin.map((path) => [String(path), path]);
  else if (isObject(bin)) named = Object.entries(bin);
  const clean = named.map(([name, path]) => [
    posix.basename(binPath(name)),
    typeof path === "string" ? binPath(path) : "",
  ]);
  return Object.fromEntries(clean.filter(([name, path]) => name !== "" && path !== ""));
}

/** As npm writes a path within a package: never one that leads out of it. */
export function binPath(text: string): string {
  return posix.join("/", text.replace(/[\\:]/g, "/")).slice(1);
}

function scriptOf(manifest: Manifest, name: string): string {
  const script = isObject(manifest.scripts) ? manifest.scripts[name] : undefined;
  if (typeof script !== "string") return "";
  return script.replace(/^(\.[/\\])?node_modules[/\\].bin[\\/]/, ""); // as npm writes it
}

function mapOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? { ...value } : {};
}

function listOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.map(String).sort() : [];
}

function confusion(field: string, told: unknown, inside: unknown): Problem {
  const show = (value: unknown) => (JSON.stringify(value) ?? "nothing").slice(0, 300);
  return new Problem(
    "badRequest",
    `The document says of "${field}" ${show(told)}, and the package.json in the tarball says ${show(inside)}: what is shown must be what is installed`,
    { rule: "manifest" },
  );
}
