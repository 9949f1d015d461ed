// The stable addresses of pages about packages: `/-/packages/<repository>/<package>`, and `/v/<version>` behind it.

/** Before a repository's name. */
export const PACKAGES = "/-/packages";

export function packagePath(repository: string, name: string): string {
  return `${PACKAGES}/${repository}/${encoded(name)}`;
}

export function versionPath(repository: string, name: string, version: string): string {
  return `${packagePath(repository, name)}/v/${encoded(version)}`;
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
}

/** Of what stands behind `/-/packages/`; null for what is no such address. Never throws. */
export function parsePackagePath(path: string): PackageAddress | null {
  const [, repository, rest] = /^\/([a-z0-9][a-z0-9._-]*)\/(.+)$/.exec(path) ?? [];
  if (repository === undefined || rest === undefined) return null;
  const cut = rest.lastIndexOf("/v/");
  const [name, version] =
    cut > 0 ? [decoded(rest.slice(0, cut)), decoded(rest.slice(cut + 3))] : [decoded(rest), null];
  if (!name || version === "" || (cut > 0 && version === null)) return null;
  return { repository, package: name, version };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
