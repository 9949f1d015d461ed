// From a file, flags and the environment to a Config, or to all mistakes at once.
import { readFileSync } from "node:fs";
import { basename, dirname, resolve as resolvePath } from "node:path";
import { z } from "zod";
import { noRules } from "../core/access.ts";
import type { OptionFile } from "../core/format.ts";
import { isLess } from "../core/share.ts";
import type { SourceSettings } from "../core/source.ts";
import { resolveAccess } from "./access.ts";
import { checkAddresses } from "./addresses.ts";
import { checkBases } from "./bases.ts";
import { resolveDatabase } from "./database.ts";
import { ConfigError, type ConfigMistake, formatPath, type Path } from "./errors.ts";
import { resolveFeeds } from "./feeds-resolve.ts";
import { asFollower, primaryOf, resolveFollow } from "./follow.ts";
import { resolveHooks, resolveMail } from "./hooks.ts";
import { describeIssue, findings } from "./issues.ts";
import { resolveLedger } from "./ledger.ts";
import { resolveLogin, resolvePublishers, type SecretReader } from "./login-resolve.ts";
import { writtenLogin, writtenPublishers } from "./login-written.ts";
import { nearest } from "./nearest.ts";
import { isAbout, resolvePolicy } from "./policy.ts";
import { checkProcesses } from "./processes.ts";
import { checkRefused } from "./refused.ts";
import {
  type CommonInput,
  type Config,
  type HostedInput,
  type RepositoryConfig,
  readOptionFiles,
  readPem,
  readSecret,
  reason,
  resolveHosted,
  resolveUpstream,
  type Surroundings,
  type UpstreamConfig,
} from "./resolve.ts";
import {
  Base,
  commonKeys,
  configSchema,
  type FormatOptions,
  hostedKeys,
  hostedShapeOf,
  optionKeys,
  REPOSITORY_NAME,
} from "./schema.ts";
import { readYaml } from "./source.ts";
import { Source } from "./sources.ts";
import { resolveSource } from "./sources-resolve.ts";
import { resolveStore } from "./store.ts";
import { resolveTls } from "./tls.ts";
import { Upstream } from "./upstream.ts";
import { builtInRepositories } from "./upstreams.ts";
import { type Address, Listen, socketPath } from "./values.ts";

export interface LoadInput {
  /** None: the built-in configuration. */
  file?: string | undefined;
  formats: readonly FormatOptions[];
  flags: {
    data?: string | undefined;
    listen?: string | undefined;
    offline?: boolean | undefined;
  };
  env: Readonly<Record<string, string | undefined>>;
}

type Values = Record<string, unknown>;
type Entry = CommonInput & { format: string; hosted?: HostedInput };
type Complain = (path: Path, message: string, what?: "key" | "value") => void;

/** Flag before variable before file before default. Throws a ConfigError that holds every mistake. */
export function loadConfig({ file, formats, flags, env }: LoadInput): Config {
  const mistakes: ConfigMistake[] = [];
  const source = readYaml(file === undefined ? "" : readFile(file));
  const name = file ?? "built-in configuration";
  const complain: Complain = (path, message, what = "value") => {
    const place = file === undefined ? { line: 0, column: 0 } : source.locate(path, what);
    mistakes.push({ file: name, ...place, path: formatPath(path), message });
  };

  for (const { place, path, message } of source.mistakes)
    mistakes.push({ file: name, ...place, path: formatPath(path), message });
  if (source.mistakes.some(({ fatal }) => fatal)) throw sorted(mistakes);

  const said = source.value ?? {};
  const own = isMapping(said) ? repositoriesOf(said, formats, complain) : {};
  const isFollowing = isMapping(said) && isMapping(said["follow"]) && isMapping(own);
  const written = isFollowing ? asFollower(said, own, complain) : own;
  const value = isMapping(said) ? { ...said, repositories: written } : said;
  const parsed = configSchema(formats).safeParse(value, { error: describeIssue });
  for (const finding of findings(parsed.error?.issues ?? []))
    complain(finding.path, finding.message, finding.what);

  const folder = file === undefined ? process.cwd() : dirname(resolvePath(file));
  const offline = flags.offline || (isMapping(said) && said["offline"] === true);
  const resolved = checkRepositories(written, formats, offline, { folder, env, complain });
  const listen = listenOverride(flags.listen, env["HOLDFAST_LISTEN"], mistakes);
  if (!parsed.success) {
    if (isMapping(said) && isMapping(written)) checkRefused(said, written, listen, complain);
    throw sorted(mistakes);
  }

  const input = parsed.data;
  const data = flags.data || env["HOLDFAST_DATA"];
  const inFile = isMapping(said) && "data" in said;
  const around = { folder, env, complain };
  const reader: SecretReader = {
    secret: (values, name, path) => readSecret(values, name, path, around),
    pem: (file, path) => readPem(file, path, around),
    env: (name) => env[name],
    path: (file) => resolvePath(folder, file),
  };
  const policy = resolvePolicy(
    input.policy,
    formats,
    Object.keys(input.repositories).filter((name) => input.repositories[name]),
    complain,
  );
  const trustedPublishers = resolvePublishers(
    input.trustedPublishers,
    reader,
    {
      publicUrl: input.publicUrl ?? null,
      repositories: Object.keys(input.repositories).filter((name) => input.repositories[name]),
    },
    { complain },
  );
  const follow = resolveFollow(
    input.follow,
    reader,
    Object.keys(input.repositories).filter((name) => input.repositories[name]),
    complain,
  );
  checkProcesses({ ...input, listen: listen ?? input.listen }, complain);
  const { keepFree, until = keepFree } = input.disk;
  if (isLess(until, keepFree))
    complain(["disk", "until"], "must not be less than keepFree: room is made until it is free");
  const store = resolveStore(input.store, reader, complain);
  if (store && Object.values(keepFree).some((wanted) => wanted > 0))
    complain(
      ["disk", "keepFree"],
      "is about files in the data directory: with a bucket (store) the `quota` of a repository bounds them, and store.cache the copies here",
    );
  const config: Config = {
    listen: listen ?? input.listen,
    // What the file says is relative to the file, as all its paths are.
    data: data || !inFile ? resolvePath(data || input.data) : resolvePath(folder, input.data),
    processes: input.processes,
    database: resolveDatabase(input.database, reader, complain),
    store,
    publicUrl: input.publicUrl?.replace(/\/+$/, "") ?? null,
    access: noRules, // below
    trustedProxies: input.trustedProxies,
    socketMode: input.socketMode,
    // A server that goes out to nobody tells no collector.
    traces: offline ? null : (input.traces ?? null),
    login: resolveLogin(input.login, reader, { complain }),
    trustedPublishers,
    written: {
      access: input.access,
      login: writtenLogin(input.login, folder),
      trustedPublishers: writtenPublishers(input.trustedPublishers, trustedPublishers, folder),
      policy: isMapping(said) && Array.isArray(said["policy"]) ? said["policy"] : [],
    },
    places: { file: file ?? null, lines: source.lines(), given: givenBeside(flags, env) },
    feeds: resolveFeeds(input.feeds, formats, around),
    fetches: input.fetches,
    ledger: resolveLedger(input.ledger, reader),
    follow,
    hooks: resolveHooks(input.hooks, reader, { hasMail: input.mail !== undefined, complain }),
    mail: resolveMail(input.mail, reader, complain),
    diskLow: input.diskLow,
    alarms: input.alarms,
    disk: { keepFree, until },
    tls: input.tls ? resolveTls(input.tls, { folder, complain }) : null,
    offline,
    logs: input.logs,
    cache: input.cache,
    scrub: input.scrub,
    requests: input.requests,
    repositories: Object.entries(input.repositories).flatMap(([name, entry]) =>
      entry ? [repository(name, entry as Entry)] : [],
    ),
  };

  function repository(name: string, entry: Entry): RepositoryConfig {
    const format = formats.find((format) => format.name === entry.format)!;
    const { upstreams, bases, own, sources, hookSecret } = resolved.get(name)!;
    // The format's own schema has the last word: it may check one option against another.
    const options = own && format.options.safeParse(own, { error: describeIssue });
    for (const finding of findings(options?.error?.issues ?? []))
      complain(
        ["repositories", name, ...ofFile(finding.path, format)],
        finding.message,
        finding.what,
      );
    return {
      name,
      format: format.name,
      upstreams: follow ? [primaryOf(follow, name)] : upstreams,
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

  config.access = resolveAccess(
    input.access,
    [config.listen, ...config.repositories.flatMap(({ listen }) => listen ?? [])],
    config.repositories.map(({ name }) => name),
    complain,
    (path) => `${basename(name)}:${source.locate(path, "value").line} ${formatPath(path)}`,
  );
  if (config.tls && [config.listen, ...config.repositories.map((one) => one.listen)].some(isSocket))
    complain(
      ["tls"],
      "is not for a socket file: the proxy in front of it speaks TLS. Leave out tls, or listen on HOST:PORT",
    );
  for (const { name, message } of checkAddresses(config))
    complain(["repositories", name, "listen"], message);
  if (mistakes.length) throw sorted(mistakes);
  return config;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const message = `cannot be read: ${reason(error)}`;
    throw new ConfigError([{ file, line: 0, column: 0, path: "", message }]);
  }
}

function isMapping(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The repositories of the file over the built-in ones, key by key. */
function repositoriesOf(said: Values, formats: readonly FormatOptions[], complain: Complain) {
  const own = said["repositories"] ?? {};
  // The schema says what is wrong with it.
  if (!isMapping(own)) return own as unknown as Values;
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

interface Resolved {
  upstreams: UpstreamConfig[];
  bases: RepositoryConfig["bases"];
  sources: SourceSettings[];
  hookSecret: string | null;
  /** The format's own options, files read; null when one of them cannot be. */
  own: Values | null;
}

/** What the schema cannot see, also in a file that it refuses: secrets and other files, and what belongs together. By repository. */
function checkRepositories(
  written: Values,
  formats: readonly FormatOptions[],
  offline: boolean,
  around: Surroundings,
): Map<string, Resolved> {
  const resolved = new Map<string, Resolved>();
  for (const [name, entry] of Object.entries(written)) {
    if (!isMapping(entry)) continue;
    const path = ["repositories", name];
    const format = formats.find((format) => format.name === entry["format"]);
    if (!format) {
      // Without its format the schema stops at the door; what all repositories have can be checked all the same.
      const common = z.object(commonKeys).safeParse(entry, { error: describeIssue });
      for (const finding of findings(common.error?.issues ?? []))
        around.complain([...path, ...finding.path], finding.message, finding.what);
      const known = [
        "format",
        ...Object.keys({ ...commonKeys, ...hostedKeys }),
        ...formats.flatMap((one) => Object.keys(optionKeys(one))),
      ];
      for (const key of Object.keys(entry).filter((one) => !known.includes(one))) {
        const meant = nearest(key, known);
        const hint = meant ? ` (did you mean "${meant}"?)` : "";
        around.complain([...path, key], `unknown key, whatever the format${hint}`, "key");
      }
    }
    const own = format ? ownOptions(entry, format) : {};
    /** All of it is published here: its format asks no upstream for anything. */
    const isWhole = "hosted" in own;
    const read = readOptionFiles(own, format?.fileOptions ?? [], path, around);
    const list = entry["upstreams"] ?? [];
    if (!Array.isArray(list)) continue;
    const code = format?.fromCode && Array.isArray(entry["sources"]) ? entry["sources"] : [];
    const sources = code.flatMap((item, at) => {
      const source = Source.safeParse(item);
      return source.success ? [resolveSource(source.data, [...path, "sources", at], around)] : [];
    });
    const hookSecret = format?.fromCode ? readSecret(entry, "hookSecret", path, around) : null;
    if (hookSecret !== null && hookSecret.length < 16)
      around.complain(
        [...path, entry["hookSecretFile"] === undefined ? "hookSecretEnv" : "hookSecretFile"],
        "holds less than 16 characters: whoever guesses it can have code hosts asked",
      );
    const misspelt = !("upstreams" in entry) && nearest("upstreams", Object.keys(entry));
    if (isWhole && list.length > 0)
      around.complain(
        [...path, "upstreams"],
        "what is published here and what an upstream signs cannot be in one repository: give `hosted` a repository of its own, and clients both",
        "key",
      );
    // An empty list says that only what is published here is ever had.
    const isHosting = format?.hosts === true;
    const isMeant = offline || entry["offline"] === true || (isHosting && "upstreams" in entry);
    const isAlone = list.length === 0 && code.length === 0 && !isWhole;
    // Without its format nothing is known of what it needs.
    if (isAlone && !misspelt && !isMeant && format)
      around.complain(
        path,
        `needs at least one upstream, or ${isHosting ? "upstreams: [] where only what is published here is meant" : "offline: true"}`,
        "key",
      );
    const upstreams: UpstreamConfig[] = [];
    const bases: Resolved["bases"] = [];
    for (const [at, item] of list.entries()) {
      const upstream = Upstream.safeParse(item);
      const base = Base.safeParse(item);
      if (base.success) bases.push({ ...base.data, before: upstreams.length });
      if (upstream.success)
        upstreams.push(resolveUpstream(upstream.data, [...path, "upstreams", at], around));
    }
    resolved.set(name, { upstreams, bases, sources, hookSecret, own: read });
  }
  checkBases(written, around.complain);
  return resolved;
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

/** By which flag or variable a key has its value. */
function givenBeside(flags: LoadInput["flags"], env: LoadInput["env"]): Record<string, string> {
  const by = (flag: unknown, name: string, variable: string) =>
    flag ? name : env[variable] ? variable : null;
  const found = {
    listen: by(flags.listen, "--listen", "HOLDFAST_LISTEN"),
    data: by(flags.data, "--data", "HOLDFAST_DATA"),
    offline: flags.offline ? "--offline" : null,
  };
  const given = Object.entries(found).filter((one): one is [string, string] => one[1] !== null);
  return Object.fromEntries(given);
}

function listenOverride(
  flag: string | undefined,
  variable: string | undefined,
  mistakes: ConfigMistake[],
) {
  const text = flag ?? (variable || undefined);
  if (text === undefined) return null;
  const parsed = Listen.safeParse(text);
  if (parsed.success) return parsed.data;
  const from = flag === undefined ? "HOLDFAST_LISTEN" : "--listen";
  const message = parsed.error.issues[0]!.message;
  mistakes.push({ file: from, line: 0, column: 0, path: "", message });
  return null;
}

function isSocket(address: Address | null): boolean {
  return address !== null && socketPath(address.host) !== null;
}

function sorted(mistakes: ConfigMistake[]): ConfigError {
  return new ConfigError(mistakes.sort((a, b) => a.line - b.line || a.column - b.column));
}
