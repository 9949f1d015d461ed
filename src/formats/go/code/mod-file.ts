// What of a go.mod decides over versions and archives: the module's path, its Go version, and what it retracts.
// https://go.dev/ref/mod#go-mod-file
import { canonical, compareVersions } from "../version.ts";

/** golang.org/x/mod/zip.MaxGoMod and MaxLICENSE */
export const MOD_LIMIT = 16 * 2 ** 20;

/** The path of its first `module` directive, however the rest of it looks; empty where it has none. As modfile.ModulePath. */
export function modulePathIn(text: string): string {
  for (const line of text.split("\n")) {
    const found = /^module[ \t]+(.*)$/.exec(line.replace(/\/\/.*$/, "").trim());
    const path = found?.[1]?.trim();
    if (!path) continue;
    return unquoted(path) ?? "";
  }
  return "";
}

function unquoted(text: string): string | null {
  if (/^`[^`]*`$/.test(text)) return text.slice(1, -1);
  if (!/^["`]/.test(text)) return text;
  try {
    return text.startsWith('"') ? String(JSON.parse(text)) : null;
  } catch {
    return null;
  }
}

/** The words of each directive, those of blocks with the block's own first. */
function* directives(text: string): Generator<string[]> {
  let block: string | null = null;
  for (const line of text.split("\n")) {
    const words = line
      .replace(/\/\/.*$/, "")
      .replace(/([[\](),])/g, " $1 ")
      .trim()
      .split(/\s+/);
    if (words[0] === "") continue;
    if (block !== null) {
      if (words[0] === ")") block = null;
      else yield [block, ...words];
    } else if (words[1] === "(") block = words[0]!;
    else yield words;
  }
}

/** Whether modules of that version or a later one: only these two numbers count. */
export function isGoAtLeast(text: string, major: number, minor: number): boolean {
  for (const [first, version = ""] of directives(text)) {
    if (first !== "go") continue;
    const found = /^v?(\d+)\.(\d+)/.exec(version);
    if (!found) return false;
    const [own, second] = [Number(found[1]), Number(found[2])];
    return own > major || (own === major && second >= minor);
  }
  return false;
}

export function retractedBy(text: string): (version: string) => boolean {
  const intervals: [string, string][] = [];
  for (const [first, ...words] of directives(text)) {
    if (first !== "retract") continue;
    const versions = words.filter((word) => canonical(word) !== null);
    if (words[0] === "[" && versions.length === 2) intervals.push([versions[0]!, versions[1]!]);
    else if (versions.length === 1) intervals.push([versions[0]!, versions[0]!]);
  }
  return (version) =>
    intervals.some(
      ([low, high]) => compareVersions(low, version) <= 0 && compareVersions(version, high) <= 0,
    );
}

/** That of a release without one. As modfile.AutoQuote: a module's path never needs quotes. */
export function legacyMod(module: string): string {
  return `module ${module}\n`;
}
