// The stable addresses of pages about packages: `/-/packages/<repository>/<package>`, and behind it `/v/<version>` or `/-/dependants`.

/** Before a repository's name. */
export const PACKAGES = "/-/packages";
/** Behind a package's name: who needs it. No name has a part like that. */
const DEPENDANTS = "/-/dependants";

export function packagePath(repository: string, name: string): string {
  return `${PACKAGES}/${repository}/${encoded(name)}`;
}

export function versionPath(repository: string, name: string, version: string): string {
  return `${packagePath(repository, name)}/v/${encoded(version)}`;
}

export function dependantsPath(repository: string, name: string): string {
  return packagePath(repository, name) + DEPENDANTS;
}

/** A name may have slashes. A segment of dots alone would be resolved away on its way here. */
function encoded(name: string): string {
  return name
    .split("/")
    .map((part) => encodeURIComponent(part).replaceAll("%40", "@").replace(/^\.+$/, "%2E"))
    .join("/");
}

export interface PackageAddress {
  repository: string;
  package: string;
  version: string | null;
  /** Who needs it is asked for. */
  isDependants: boolean;
}

/** Of what stands behind `/-/packages/`; null for what is no such address. Never throws. */
export function parsePackagePath(path: string): PackageAddress | null {
  const [, repository, rest] = /^\/([a-z0-9][a-z0-9._-]*)\/(.+)$/.exec(path) ?? [];
  if (repository === undefined || rest === undefined) return null;
  if (rest.endsWith(DEPENDANTS)) {
    const name = decoded(rest.slice(0, -DEPENDANTS.length));
    return name ? { repository, package: name, version: null, isDependants: true } : null;
  }
  const cut = rest.lastIndexOf("/v/");
  const [name, version] =
    cut > 0 ? [decoded(rest.slice(0, cut)), decoded(rest.slice(cut + 3))] : [decoded(rest), null];
  if (!name || version === "" || (cut > 0 && version === null)) return null;
  return { repository, package: name, version, isDependants: false };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
