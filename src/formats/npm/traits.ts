// What a manifest says of its release, for rules to go by. npm docs: package.json; npm/registry docs/responses/package-metadata.md
import { licenceTrait, type Traits } from "../../core/traits.ts";
import { isObject, type Manifest } from "./types.ts";

/** What npm runs while it installs a package. */
const INSTALLING = ["preinstall", "install", "postinstall"];

export function traitsOf(manifest: Manifest): Traits {
  const licence = licenceTrait(licenceOf(manifest));
  const { dist } = manifest;
  return {
    ...(licence !== undefined && { licence }),
    ...(hasScripts(manifest) && { scripts: true }),
    ...(isObject(dist) && isObject(dist["attestations"]) && { attested: true }),
  };
}

/** npm itself runs node-gyp for what has a binding.gyp, of which the registry tells with the scripts. */
function hasScripts({ hasInstallScript, gypfile, scripts }: Manifest): boolean {
  if (hasInstallScript === true || gypfile === true) return true;
  return (
    isObject(scripts) &&
    INSTALLING.some((name) => typeof scripts[name] === "string" && scripts[name] !== "")
  );
}

/** Older packages have an object, or a list of which one may be chosen. */
function licenceOf({ license, licenses }: Manifest): unknown {
  if (typeof license === "string") return license;
  if (isObject(license)) return license["type"];
  if (!Array.isArray(licenses)) return undefined;
  const types = licenses.map((one) => (isObject(one) ? one["type"] : one));
  return types.every((type) => typeof type === "string") ? types.join(" OR ") : undefined;
}
