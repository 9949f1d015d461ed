// From a client's request to what is recorded, and to where the real registry has it.
import type { Registries } from "./registries.ts";

export interface Wanted {
  key: string;
  kind: "document" | "file";
  /** Where the real registry has it; null when it must not be asked. */
  url: string | null;
  accept?: string;
}

const PYPI_JSON = "application/vnd.pypi.simple.v1+json";
const PYPI_HTML = "text/html";

/** npm: packuments and tarballs; nothing else is recorded. */
export function npm(path: string, registry: string): Wanted | null {
  const decoded = decodeURIComponent(path);
  if (decoded.endsWith(".tgz"))
    return { key: `npm file ${decoded}`, kind: "file", url: registry + path };
  if (!/^\/(@[^/]+\/)?[^/@-][^/]*$/.test(decoded)) return null;
  const url = registry + path.replace(/^\/@([^/]+)\//, "/@$1%2f");
  return { key: `npm document ${decoded}`, kind: "document", url, accept: "application/json" };
}

/** PyPI: project pages in two forms, and files, which the real index keeps on `filesOrigin`. */
export function pypi(
  path: string,
  accept: string,
  index: string,
  filesOrigin: string,
): Wanted | null {
  const project = /^\/simple\/([^/]+)\/$/.exec(path)?.[1];
  if (project) {
    const json = accept.includes(PYPI_JSON);
    return {
      key: `pypi ${json ? "json" : "html"} ${project}`,
      kind: "document",
      url: `${index}/${project}/`,
      accept: json ? PYPI_JSON : PYPI_HTML,
    };
  }
  if (!path.startsWith("/packages/")) return null;
  return {
    key: `pypi file ${decodeURIComponent(path)}`,
    kind: "file",
    url: filesOrigin && filesOrigin + path,
  };
}

/** Go: everything below a module's @v, @latest, and the checksum database behind /sumdb/. */
export function go(path: string, proxy: string): Wanted | null {
  if (!/\/@v\/|\/@latest$|^\/sumdb\//.test(path)) return null;
  return { key: `go file ${path}`, kind: "file", url: proxy + path };
}

export function resolve(
  format: "npm" | "pypi" | "go",
  path: string,
  accept: string,
  registries: Registries,
  filesOrigin: string,
): Wanted | null {
  if (format === "npm") return npm(path, registries.npm);
  if (format === "pypi") return pypi(path, accept, registries.pypi, filesOrigin);
  return go(path, registries.go);
}
