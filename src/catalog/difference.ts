// What is otherwise in a version than in the one before it, of what was found inside of both. Pure.
import type { Changed, Difference } from "../core/catalog.ts";
import type { Inside, InsideFile } from "../core/inside.ts";

/** Files that are named, of each kind of change. */
const NAMED = 200;

export function differenceOf(version: string, before: Inside, after: Inside): Difference {
  // Folders are named after the version by some who pack.
  const [old, now] = [filesOf(before), filesOf(after)];
  const added = [...now.keys()].filter((path) => !old.has(path));
  const removed = [...old.keys()].filter((path) => !now.has(path));
  const changed = [...now].flatMap(([path, { size, mark }]) => {
    const was = old.get(path);
    return was && (was.size !== size || was.mark !== mark) ? [path] : [];
  });
  const named = [added, removed, changed].map((paths) => paths.sort().slice(0, NAMED));
  const all = added.length + removed.length + changed.length;
  return {
    before: version,
    added: named[0]!,
    removed: named[1]!,
    changed: named[2]!,
    more: all - named.flat().length,
    dependencies: changesOf(rangesOf(before), rangesOf(after)),
    scripts: changesOf(before.scripts, after.scripts),
    sizeBefore: before.size,
    sizeAfter: after.size,
  };
}

function filesOf({ files }: Inside): Map<string, InsideFile> {
  const tops = new Set(files.map(({ path }) => path.split("/", 1)[0]));
  const cut = tops.size === 1 && files.every(({ path }) => path.includes("/"));
  return new Map(
    files.map((file) => [cut ? file.path.slice(file.path.indexOf("/") + 1) : file.path, file]),
  );
}

function rangesOf({ dependencies }: Inside): Record<string, string> {
  return Object.fromEntries(
    dependencies.map(({ name, range, kind }) => [
      kind ? `${name} (${kind})` : name,
      range || "any",
    ]),
  );
}

function changesOf(before: Record<string, string>, after: Record<string, string>): Changed[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const [was = null, is = null] = [before[name], after[name]];
    return was === is ? [] : [{ name, before: was, after: is }];
  });
}
