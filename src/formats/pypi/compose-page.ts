// The project page of what is published here, as an upstream would send it: PEP 691, 700. The views make the rest of it.
import type { DocumentRef } from "../../core/document.ts";
import type { HostedFile, HostedPackage, HostedRelease } from "../../core/hosted.ts";
import { fileJson } from "./json.ts";
import type { Sidecar } from "./names.ts";
import { API_VERSION, type FileMetadata } from "./types.ts";
import { provenancePath } from "./view.ts";

/** See `DocumentType.compose`. */
export function composeProject(hosted: HostedPackage, ref: DocumentRef): string {
  const files = hosted.releases.flatMap((release) => {
    const beside = new Map(release.files.map((file) => [file.file, file]));
    return release.files
      .filter(({ kind }) => kind === "distribution")
      .map((file) => entryOf(file, release, beside, ref.key));
  });
  const versions = hosted.releases
    .filter((release) => release.files.some(({ kind }) => kind === "distribution"))
    .map(({ version }) => version);
  return JSON.stringify({ meta: { "api-version": API_VERSION }, name: ref.key, versions, files });
}

function entryOf(
  file: HostedFile,
  { yanked }: HostedRelease,
  beside: ReadonlyMap<string, HostedFile>,
  project: string,
) {
  const name = file.file;
  const { requiresPython } = file.metadata as FileMetadata;
  // One from before belongs to bytes that were replaced, where that is allowed.
  const sidecar = (suffix: Sidecar) => {
    const found = beside.get(name + suffix);
    return found && found.publishedAt >= file.publishedAt ? found : null;
  };
  const metadata = sidecar(".metadata");
  const page = {
    filename: name,
    location: "",
    hashes: { sha256: file.sha256 },
    requiresPython,
    size: file.size,
    uploadTime: uploadTime(file.publishedAt),
    yanked: yanked === null ? false : yanked || true,
    coreMetadata: metadata ? { sha256: metadata.sha256 } : null,
    gpgSig: sidecar(".asc") ? true : null,
    provenance: null,
  };
  const provenance = sidecar(".provenance")
    ? `../..${provenancePath(project, file.version, name)}`
    : null;
  return fileJson(page, `../../files/${project}/${encodeURIComponent(name)}`, provenance);
}

/** PEP 700: "yyyy-mm-ddThh:mm:ss.ffffffZ". */
export function uploadTime(at: number): string {
  return new Date(at).toISOString().replace("Z", "000Z");
}
