// A page as it is shown: what the upstream says now, corrected by what was seen first. Removed files stay, altered ones show
// their first digests.
import type { Overlay, OverlayEntry } from "../../core/document.ts";
import type { Withheld } from "../../core/policy.ts";
import { hashesOf } from "./json.ts";
import { isInWheel } from "./metadata.ts";
import { isFileName, sidecarOf } from "./names.ts";
import { readEntry } from "./page.ts";
import type { ProjectFile, ProjectPage } from "./types.ts";
import { normalizeVersion } from "./versions.ts";
import { shownFiles, shownVersions } from "./withheld.ts";

/** A file of which nothing is left but its name and its first digest. */
function bareFile(filename: string): ProjectFile {
  return {
    filename,
    location: "",
    hashes: {},
    requiresPython: null,
    size: null,
    uploadTime: null,
    yanked: false,
    coreMetadata: null,
    gpgSig: null,
    provenance: null,
  };
}

/** PEP 592: a yanked file is skipped by resolvers, and installed where a lock file or `==` names it. */
function goneFile(filename: string, state: OverlayEntry, overlay: Overlay): ProjectFile {
  const file = readEntry(state.entry) ?? bareFile(filename);
  return {
    ...file,
    filename,
    hashes: { ...file.hashes, ...hashesOf(state.integrity) },
    yanked: `Removed upstream (first noticed ${state.since}); kept for lock files that pin it`,
    // A promised sidecar that fails ends an install, and it may have gone before anyone asked for it. What a wheel's says is in the wheel.
    coreMetadata: isInWheel(`${filename}.metadata`) ? firstMetadata(file, overlay) : null,
    gpgSig: null,
  };
}

/** What belongs to the bytes is the first one's; what an index may change later (yanked) is today's. */
function firstFile(file: ProjectFile, state: OverlayEntry): ProjectFile {
  const first = readEntry(state.entry) ?? {
    ...file,
    hashes: {},
    size: null,
    coreMetadata: null,
    gpgSig: null,
    provenance: null,
  };
  return {
    ...first,
    filename: file.filename,
    hashes: { ...first.hashes, ...hashesOf(state.integrity) },
    yanked: file.yanked,
  };
}

function stateOf(overlay: Overlay, file: string): OverlayEntry | null {
  return Object.hasOwn(overlay, file) ? overlay[file]! : null;
}

function shownFile(file: ProjectFile, overlay: Overlay): ProjectFile {
  const state = stateOf(overlay, file.filename);
  const shown = state?.state === "tampered" ? firstFile(file, state) : file;
  const sidecar = stateOf(overlay, `${file.filename}.metadata`);
  if (sidecar?.state !== "tampered") return shown;
  return { ...shown, coreMetadata: firstMetadata(shown, overlay) };
}

/** What is said of a file's sidecar, with the first digests seen of it. */
function firstMetadata(file: ProjectFile, overlay: Overlay): ProjectFile["coreMetadata"] {
  const sidecar = stateOf(overlay, `${file.filename}.metadata`);
  if (!sidecar || !file.coreMetadata) return file.coreMetadata;
  const hashes = hashesOf(sidecar.integrity);
  return Object.keys(hashes).length ? hashes : true;
}

/** The page that clients see. PEP 792: of a quarantined project nothing is offered. */
export function shownPage(
  page: ProjectPage,
  overlay: Overlay,
  versionOf: (file: string) => string,
  withheld?: Withheld,
): ProjectPage & { versions: string[] } {
  if (page.status?.status === "quarantined") return { ...page, files: [], versions: [] };
  const named = new Set(page.files.map(({ filename }) => filename));
  const gone = Object.entries(overlay)
    .filter(([file]) => !named.has(file) && isFileName(file) && sidecarOf(file) === null)
    .map(([file, state]) => goneFile(file, state, overlay));
  const all = [...page.files.map((file) => shownFile(file, overlay)), ...gone];
  const files = shownFiles(all, withheld);
  const versions = [...(page.versions ?? [])];
  const known = new Set(versions.map(normalizeVersion));
  for (const { filename } of page.versions ? gone : files) {
    const version = versionOf(filename);
    if (version === "" || known.has(version)) continue;
    known.add(version);
    versions.push(version);
  }
  const left = new Set(files.map(({ filename }) => normalizeVersion(versionOf(filename))));
  const isShown = (version: string) => left.has(normalizeVersion(version));
  return { ...page, files, versions: shownVersions(versions, withheld, isShown) };
}
