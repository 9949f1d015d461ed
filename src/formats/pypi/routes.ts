// The path grammar of a Python index: PEP 503 and 691, the public index's JSON and Integrity APIs, and devpi's paths.
import { type OsvRoute, parseOsv } from "../../core/osv.ts";
import { isFileName, isName, normalizeName, projectOfFile, sidecarOf } from "./names.ts";

export type PypiRoute =
  /** The list of projects. */
  | { kind: "projects" }
  /** All files of one project, its name normalised. `devpi`: asked for two folders deeper; `legacy`: one. */
  | { kind: "project"; project: string; devpi: boolean; legacy?: true }
  /** Another path is the right one; `location` is relative to the path asked for. */
  | { kind: "redirect"; project: string | null; location: string }
  | { kind: "file"; project: string; file: string }
  | { kind: "provenance"; project: string; version: string; file: string }
  /** The JSON API; `version` is null for the newest. */
  | { kind: "release"; project: string; version: string | null }
  /** A file to be published, by the upload API. */
  | { kind: "upload" }
  /** PEP 592, of all files of a version. */
  | { kind: "yank" | "unyank"; project: string; version: string }
  /** A file, a version or the whole project is taken away. */
  | { kind: "remove"; project: string; version: string | null; file: string | null }
  /** What feeds know of vulnerabilities, as OSV's API tells it. */
  | OsvRoute
  /** Anything else that would change the index. */
  | { kind: "write" };

const VERSION = /^[A-Za-z0-9][A-Za-z0-9.!+_-]{0,127}$/;

/** The segments of a path, decoded once. Null when one is empty, a dot segment, or hides a slash or a control character. */
function segments(path: string): string[] | null {
  try {
    const decoded = path.slice(1).split("/").map(decodeURIComponent);
    const last = decoded.at(-1) === "" ? decoded.slice(0, -1) : decoded;
    return last.every(isFileName) ? decoded : null;
  } catch {
    return null;
  }
}

function simple(rest: string[], devpi: boolean): PypiRoute | null {
  const [name = "", slash, ...more] = rest;
  if (name === "" && slash === undefined) return { kind: "projects" };
  if (!isName(name) || more.length || (slash !== undefined && slash !== "")) return null;
  const project = normalizeName(name);
  if (slash === "" && name === project) return { kind: "project", project, devpi };
  // PEP 503: "Servers SHOULD redirect" a request without the slash, and one for a name that is not normalised.
  return { kind: "redirect", project, location: `${slash === "" ? "../" : ""}${project}/` };
}

/** hatch looks below the address that it publishes to, as devpi has it, for what is there already, and follows no redirect. */
function besideUpload(all: string[]): PypiRoute | null {
  const isDeeper = all[0] === "legacy";
  const [first, ...rest] = isDeeper ? all.slice(1) : all;
  const route = first === "+simple" && rest.length ? simple(rest, false) : null;
  return route?.kind === "project" && isDeeper ? { ...route, legacy: true } : route;
}

function file(name: string, fileName: string): PypiRoute | null {
  if (!isName(name) || !isFileName(fileName)) return null;
  return { kind: "file", project: normalizeName(name), file: fileName };
}

function release(rest: string[]): PypiRoute | null {
  const [name = "", second, third] = rest;
  if (!isName(name)) return null;
  const project = normalizeName(name);
  if (rest.length === 2 && second === "json") return { kind: "release", project, version: null };
  if (rest.length === 3 && third === "json" && VERSION.test(second!))
    return { kind: "release", project, version: second! };
  return null;
}

function provenance(rest: string[]): PypiRoute | null {
  const [name = "", version = "", fileName = "", last] = rest;
  if (rest.length !== 4 || last !== "provenance" || !isName(name)) return null;
  if (!VERSION.test(version) || !isFileName(fileName)) return null;
  return { kind: "provenance", project: normalizeName(name), version, file: fileName };
}

/** What stands below devpi's public mirror, `/root/pypi`. */
function devpi(rest: string[]): PypiRoute | null {
  const [first, ...more] = rest;
  if (first === undefined) return { kind: "redirect", project: null, location: "pypi/+simple/" };
  if (first === "" && more.length === 0)
    return { kind: "redirect", project: null, location: "+simple/" };
  if (first === "+simple" || first === "simple")
    return more.length
      ? simple(more, true)
      : { kind: "redirect", project: null, location: `${first}/` };
  if (first === "+f") {
    // /+f/<3 hex>/<13 hex>/<file> stands in lock files that were made with devpi.
    const [start = "", end = "", fileName = ""] = more;
    const isDigest = /^[0-9a-f]{3}$/.test(start) && /^[0-9a-f]{13}$/.test(end);
    const project = projectOfFile(sidecarOf(fileName)?.of ?? fileName);
    return more.length === 3 && isDigest && project !== null ? file(project, fileName) : null;
  }
  // The short form for installers: index-url = …/root/pypi
  if (!isName(first) || more.length > 1 || (more[0] ?? "") !== "") return null;
  const project = normalizeName(first);
  const up = more.length ? "../" : "";
  return { kind: "redirect", project, location: `${up}+simple/${project}/` };
}

/** Where files are posted: the repository itself, the public index's path, devpi's index. With or without the last slash: a redirect ends an upload. */
const UPLOAD = /^\/(?:(?:legacy|root\/pypi)\/?)?$/;

/** True for a path that files are posted to. */
export function isUploadPath(path: string): boolean {
  return UPLOAD.test(path);
}

function releaseOf(rest: string[]): { project: string; version: string | null } | null {
  const [name = "", version, ...more] = rest.at(-1) === "" ? rest.slice(0, -1) : rest;
  if (!isName(name) || more.length || (version !== undefined && !VERSION.test(version)))
    return null;
  return { project: normalizeName(name), version: version ?? null };
}

/** What changes the index. */
function parseChange(method: string, path: string): PypiRoute {
  if (method === "POST" && isUploadPath(path)) return { kind: "upload" };
  const [first, second, ...rest] = (path.startsWith("/") && segments(path)) || [];
  const osv = first === "-" && second === "osv" ? parseOsv(method, rest) : null;
  if (osv) return osv;
  if (first === "-" && second === "yank") {
    const { project, version = null } = releaseOf(rest) ?? {};
    const kind = method === "DELETE" ? "unyank" : "yank";
    if (project && version !== null && (method === "POST" || method === "DELETE"))
      return { kind, project, version };
  }
  if (method !== "DELETE") return { kind: "write" };
  return parseRemoval(first, second, rest) ?? { kind: "write" };
}

function parseRemoval(first = "", second = "", rest: string[]): PypiRoute | null {
  const isRelease =
    (first === "-" && second === "release") || (first === "root" && second === "pypi");
  const isFile = first === "files" || rest[0] === "+f";
  if (isFile) {
    const found = first === "files" ? file(second, rest.join("/")) : devpi(rest);
    return found?.kind === "file" ? { ...found, kind: "remove", version: null } : null;
  }
  const found = isRelease ? releaseOf(rest) : null;
  return found && { kind: "remove", ...found, file: null };
}

/** Null for what is no path of this protocol; never throws. */
export function parseRoute(method: string, path: string): PypiRoute | null {
  if (method !== "GET" && method !== "HEAD") return parseChange(method, path);
  const all = path.startsWith("/") ? segments(path) : null;
  if (!all) return null;
  const [first = "", ...rest] = all;
  switch (first) {
    case "":
      return { kind: "redirect", project: null, location: "simple/" };
    case "simple":
      return rest.length
        ? simple(rest, false)
        : { kind: "redirect", project: null, location: "simple/" };
    case "legacy":
    case "+simple":
      return besideUpload(all);
    case "files":
      return rest.length === 2 ? file(rest[0]!, rest[1]!) : null;
    case "integrity":
      return provenance(rest);
    case "-":
      return rest[0] === "osv" ? parseOsv(method, rest.slice(1)) : null;
    case "pypi":
      return release(rest);
    case "root":
      return rest[0] === "pypi" ? devpi(rest.slice(1)) : null;
    default:
      return null;
  }
}
