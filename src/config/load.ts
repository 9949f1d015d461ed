// From a file, flags and the environment to a Config, or to all mistakes at once.
import { readFileSync } from "node:fs";
import { basename, dirname, resolve as resolvePath } from "node:path";
import { noRules } from "../core/access.ts";
import { isLess } from "../core/share.ts";
import { resolveAccess } from "./access.ts";
import { checkAddresses } from "./addresses.ts";
import { resolveDatabase } from "./database.ts";
import { ConfigError, type ConfigMistake, formatPath, type Path } from "./errors.ts";
import { resolveFeeds } from "./feeds-resolve.ts";
import { asFollower, primaryOf, resolveFollow } from "./follow.ts";
import { resolveHooks, resolveMail } from "./hooks.ts";
import { describeIssue, findings } from "./issues.ts";
import { resolveLedger } from "./ledger.ts";
import { resolveLogin, resolvePublishers, type SecretReader } from "./login-resolve.ts";
import { writtenLogin, writtenPublishers } from "./login-written.ts";
import { isMapping } from "./mapping.ts";
import { resolvePolicy } from "./policy.ts";
import { checkProcesses } from "./processes.ts";
import { checkRefused } from "./refused.ts";
import { type Entry, readEntries, resolveRepository, withBuiltIn } from "./repositories.ts";
import { type Config, readPem, readSecret, reason } from "./resolve.ts";
import { configSchema, type FormatOptions } from "./schema.ts";
import { readYaml } from "./source.ts";
import { resolveStore } from "./store.ts";
import { resolveTls } from "./tls.ts";
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
  const own = isMapping(said) ? withBuiltIn(said, formats, complain) : {};
  const isFollowing = isMapping(said) && isMapping(said["follow"]) && isMapping(own);
  const written = isFollowing ? asFollower(said, own, complain) : own;
  const value = isMapping(said) ? { ...said, repositories: written } : said;
  const parsed = configSchema(formats).safeParse(value, { error: describeIssue });
  for (const finding of findings(parsed.error?.issues ?? []))
    complain(finding.path, finding.message, finding.what);

  const folder = file === undefined ? process.cwd() : dirname(resolvePath(file));
  const offline = flags.offline || (isMapping(said) && said["offline"] === true);
  const entries = readEntries(written, formats, offline, { folder, env, complain });
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
  const names = Object.keys(input.repositories).filter((name) => input.repositories[name]);
  const policy = resolvePolicy(input.policy, formats, names, complain);
  const trustedPublishers = resolvePublishers(
    input.trustedPublishers,
    reader,
    {
      publicUrl: input.publicUrl ?? null,
      repositories: names,
    },
    { complain },
  );
  const follow = resolveFollow(input.follow, reader, names, complain);
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
  const all = {
    ...{ formats, offline, policy, complain },
    primary: (repository: string) => follow && primaryOf(follow, repository),
  };
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
      entry ? [resolveRepository(name, entry as Entry, entries.get(name)!, all)] : [],
    ),
  };

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
