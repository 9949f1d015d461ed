// The two kinds of documents: the packument that names all files of a package, and the small one of a single version.
import type { DocumentRef, DocumentType } from "../../core/document.ts";
import { composePackument, composeVersion } from "./hosted.ts";
import { encodeName } from "./names.ts";
import { manifestExtract, manifestFacts, packumentExtract, packumentFacts } from "./packument.ts";
import { renderManifest, renderPackument } from "./view.ts";

const MiB = 1024 * 1024;

export const documents: Record<"packument" | "version", DocumentType> = {
  packument: {
    complete: true,
    limit: 512 * MiB,
    facts: packumentFacts,
    extract: packumentExtract,
    compose: composePackument,
    render: renderPackument,
  },
  version: {
    complete: false,
    limit: 8 * MiB,
    facts: manifestFacts,
    extract: manifestExtract,
    compose: composeVersion,
    render: renderManifest,
  },
};

/** `GET /<name>`, always in full: the abbreviated form has no publish dates. */
export function packumentRef(name: string): DocumentRef {
  return {
    kind: "packument",
    key: name,
    package: name,
    path: encodeName(name),
    accept: "application/json",
  };
}

/** `GET /<name>/<version>`. */
export function versionRef(name: string, version: string): DocumentRef {
  return {
    kind: "version",
    key: `${name}@${version}`,
    package: name,
    path: `${encodeName(name)}/${encodeURIComponent(version)}`,
    accept: "application/json",
  };
}
