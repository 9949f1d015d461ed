// What npm writes into a manifest that it publishes, from files beside the package.json. Other clients leave it out; installers go by it.
import { binPath } from "./confusion.ts";
import { isObject, type Manifest } from "./types.ts";

/** What of a tarball's files a manifest may be filled in from. */
export interface Beside {
  /** A `*.gyp` file stands beside the package.json. */
  hasGyp: boolean;
  /** Paths of the files in the folder `directories.bin`, relative to the package. */
  commands: readonly string[];
}

/** The folder whose files are the package's commands; null for a package that names its commands, or has none. */
export function commandFolder(manifest: Manifest): string | null {
  const { directories, bin } = manifest as { directories?: unknown; bin?: unknown };
  if (bin || !isObject(directories) || typeof directories["bin"] !== "string") return null;
  return binPath(directories["bin"]).replace(/\/$/, "") || null;
}

/** The manifest as npm would have written it. */
export function filledIn(manifest: Manifest, { hasGyp, commands }: Beside): Manifest {
  const filled: Record<string, unknown> = { ...manifest };
  const scripts = isObject(manifest.scripts) ? manifest.scripts : {};
  const isBuilt = hasGyp && !scripts["install"] && !scripts["preinstall"];
  if (isBuilt && manifest.gypfile !== false) {
    filled["scripts"] = { ...scripts, install: "node-gyp rebuild" };
    filled["gypfile"] = true;
  }
  if (commands.length > 0)
    filled["bin"] = Object.fromEntries(commands.map((path) => [path.split("/").at(-1)!, path]));
  return filled;
}
