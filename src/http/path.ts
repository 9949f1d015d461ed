// What no path may hold, whatever the format: checked on the raw text, before anything is routed.

/**
 * The path with one slash where there are several: clients join a base and a path, and both may have one. Encoded ones stay what they are,
 * for `pathFault` to refuse.
 */
export function oneSlash(path: string): string {
  return path.includes("//") ? path.replaceAll(/\/{2,}/g, "/") : path;
}

/** Why the raw path (percent-encoded, without query) is refused, or null. */
export function pathFault(path: string): string | null {
  if (path.length > 2048) return "the path is longer than 2048 characters";
  if (!/[%\\]|\/\/|\/\.|[^\x21-\x7e]/.test(path)) return null; // almost every path
  if (/[^\x21-\x7e]/.test(path)) return "the path holds a character that must be percent-encoded";
  if (path.includes("\\") || /%5c/i.test(path)) return "the path holds a backslash";
  if (/%(?![0-9a-f]{2})/i.test(path)) return "the path holds a broken percent-encoding";
  if (/%[01][0-9a-f]|%7f/i.test(path)) return "the path holds a control character";
  if (path.includes("//")) return "the path holds an empty segment";
  for (const segment of path.split(/\/|%2f/i)) {
    const plain = segment.replace(/%2e/gi, ".");
    if (plain === "." || plain === "..") return "the path holds a dot segment";
  }
  return null;
}
