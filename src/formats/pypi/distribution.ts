// What the name of a file that is to be published says of it. PEP 427, 625
import { afterProject, isFileName, isName, normalizeName } from "./names.ts";
import { isVersion, normalizeVersion } from "./versions.ts";

export interface Distribution {
  file: string;
  /** As the upload API calls it. */
  type: "bdist_wheel" | "sdist";
  /** Normalised. */
  project: string;
  /** In its normal form. */
  version: string;
  /** Of a wheel, each by itself: "py3-none-any". PEP 425 */
  tags: string[];
}

const WHEEL =
  /^(?<name>[^-]+)-(?<version>[^-]+)(?:-\d[^-]*)?-(?<python>[^-]+)-(?<abi>[^-]+)-(?<platform>[^-]+)\.whl$/;
const SDIST = /\.(?:tar\.gz|zip)$/;
/** More than the largest real ones: three parts multiply. */
const TAGS = 1_000;

/** `project`: its normalised name, where it is known. Null for what is neither a wheel nor a source distribution, nor named as they are. */
export function distributionOf(file: string, project: string | null): Distribution | null {
  if (!isFileName(file)) return null;
  const found = file.endsWith(".whl") ? wheelOf(file) : sdistOf(file, project);
  return found && (project === null || found.project === project) ? found : null;
}

function wheelOf(file: string): Distribution | null {
  const { name, version, python, abi, platform } = WHEEL.exec(file)?.groups ?? {};
  if (!name || !isName(name) || !isVersion(version!)) return null;
  const parts = [python!, abi!, platform!].map((part) => part.split("."));
  if (parts.flat().some((tag) => !/^\w+$/.test(tag))) return null;
  if (parts.reduce((count, { length }) => count * length, 1) > TAGS) return null;
  const [pythons, abis, platforms] = parts as [string[], string[], string[]];
  const tags = pythons.flatMap((one) =>
    abis.flatMap((two) => platforms.map((three) => `${one}-${two}-${three}`)),
  );
  return {
    file,
    type: "bdist_wheel",
    project: normalizeName(name),
    version: normalizeVersion(version!),
    tags,
  };
}

function sdistOf(file: string, project: string | null): Distribution | null {
  if (!SDIST.test(file)) return null;
  const stem = file.replace(SDIST, "");
  const at = stem.lastIndexOf("-");
  const name = project ?? stem.slice(0, Math.max(0, at));
  const version = project === null ? stem.slice(at + 1) : afterProject(stem, project);
  if (!isName(name) || version === null || !isVersion(version)) return null;
  return {
    file,
    type: "sdist",
    project: normalizeName(name),
    version: normalizeVersion(version),
    tags: [],
  };
}
