// `repositories:`, over the built-in ones: what the schema cannot see of an entry, and what a server is given for each.
import { z } from "zod";
import type { OptionFile } from "../core/format.ts";
import type { SourceSettings } from "../core/source.ts";
import { checkBases } from "./bases.ts";
import type { Path } from "./errors.ts";
import { describeIssue, findings } from "./issues.ts";
import { isMapping, type Values } from "./mapping.ts";
import { nearest } from "./nearest.ts";
import { isAbout } from "./policy.ts";
import {
  type CommonInput,
  type HostedInput,
  type RepositoryConfig,
  readOptionFiles,
  readSecret,
  resolveHosted,
  resolveUpstream,
  type Surroundings,
  type UpstreamConfig,
} from "./resolve.ts";
import {
  Base,
  commonKeys,
  type FormatOptions,
  hostedKeys,
  hostedShapeOf,
  optionKeys,
  REPOSITORY_NAME,
} from "./schema.ts";
import { Source } from "./sources.ts";
import { resolveSource } from "./sources-resolve.ts";
import { Upstream } from "./upstream.ts";
import { builtInRepositories } from "./upstreams.ts";

type Complain = Surroundings["complain"];

/** An entry as the schema gives it. */
export type Entry = CommonInput & { format: string; hosted?: HostedInput };

/** What stands in an entry, its files and secrets read. */
export interface ReadEntry {
  upstreams: UpstreamConfig[];
  bases: RepositoryConfig["bases"];
  sources: SourceSettings[];
  hookSecret: string | null;
  /** The format's own options, files read; null when one of them cannot be. */
  own: Values | null;
}

/** Those of the file over the built-in ones, key by key. */
export function withBuiltIn(
  said: Values,
  formats: readonly FormatOptions[],
  complain: Complain,
): Values {
  const own = said["repositories"] ?? {};
  // The schema says what is wrong with it.
  if (!isMapping(own)) return own as Values;
  const merged: Values = {};
  for (const [name, { format, upstreams, options }] of Object.entries(builtInRepositories)) {
    if (!formats.some((known) => known.name === format)) continue;
    // `npm:` with nothing after it is the built-in one as it stands.
    const mine = own[name] ?? {};
    merged[name] = isMapping(mine) ? { format, upstreams, ...options, ...mine } : mine;
  }
  for (const [name, mine] of Object.entries(own)) {
    const path = ["repositories", name];
    if (name === "-")
      complain(path, "this name is taken: /-/ is where the server speaks for itself", "key");
    else if (!REPOSITORY_NAME.test(name))
      complain(path, "expected lower case letters, digits, dots, dashes and underscores", "key");
    if (name in merged) continue;
    if (mine === false)
      complain(path, "there is no built-in repository of this name to switch off", "key");
    else merged[name] = mine;
  }
  return merged;
}

/** Complains also of a file that the schema refuses. By repository. */
export function readEntries(
  written: Values,
  formats: readonly FormatOptions[],
  offline: boolean,
  around: Surroundings,
): Map<string, ReadEntry> {
  const found = new Map<string, ReadEntry>();
  for (const [name, entry] of Object.entries(written)) {
    if (!isMapping(entry)) continue;
    const path = ["repositories", name];
    const format = formats.find((format) => format.name === entry["format"]);
    if (!format) checkWithoutFormat(entry, formats, path, around.complain);
    const own = format ? ownOptions(entry, format) : {};
    const options = readOptionFiles(own, format?.fileOptions ?? [], path, around);
    if (!Array.isArray(entry["upstreams"] ?? [])) continue;
    const hookSecret = format?.fromCode ? readHookSecret(entry, path, around) : null;
    const sources = format?.fromCode ? readSources(entry, path, around) : [];
    // Without its format nothing is known of what it needs.
    if (format) checkOrigins(entry, format, "hosted" in own, offline, path, around.complain);
    found.set(name, {
      ...readUpstreams(entry, path, around),
      ...{ sources, hookSecret, own: options },
    });
  }
  checkBases(written, around.complain);
  return found;
}

/** The schema stops at the door; what all repositories have can be checked all the same. */
function checkWithoutFormat(
  entry: Values,
  formats: readonly FormatOptions[],
  path: Path,
  complain: Complain,
): void {
  const common = z.object(commonKeys).safeParse(entry, { error: describeIssue });
  for (const finding of findings(common.error?.issues ?? []))
    complain([...path, ...finding.path], finding.message, finding.what);
  const known = [
    "format",
    ...Object.keys({ ...commonKeys, ...hostedKeys }),
    ...formats.flatMap((one) => Object.keys(optionKeys(one))),
  ];
  for (const key of Object.keys(entry).filter((one) => !known.includes(one))) {
    const meant = nearest(key, known);
    const hint = meant ? ` (did you mean "${meant}"?)` : "";
    complain([...path, key], `unknown key, whatever the format${hint}`, "key");
  }
}

/** It has its packages from somewhere. `isWhole`: all of it is published here, and its format asks no upstream for anything. */
function checkOrigins(
  entry: Values,
  format: FormatOptions,
  isWhole: boolean,
  offline: boolean,
  path: Path,
  complain: Complain,
): void {
  const upstreams = listOf(entry, "upstreams");
  if (isWhole && upstreams.length > 0)
    complain(
      [...path, "upstreams"],
      "what is published here and what an upstream signs cannot be in one repository: give `hosted` a repository of its own, and clients both",
      "key",
    );
  const code = format.fromCode ? listOf(entry, "sources") : [];
  if (isWhole || upstreams.length + code.length > 0) return;
  // An empty list says that only what is published here is ever had.
  const isHosting = format.hosts === true;
  const isMeant = offline || entry["offline"] === true || (isHosting && "upstreams" in entry);
  const misspelt = !("upstreams" in entry) && nearest("upstreams", Object.keys(entry));
  if (misspelt || isMeant) return;
  complain(
    path,
    `needs at least one upstream, or ${isHosting ? "upstreams: [] where only what is published here is meant" : "offline: true"}`,
    "key",
  );
}

function readHookSecret(entry: Values, path: Path, around: Surroundings): string | null {
  const secret = readSecret(entry, "hookSecret", path, around);
  if (secret !== null && secret.length < 16)
    around.complain(
      [...path, entry["hookSecretFile"] === undefined ? "hookSecretEnv" : "hookSecretFile"],
      "holds less than 16 characters: whoever guesses it can have code hosts asked",
    );
  return secret;
}

function readSources(entry: Values, path: Path, around: Surroundings): SourceSettings[] {
  return listOf(entry, "sources").flatMap((item, at) => {
    const source = Source.safeParse(item);
    return source.success ? [resolveSource(source.data, [...path, "sources", at], around)] : [];
  });
}

function readUpstreams(
  entry: Values,
  path: Path,
  around: Surroundings,
): Pick<ReadEntry, "upstreams" | "bases"> {
  const upstreams: UpstreamConfig[] = [];
  const bases: ReadEntry["bases"] = [];
  for (const [at, item] of listOf(entry, "upstreams").entries()) {
    const upstream = Upstream.safeParse(item);
    const base = Base.safeParse(item);
    if (base.success) bases.push({ ...base.data, before: upstreams.length });
    if (upstream.success)
      upstreams.push(resolveUpstream(upstream.data, [...path, "upstreams", at], around));
  }
  return { upstreams, bases };
}

/** Of what else is in its place the schema says what is wrong. */
function listOf(entry: Values, key: string): readonly unknown[] {
  return Array.isArray(entry[key]) ? entry[key] : [];
}

/** What all of them hang on. */
export interface AllRepositories {
  formats: readonly FormatOptions[];
  /** What a follower has in place of upstreams; null where the server follows none. */
  primary(repository: string): UpstreamConfig | null;
  offline: boolean;
  policy: RepositoryConfig["policy"];
  complain: Complain;
}

export function resolveRepository(
  name: string,
  entry: Entry,
  read: ReadEntry,
  { formats, primary, offline, policy, complain }: AllRepositories,
): RepositoryConfig {
  const format = formats.find((format) => format.name === entry.format)!;
  const { upstreams, bases, own, sources, hookSecret } = read;
  // The format's own schema has the last word: it may check one option against another.
  const options = own && format.options.safeParse(own, { error: describeIssue });
  for (const finding of findings(options?.error?.issues ?? []))
    complain(
      ["repositories", name, ...ofFile(finding.path, format)],
      finding.message,
      finding.what,
    );
  const followed = primary(name);
  return {
    name,
    format: format.name,
    upstreams: followed ? [followed] : upstreams,
    bases,
    sources,
    hookSecret,
    claims: entry.claims,
    freshnessMs: entry.freshness,
    quota: entry.quota ?? null,
    offline: offline || entry.offline || upstreams.length + bases.length + sources.length === 0,
    listen: entry.listen ?? null,
    hosted: resolveHosted(entry.hosted ?? hostedKeys.hosted.parse({})),
    options: options?.data,
    written: own ? wholePaths(own, format) : {},
    policy: policy.filter((rule) => isAbout(rule, name, format)),
  };
}

/** What of an entry is for the format alone to read; of `hosted` what the format adds to it, where anything of that is said. */
function ownOptions(entry: Values, format: FormatOptions): Values {
  const own = pick(entry, Object.keys(optionKeys(format)));
  const shape = hostedShapeOf(format);
  if (!shape || !isMapping(own["hosted"])) return own;
  const { hosted, ...rest } = own;
  const added = pick(hosted as Values, Object.keys(shape));
  return Object.keys(added).length ? { ...rest, hosted: added } : rest;
}

function pick(values: Values, keys: readonly string[]): Values {
  return Object.fromEntries(keys.filter((key) => key in values).map((key) => [key, values[key]]));
}

/** Where the file has it: what is read from a file has no parts there. */
function ofFile(path: Path, { fileOptions = [] }: FormatOptions): Path {
  if (!fileOptions.includes(String(path[0]))) return path;
  return path.slice(0, typeof path[1] === "number" ? 2 : 1);
}

function wholePaths(own: Values, { fileOptions = [] }: FormatOptions): Values {
  const pathOf = (file: unknown) => (file as OptionFile).path;
  return Object.fromEntries(
    Object.entries(own).map(([key, value]) => [
      key,
      !fileOptions.includes(key) ? value : Array.isArray(value) ? value.map(pathOf) : pathOf(value),
    ]),
  );
}
