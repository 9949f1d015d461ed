// The GOPROXY path grammar and that of the checksum database under it. https://go.dev/ref/mod#goproxy-protocol
// https://go.dev/design/25530-sumdb#proxying-a-checksum-database
import type { Access } from "../../core/grant.ts";
import { parseTilePath, type Tile } from "../../proof/tile.ts";
import { isRelease, unescapePath, unescapeVersion } from "./names.ts";

export type GoRoute =
  | { kind: "list" | "latest"; module: string }
  | { kind: "query"; module: string; query: string }
  | { kind: "info" | "mod" | "zip"; module: string; version: string }
  | { kind: "sumdb-supported"; database: string }
  | { kind: "sumdb-latest"; database: string }
  | { kind: "sumdb-lookup"; database: string; module: string; version: string }
  | { kind: "sumdb-tile"; database: string; tile: Tile }
  /** Of the database of vulnerabilities: `index/modules`, `ID/GO-2026-1`. */
  | { kind: "vulndb"; entry: string; isPacked: boolean };

const MODULE =
  /^(?<module>.+)\/@(?:(?<latest>latest)|v\/(?:(?<list>list)|(?<version>[^/]+)\.(?<extension>info|mod|zip)))$/;
const SUMDB =
  /^sumdb\/(?<database>.+?)\/(?:(?<word>supported|latest)|lookup\/(?<module>[^@]+)@(?<version>[^@/]+)|(?<tile>tile\/.+))$/;
/** Below an address of its own: no module's path begins with "-". https://go.dev/doc/security/vuln/database#api */
const VULNDB =
  /^-\/vulndb\/(?<entry>index\/(?:db|modules|vulns)|ID\/[A-Za-z0-9][A-Za-z0-9._-]{0,127})\.json(?<packed>\.gz)?$/;
const DATABASE = /^[A-Za-z0-9._~/-]+$/;

/** Decoded once, segment by segment; null when a segment hides a separator or is empty. The go command sends "!" as %21. */
function decodePath(rawPath: string): string | null {
  if (!rawPath.startsWith("/")) return null;
  const segments: string[] = [];
  for (const raw of rawPath.slice(1).split("/")) {
    let segment: string;
    try {
      segment = decodeURIComponent(raw);
    } catch {
      return null;
    }
    if (!segment || segment === "." || segment === ".." || /[/\\\0-\x1f\x7f]/.test(segment))
      return null;
    segments.push(segment);
  }
  return segments.join("/");
}

function parseSumdb(path: string): GoRoute | null {
  const at = SUMDB.exec(path)?.groups;
  const database = at?.["database"];
  if (!at || !database || !DATABASE.test(database)) return null;
  if (at["word"])
    return { kind: at["word"] === "latest" ? "sumdb-latest" : "sumdb-supported", database };
  if (at["tile"]) {
    const tile = parseTilePath(at["tile"]);
    return tile && { kind: "sumdb-tile", database, tile };
  }
  const module = unescapePath(at["module"]!);
  const version = unescapeVersion(at["version"]!);
  if (!module || !version || !isRelease(module, version)) return null;
  return { kind: "sumdb-lookup", database, module, version };
}

function parseModule(path: string): GoRoute | null {
  const at = MODULE.exec(path)?.groups;
  const module = at && unescapePath(at["module"]!);
  if (!at || !module) return null;
  if (at["latest"]) return { kind: "latest", module };
  if (at["list"]) return { kind: "list", module };

  const version = unescapeVersion(at["version"]!);
  const kind = at["extension"] as "info" | "mod" | "zip";
  if (!version) return null;
  if (isRelease(module, version)) return { kind, module, version };
  return kind === "info" ? { kind: "query", module, query: version } : null;
}

/** Returns null for anything that is not a path of the protocol; never throws. */
export function parseRoute(method: string, rawPath: string): GoRoute | null {
  if (method !== "GET" && method !== "HEAD") return null;
  const path = decodePath(rawPath);
  if (path === null) return null;
  const vulndb = VULNDB.exec(path)?.groups;
  if (vulndb)
    return {
      kind: "vulndb",
      entry: vulndb["entry"]!,
      isPacked: vulndb["packed"] !== undefined,
    };
  return path.startsWith("sumdb/") ? parseSumdb(path) : parseModule(path);
}

export function accessOf(route: GoRoute): Access {
  return { action: "read", package: "module" in route ? route.module : null };
}
