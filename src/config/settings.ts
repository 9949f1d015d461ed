// The settings that count, one by one, each with where it stands: a line of the file, a flag, or nowhere, so that it is a default.
import { formatPath, type Path } from "./errors.ts";
import type { Config } from "./resolve.ts";
import type { FormatOptions } from "./schema.ts";
import { shownConfig } from "./shown.ts";
import { builtInRepositories } from "./upstreams.ts";

export interface Setting {
  /** As mistakes of the file tell it: repositories.npm.upstreams[0].url */
  path: string;
  /** Of which repository; null for the server itself. */
  repository: string | null;
  /** In the words of the file; a secret is ***. */
  value: string;
  /** In the file; null where it does not stand there. */
  line: number | null;
  /** Where else it comes from, in words; null for what stands in the file. */
  from: string | null;
}

/** All of them, in the order of `config show`. */
export function settingsOf(
  config: Config,
  formats: readonly Pick<FormatOptions, "name" | "hosts">[],
): Setting[] {
  const found: Setting[] = [];
  const walk = (value: unknown, path: Path): void => {
    if (Array.isArray(value) && value.some(isStructure))
      for (const [at, item] of value.entries()) walk(item, [...path, at]);
    else if (isStructure(value) && !Array.isArray(value))
      for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
    else found.push(settingOf(path, wordsOf(value), config));
  };
  walk(shownConfig(config, formats), []);
  return found;
}

function settingOf(path: Path, value: string, config: Config): Setting {
  const { places } = config;
  const repository = path[0] === "repositories" ? String(path[1]) : null;
  const given = repository === null ? places.given[String(path[0])] : undefined;
  const line = given === undefined ? lineOf(path, places.lines) : null;
  const from = given ?? (line === null ? sourceOf(path, value, config) : null);
  return { path: formatPath(path), repository, value, line, from };
}

/** Of the value itself, of the secret that it is read from, or of the one text that stands for several keys. */
function lineOf(path: Path, lines: Readonly<Record<string, number>>): number | null {
  const own = formatPath(path);
  for (const name of [own, `${own}File`, `${own}Env`]) {
    const line = Object.hasOwn(lines, name) ? lines[name] : undefined;
    if (line !== undefined) return line;
  }
  return path.length > 1 ? lineOf(path.slice(0, -1), lines) : null;
}

function sourceOf(path: Path, value: string, { offline, places }: Config): string {
  if (isBuiltIn(path, places.lines)) return "built in";
  if (path[0] === "repositories" && path[2] === "offline" && value === "true")
    return offline
      ? `offline of the server${places.given["offline"] ? ` (${places.given["offline"]})` : ""}`
      : "it has nobody to ask";
  return "default";
}

/** Key by key, what the file says of a built-in repository takes its place. */
function isBuiltIn(path: Path, lines: Readonly<Record<string, number>>): boolean {
  const [, name, key, ...rest] = path;
  if (path[0] !== "repositories" || !Object.hasOwn(builtInRepositories, String(name))) return false;
  const { format, upstreams, options } = builtInRepositories[String(name)]!;
  const start = formatPath(path.slice(0, 3));
  const isSaid = Object.keys(lines).some(
    (one) => one === start || one.startsWith(`${start}.`) || one.startsWith(`${start}[`),
  );
  let at: unknown = { format, upstreams, ...options };
  for (const part of [key!, ...rest]) {
    if (!isStructure(at) || !Object.hasOwn(at, part)) return false;
    at = (at as Record<string | number, unknown>)[part];
  }
  return !isSaid;
}

function isStructure(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function wordsOf(value: unknown): string {
  if (!Array.isArray(value)) return value === null || value === undefined ? "none" : String(value);
  return value.length === 0 ? "none" : value.map(String).join(", ");
}
