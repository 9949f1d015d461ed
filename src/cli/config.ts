// `holdfast config check|show|schema`: what the configuration is, before anything runs.
import { stringify } from "yaml";
import { writtenDatabase } from "../config/database.ts";
import type { HookConfig, MailConfig, WebhookTarget } from "../config/hooks.ts";
import { renderJsonSchema } from "../config/render.ts";
import type { Config, FeedConfig, RepositoryConfig, UpstreamConfig } from "../config/resolve.ts";
import { writtenStore } from "../config/store.ts";
import { formatAddress, formatDuration, formatShare, formatSize } from "../config/values.ts";
import type { SourceSettings } from "../core/source.ts";
import type { Command } from "./arguments.ts";
import { configFile, configFrom, configOptions } from "./options.ts";
import { paint } from "./terminal.ts";
import { serverWarnings, type WarningFormat, warningsOf } from "./warnings.ts";

export function configCommand({ formats }: { formats: readonly WarningFormat[] }): Command {
  return {
    name: "config",
    words: "check|show|schema",
    summary: "Check or show the configuration",
    options: configOptions,
    details: `check   tells every mistake at once, with its line, and what was probably meant; and what is right but dangerous
show    prints what counts in the end: file, flags, variables and defaults. Secrets are ***
schema  prints the JSON Schema of the file, for editors`,
    examples: [
      ["config check --config holdfast.yaml", "Is this file right?"],
      ["config show", "What counts without a file?"],
    ],
    async run(given, terminal) {
      const [what] = given.words;
      if (what === "schema") {
        terminal.out(renderJsonSchema(formats));
        return 0;
      }
      const config = configFrom(given, formats, terminal);
      if (what === "show") terminal.out(renderConfig(config, formats));
      else {
        terminal.out(checked(config, configFile(given, terminal)));
        for (const { subject, text } of [
          ...serverWarnings(config, terminal.now(), false),
          ...config.repositories.flatMap((one) => warningsOf(one, config, formats)),
        ])
          terminal.out(`${paint(terminal, "yellow", "!")} ${subject} ${text}\n`);
      }
      return 0;
    },
  };
}

function checked(config: Config, file: string | undefined): string {
  const names = config.repositories.map(({ name }) => name);
  const served = names.length ? names.join(", ") : "no repository";
  return `${file ?? "The built-in configuration"} is right: ${served} on ${formatAddress(config.listen)}, data in ${config.data}\n`;
}

/** The effective configuration in the words of the file, without what is unset. Secrets are never in it. */
export function renderConfig(config: Config, formats: readonly WarningFormat[]): string {
  const { written, requests } = config;
  const hosting = formats.filter(({ hosts }) => hosts).map(({ name }) => name);
  return stringify(
    {
      listen: formatAddress(config.listen),
      ...(config.processes > 1 && { processes: config.processes }),
      data: config.data,
      ...(config.database && { database: writtenDatabase(config.database) }),
      ...(config.store && { store: writtenStore(config.store) }),
      ...(config.publicUrl === null ? {} : { publicUrl: config.publicUrl }),
      access: written.access,
      ...(Object.keys(written.login).length > 0 && { login: written.login }),
      ...(written.trustedPublishers.length > 0 && { trustedPublishers: written.trustedPublishers }),
      trustedProxies: config.trustedProxies,
      ...(config.traces && { traces: config.traces }),
      socketMode: config.socketMode.toString(8).padStart(4, "0"),
      ...(config.feeds.length > 0 && { feeds: config.feeds.map(shownFeed) }),
      fetches: formatDuration(config.fetches),
      ...(config.hooks.length > 0 && { hooks: config.hooks.map(shownHook) }),
      ...(config.mail && { mail: shownMail(config.mail) }),
      diskLow: formatSize(config.diskLow),
      alarms: shownAlarms(config.alarms),
      disk: {
        keepFree: formatShare(config.disk.keepFree),
        until: formatShare(config.disk.until),
      },
      ...(config.tls === null ? {} : { tls: config.tls.files }),
      offline: config.offline,
      logs: config.logs,
      cache: { memory: formatSize(config.cache.memory) },
      scrub: formatDuration(config.scrub),
      requests: {
        memory: formatSize(requests.memory),
        silence: formatDuration(requests.silence),
        time: formatDuration(requests.time),
      },
      repositories: Object.fromEntries(
        config.repositories.map((repository) => [
          repository.name,
          {
            format: repository.format,
            upstreams: shownLayers(repository),
            claims: repository.claims,
            ...(repository.hookSecret !== null && { hookSecret: "***" }),
            ...(repository.sources.length > 0
              ? { sources: repository.sources.map(shownSource) }
              : {}),
            freshness: formatDuration(repository.freshnessMs),
            ...(repository.quota === null ? {} : { quota: formatSize(repository.quota) }),
            offline: repository.offline,
            ...(repository.listen ? { listen: formatAddress(repository.listen) } : {}),
            ...(hosting.includes(repository.format) && { hosted: shownHosted(repository) }),
            ...(shownOptions(repository.options, repository.written) as object),
          },
        ]),
      ),
    },
    { lineWidth: 0 },
  );
}

/** What was written in its words, and the defaults beside it as the format has them. Files are shown by their paths. */
function shownOptions(options: unknown, written: unknown): unknown {
  if (Array.isArray(options) && written === undefined)
    return options.map((item) => shownOptions(item, undefined));
  if (isMapping(options) && options["bytes"] instanceof Uint8Array)
    return written ?? options["path"];
  if (!isMapping(options) || (written !== undefined && !isMapping(written)))
    return written ?? options;
  const said: Record<string, unknown> = written ?? {};
  return Object.fromEntries(
    [...new Set([...Object.keys(options), ...Object.keys(said)])].map((key) => [
      key,
      shownOptions(options[key], said[key]),
    ]),
  );
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Upstreams and repositories in the order of the file. */
function shownLayers({ upstreams, bases }: RepositoryConfig): object[] {
  const all: object[] = upstreams.map(shownUpstream);
  for (const { repository, before } of [...bases].reverse()) all.splice(before, 0, { repository });
  return all;
}

function shownHosted({ hosted }: RepositoryConfig): object {
  const { trashMs, replace, quota, quotaPerUser, fileLimit } = hosted;
  return {
    trash: formatDuration(trashMs),
    replace,
    ...(quota !== null && { quota: formatSize(quota) }),
    ...(quotaPerUser !== null && { quotaPerUser: formatSize(quotaPerUser) }),
    fileLimit: formatSize(fileLimit),
  };
}

function shownSource({ names, git, everyMs, limit, ...rest }: SourceSettings): object {
  const known = ["folder", "username", "sshKeyFile"] as const;
  const shown: Record<string, unknown> = { names, git };
  for (const key of known) if (rest[key] !== undefined) shown[key] = rest[key];
  for (const secret of ["password", "token"] as const)
    if (rest[secret] !== undefined) shown[secret] = "***";
  if (rest.ca !== undefined) shown["ca"] = certificates(rest.ca);
  return { ...shown, every: formatDuration(everyMs), limit: formatSize(limit) };
}

function shownUpstream(upstream: UpstreamConfig): object {
  const { timeoutMs, retryMs, minRate, maxRate, ca, ...rest } = upstream;
  const shown: Record<string, unknown> = {
    ...rest,
    timeout: formatDuration(timeoutMs),
    retry: formatDuration(retryMs),
    minRate: formatSize(minRate),
  };
  if (maxRate !== undefined) shown["maxRate"] = formatSize(maxRate);
  if (ca !== undefined) shown["ca"] = certificates(ca);
  for (const secret of ["password", "proxyPassword", "token"])
    if (secret in shown) shown[secret] = "***";
  return shown;
}

function shownFeed({ name, form, ecosystems, everyMs, from }: FeedConfig): object {
  return {
    name,
    ...(form !== "osv" && { form }),
    ...(ecosystems.length > 0 && { ecosystems }),
    every: formatDuration(everyMs),
    ...("directory" in from ? from : shownUpstream(from)),
  };
}

function shownHook({ name, to, events, repositories, packages, retryMs }: HookConfig): object {
  return {
    name,
    ...("mail" in to ? to : shownTarget(to)),
    events,
    ...(repositories && { repositories }),
    ...(packages && { packages }),
    retry: formatDuration(retryMs),
  };
}

function shownTarget({ url, isSecret, secret, ca, proxy, timeoutMs }: WebhookTarget): object {
  return {
    url: isSecret ? "***" : url,
    ...(secret !== null && { secret: "***" }),
    ...(ca !== undefined && { ca: certificates(ca) }),
    ...(proxy !== undefined && { proxy }),
    timeout: formatDuration(timeoutMs),
  };
}

function shownMail({ url, password, ca, timeoutMs, username, ...rest }: MailConfig): object {
  return {
    server: url,
    ...rest,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: "***" }),
    ...(ca !== undefined && { ca: certificates(ca) }),
    timeout: formatDuration(timeoutMs),
  };
}

function certificates(pem: string): string {
  return `${pem.split("-----BEGIN CERTIFICATE-----").length - 1} certificate(s)`;
}

function shownAlarms({ errorRate, off, ...times }: Config["alarms"]) {
  const shown = Object.entries(times).map(([key, ms]) => [key, formatDuration(ms)]);
  return { ...Object.fromEntries(shown), errorRate: `${Math.round(errorRate * 100)}%`, off };
}
