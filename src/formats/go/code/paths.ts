// What of a module's path is which: its code's root, the folder in it, and the major version. https://go.dev/ref/mod#vcs-find

export interface ModulePlace {
  module: string;
  /** The module's path without its major version. */
  prefix: string;
  /** "/v2"; empty for v0 and v1. */
  major: string;
  /** Where in the code it is, by its path; empty for the root. */
  folder: string;
  /** What its tags begin with. */
  tagPrefix: string;
  /** The path is that of the code itself. */
  isRoot: boolean;
}

/** "/v2" at the end of a path. */
export function splitMajor(path: string): { prefix: string; major: string } | null {
  const found = /^(.+)\/v([\d.]+)$/.exec(path);
  if (!found) return { prefix: path, major: "" };
  if (!/^([2-9]|[1-9]\d+)$/.test(found[2]!)) return null;
  return { prefix: found[1]!, major: `/v${found[2]}` };
}

/** `root`: the part of the path that led to the code. Null for what no module can be called. */
export function placeOf(module: string, root: string): ModulePlace | null {
  const split = splitMajor(module);
  if (!split) return null;
  const isRoot = module === root;
  const prefix = isRoot ? module : split.prefix;
  if (prefix !== root && !prefix.startsWith(`${root}/`)) return null;
  const folder = prefix.slice(root.length + 1);
  return {
    module,
    prefix,
    major: split.major,
    folder,
    tagPrefix: folder === "" ? "" : `${folder}/`,
    isRoot,
  };
}

/** Whether a version (without "+incompatible") may have this path. */
export function fitsMajor(version: string, major: string): boolean {
  const own = /^v\d+/.exec(version)?.[0];
  if (major === "") return own === "v0" || own === "v1" || version.endsWith("+incompatible");
  return own === major.slice(1);
}
