// What counts in the end, in the words of the file: for `config show`, and for pages that tell where each setting stands.
import type { SourceSettings } from "../core/source.ts";
import { writtenDatabase } from "./database.ts";
import type { FollowConfig } from "./follow.ts";
import type { HookConfig, MailConfig, WebhookTarget } from "./hooks.ts";
import type { Config, FeedConfig, RepositoryConfig, UpstreamConfig } from "./resolve.ts";
import type { FormatOptions } from "./schema.ts";
import { writtenStore } from "./store.ts";
import { formatAddress, formatDuration, formatShare, formatSize } from "./values.ts";

/** The effective configuration in the words of the file, without what is unset. Secrets are never in it. */
export function shownConfig(
  config: Config,
  formats: readonly Pick<FormatOptions, "name" | "hosts">[],
): Record<string, unknown> {
  const { written, requests } = config;
  const hosting = formats.filter(({ hosts }) => hosts).map(({ name }) => name);
  return {
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
    ...(written.policy.length > 0 && { policy: written.policy }),
    ...(config.feeds.length > 0 && { feeds: config.feeds.map(shownFeed) }),
    fetches: formatDuration(config.fetches),
    ...(config.hooks.length > 0 && { hooks: config.hooks.map(shownHook) }),
    ...(config.mail && { mail: shownMail(config.mail) }),
    ...(config.follow && { follow: shownFollow(config.follow) }),
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
  };
}

function shownFollow({ timeoutMs, everyMs, accessForMs, maxRate, ...follow }: FollowConfig) {
  return {
    ...follow,
    token: "***",
    timeout: formatDuration(timeoutMs),
    ...(maxRate !== undefined && { maxRate: formatSize(maxRate) }),
    every: formatDuration(everyMs),
    ...(accessForMs !== null && { accessFor: formatDuration(accessForMs) }),
  };
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
