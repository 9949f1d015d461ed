// A file of a project, as the cache keeps it.
import type { Artifact } from "../../core/artifact.ts";
import { projectRef, releaseRef } from "./documents.ts";
import { releasePurl, type Sidecar, sidecarOf, versionOfFile } from "./names.ts";
import type { PypiOptions } from "./options.ts";
import { MEDIA } from "./types.ts";

const KINDS: Record<Sidecar, string> = {
  ".metadata": "metadata",
  ".asc": "signature",
  ".provenance": "provenance",
};
const TEXT = "text/plain; charset=utf-8";
const TYPES: Record<Sidecar, string> = {
  ".metadata": TEXT,
  ".asc": TEXT,
  ".provenance": MEDIA.integrity,
};
const SIDECAR_LIMIT = 16 * 1024 * 1024;

/** A file or its sidecar: only what the project's page names, from where the page says that it is. */
export function artifactOf(project: string, file: string, options: PypiOptions): Artifact {
  const beside = sidecarOf(file);
  const version = versionOfFile(beside?.of ?? file, project);
  return {
    kind: beside ? KINDS[beside.sidecar] : "distribution",
    package: project,
    version,
    file,
    purl: releasePurl(project, version),
    contentType: beside ? TYPES[beside.sidecar] : "application/octet-stream",
    path: null,
    namedBy: [projectRef(project, options)],
    ...(beside
      ? { limit: SIDECAR_LIMIT }
      : version !== "" && { toldBy: () => [releaseRef(project, version)] }),
  };
}
