// Project names (PEP 503, 508), and what a distribution's file name says (PEP 427, 625).
import { purl } from "../../core/purl.ts";
import { normalizeVersion } from "./versions.ts";

const NAME = /^(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]{0,212}[A-Za-z0-9])$/;

/** PEP 508: letters, digits, ".", "-" and "_", the first and the last one a letter or digit. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** PEP 503: "all runs of the characters ., -, or _ replaced with a single -", in lower case. */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, "-").toLowerCase();
}

/** One path segment that is shown, stored and asked for as it is; anything that could leave its folder is none. */
export function isFileName(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= 255 &&
    text.isWellFormed() &&
    !/^[.\s]|\s$|[/\\\u0000-\u001f\u007f]/.test(text)
  );
}

const ARCHIVE = /\.(?:tar\.(?:gz|bz2|xz|z|lzma)|tgz|tbz2?|txz|tar|zip)$/i;
const BINARY = /\.(?:whl|egg|exe|msi|rpm|deb|dmg)$/i;

/** True when the name ends as those of wheels, source distributions and their forerunners do. */
export function isDistribution(file: string): boolean {
  return isFileName(file) && (ARCHIVE.test(file) || BINARY.test(file));
}

/** PEP 658: `.metadata` beside a wheel; PEP 503: `.asc` beside any file. `.provenance` is ours: what PEP 740 serves elsewhere. */
export type Sidecar = ".metadata" | ".asc" | ".provenance";

/** The file that a sidecar stands beside, or null for a file of its own. */
export function sidecarOf(file: string): { of: string; sidecar: Sidecar } | null {
  for (const sidecar of [".metadata", ".asc", ".provenance"] as const)
    if (file.endsWith(sidecar) && isDistribution(file.slice(0, -sidecar.length)))
      return { of: file.slice(0, -sidecar.length), sidecar };
  return null;
}

/** The project that a file name alone speaks of, normalised, or null. Sure for wheels, a good guess for the others. */
export function projectOfFile(file: string): string | null {
  if (!isDistribution(file)) return null;
  const name = BINARY.test(file) ? file.split("-")[0]! : /^(.+?)-v?\d/.exec(file)?.[1];
  return name !== undefined && isName(name) ? normalizeName(name) : null;
}

/** What stands between the project's name and the rest of the name; null when the file is not named for the project. */
export function afterProject(stem: string, project: string): string | null {
  for (let at = stem.indexOf("-"); at >= 0; at = stem.indexOf("-", at + 1))
    if (normalizeName(stem.slice(0, at)) === project) return stem.slice(at + 1);
  return null;
}

/** The version that a file of a normalised project belongs to; empty when its name does not say. */
export function versionOfFile(file: string, project: string): string {
  const stem = file.replace(ARCHIVE, "").replace(BINARY, "");
  if (!isDistribution(file)) return "";
  const rest = afterProject(stem, project);
  if (rest === null) return "";
  // PEP 427 and eggs escape "-" inside a version as "_"; bdist_dumb and wininst add the platform with a dot.
  const version = BINARY.test(file)
    ? rest
        .split("-")[0]!
        .replace(/\.win(?:32|-amd64|-arm64)?$/, "")
        .replaceAll("_", "-")
    : rest.replace(/\.(?:linux|macosx|win32|win|darwin|cygwin|freebsd)\b.*$/, "");
  return /^[A-Za-z0-9][A-Za-z0-9.!+_-]*$/.test(version) ? normalizeVersion(version) : "";
}

/** True when a file is named for this normalised project. */
export function belongsTo(file: string, project: string): boolean {
  return versionOfFile(file, project) !== "";
}

/** pkg:pypi/requests@2.31.0 */
export function releasePurl(project: string, version: string): string {
  return purl("pypi", project, version || undefined);
}
