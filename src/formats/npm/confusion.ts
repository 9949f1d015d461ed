// Manifest confusion: what the document says of a version that its tarball does not. Registries that believe the document show one package
// and hand out another; here the tarball is believed, and a document that says something else is refused.
import { isDeepStrictEqual } from "node:util";
import { Problem } from "../../core/problem.ts";
import { unscoped } from "./names.ts";
import { isObject, type Manifest } from "./types.ts";

/** What resolvers and installers act upon, each as clients read it: they write the same thing in more than one way. */
const READ: Readonly<Record<string, (manifest: Manifest) => unknown>> = {
  dependencies: (manifest) => without(manifest["dependencies"], optionalOf(manifest)),
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

/** Throws Problem("badRequest") that names the field. `told`: the document's manifest. `inside`: the tarball's. */
export function refuseConfusion(told: Manifest, inside: Manifest): void {
  for (const field of ["name", "version"] as const)
    if (told[field] !== versionless(field, inside))
      throw confusion(field, told[field], inside[field]);
  for (const [field, read] of Object.entries(READ)) {
    const [said, is] = [read(told), read(inside)];
    if (!isDeepStrictEqual(said, is)) throw confusion(field, said, is);
  }
}

/** A `v` before a version is left out by all clients. */
function versionless(field: "name" | "version", manifest: Manifest): unknown {
  const value = manifest[field];
  return field === "version" && typeof value === "string"
    ? value.trim().replace(/^[v=]+/, "")
    : value;
}

/** The optional ones are written into `dependencies` too by npm, and taken out of it by who reads it. */
function optionalOf(manifest: Manifest): Record<string, unknown> {
  return mapOf(manifest["optionalDependencies"]);
}

function without(value: unknown, others: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(mapOf(value)).filter(([name]) => !Object.hasOwn(others, name)),
  );
}

/** npm writes `true` as the names of all dependencies. */
export function bundledOf(manifest: Manifest): string[] {
  const value = manifest["bundleDependencies"] ?? manifest["bundledDependencies"];
  if (value === true) return Object.keys(mapOf(manifest["dependencies"])).sort();
  return Array.isArray(value) ? value.map(String).sort() : [];
}

/** One command may be written as its path alone; npm writes paths without "./". */
export function binOf(manifest: Manifest): Record<string, string> {
  const { bin } = manifest as { bin?: unknown };
  const path = (text: unknown) =>
    String(text)
      .replaceAll("\\", "/")
      .replace(/^(\.?\/)+/, "");
  if (typeof bin === "string") return { [unscoped(String(manifest.name))]: path(bin) };
  if (!isObject(bin)) return {};
  return Object.fromEntries(
    Object.entries(bin).map(([name, target]) => [name.split("/").at(-1)!, path(target)]),
  );
}

function scriptOf(manifest: Manifest, name: string): string {
  const script = isObject(manifest.scripts) ? manifest.scripts[name] : undefined;
  if (typeof script === "string" && script !== "") return script;
  // npm writes what a native package without a script does.
  return "";
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
