// From what the schema accepted to what the server uses: files and variables read, defaults in place.

import { readFileSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import type { z } from "zod";
import type { AccessRules } from "../core/access.ts";
import type { CertificateFacts, KeyPair } from "../core/certificate.ts";
import type { OptionFile } from "../core/format.ts";
import type { PolicyRule } from "../core/policy.ts";
import type { Share } from "../core/share.ts";
import type { SourceSettings } from "../core/source.ts";
import type { AlarmsConfig } from "./alarms.ts";
import type { DatabaseConfig } from "./database.ts";
import type { Path } from "./errors.ts";
import type { FollowConfig } from "./follow.ts";
import type { HookConfig, MailConfig } from "./hooks.ts";
import type { LedgerConfig } from "./ledger.ts";
import type { LoginConfig, PublisherConfig } from "./login-resolve.ts";
import type { commonKeys, hostedKeys } from "./schema.ts";
import type { StoreConfig } from "./store.ts";
import type { Upstream } from "./upstream.ts";
import type { Address } from "./values.ts";

/** One upstream as src/upstream takes it. */
export interface UpstreamConfig {
  url: string;
  hosts: string[];
  proxy?: string;
  proxyPassword?: string;
  username?: string;
  password?: string;
  token?: string;
  credentialsPath?: string;
  /** PEM. */
  ca?: string;
  timeoutMs: number;
  retryMs: number;
  /** Bytes in a second. */
  minRate: number;
  /** Bytes in a second. */
  maxRate?: number;
}

export interface HostedConfig {
  trashMs: number;
  replace: boolean;
  quota: number | null;
  quotaPerUser: number | null;
  fileLimit: number;
}

/** Where records of feeds come from, as the configuration says it. */
export interface FeedConfig {
  name: string;
  form: "osv" | "packagist";
  /** Of OSV's bucket: by its names for them; empty for the others. */
  ecosystems: string[];
  everyMs: number;
  from: UpstreamConfig | { directory: string };
}

export interface RepositoryConfig {
  name: string;
  format: string;
  upstreams: UpstreamConfig[];
  /** The repositories that it is built on, in their order; `before`: so many of `upstreams` come before it. */
  bases: { repository: string; before: number }[];
  claims: string[];
  freshnessMs: number;
  /** Bytes of fetched files; null for no bound. */
  quota: number | null;
  /** True also when the whole server is offline. */
  offline: boolean;
  /** An additional address where it stands at the root. */
  listen: Address | null;
  /** Code hosts that its packages are made from. */
  sources: SourceSettings[];
  /** With which code hosts sign what they tell; null: they may tell nothing. */
  hookSecret: string | null;
  /** What is published in it. Bytes and milliseconds; null where there is no bound. */
  hosted: HostedConfig;
  /** Rules that may be about its packages, in their order. */
  policy: PolicyRule[];
  /** As the format's own schema gives them. */
  options: unknown;
  /** The same in the words of the file and of the built-in configuration, without defaults. Files are told by their whole paths. */
  written: Readonly<Record<string, unknown>>;
}

export interface TlsConfig extends CertificateFacts {
  /** Absolute paths. */
  files: KeyPair;
  /** What they held when they were read. */
  pair: KeyPair;
}

/** How traces are told. */
export interface TracesConfig {
  endpoint: string;
  /** 0 to 1. */
  sample: number;
  incoming: boolean;
  outgoing: boolean;
}

export interface Config {
  listen: Address;
  /** Of this server, on this machine. */
  processes: number;
  /** Absolute. */
  data: string;
  /** Null: the catalog is a file in the data directory. */
  database: DatabaseConfig | null;
  /** Null: stored files are in the data directory. */
  store: StoreConfig | null;
  /** Without a trailing slash; null when it is to be taken from each request. */
  publicUrl: string | null;
  access: AccessRules;
  trustedProxies: string[];
  /** Null: none are made. */
  traces: TracesConfig | null;
  /** Of socket files. */
  socketMode: number;
  /** Null for plain HTTP. */
  tls: TlsConfig | null;
  login: LoginConfig;
  trustedPublishers: PublisherConfig[];
  /** What some keys come from, in the words of the file with its defaults, to be shown: without secrets, and with files by their whole paths. */
  written: {
    access: object;
    login: Record<string, Record<string, unknown>>;
    trustedPublishers: object[];
    policy: object[];
  };
  /** Where settings stand, for people. */
  places: {
    /** As it was named; null for the built-in configuration. */
    file: string | null;
    /** By path, as mistakes tell it: lines of the file. */
    lines: Readonly<Record<string, number>>;
    /** What flags and variables said, by key: "--listen". */
    given: Readonly<Record<string, string>>;
  };
  feeds: FeedConfig[];
  /** How long it is kept who was sent which release. Milliseconds; 0 for not at all. */
  fetches: number;
  hooks: HookConfig[];
  mail: MailConfig | null;
  ledger: LedgerConfig;
  /** The server that this one follows; null for one of its own. */
  follow: FollowConfig | null;
  /** In bytes; 0 for never. */
  diskLow: number;
  alarms: AlarmsConfig;
  /** Below `keepFree` room is made until `until` is free. */
  disk: { keepFree: Share; until: Share };
  offline: boolean;
  logs: { style: "auto" | "json" | "text" };
  /** In bytes. */
  cache: { memory: number };
  /** In milliseconds; 0 for never. */
  scrub: number;
  /** What the bodies of requests may take: bytes, and milliseconds. */
  requests: { memory: number; silence: number; time: number };
  /** In the order of the file, built-in ones that it does not name first. */
  repositories: RepositoryConfig[];
}

type UpstreamInput = z.infer<typeof Upstream>;
export type CommonInput = { [Key in keyof typeof commonKeys]: z.infer<(typeof commonKeys)[Key]> };

export type HostedInput = z.infer<(typeof hostedKeys)["hosted"]>;

export interface Surroundings {
  /** What relative paths of the file are relative to. */
  folder: string;
  env: Readonly<Record<string, string | undefined>>;
  complain(path: Path, message: string, what?: "key" | "value"): void;
}

export function resolveHosted(input: HostedInput): HostedConfig {
  const { trash, replace, quota = null, quotaPerUser = null, fileLimit } = input;
  return { trashMs: trash, replace, quota, quotaPerUser, fileLimit };
}

export function resolveUpstream(input: UpstreamInput, path: Path, around: Surroundings) {
  const { complain } = around;
  const secret = (name: "password" | "proxyPassword" | "token") =>
    readSecret(input, name, path, around);
  const password = secret("password");
  const proxyPassword = secret("proxyPassword");
  const token = secret("token");
  const given = (key: keyof UpstreamInput) => input[key] !== undefined;

  const hasPassword = given("passwordFile") || given("passwordEnv");
  const hasToken = given("tokenFile") || given("tokenEnv");
  const hasProxyPassword = given("proxyPasswordFile") || given("proxyPasswordEnv");
  if (hasPassword && !given("username")) complain(path, "has a password but no username");
  if (given("username") && !hasPassword && !hasToken)
    complain([...path, "username"], "needs passwordFile or passwordEnv beside it");
  if (given("username") && hasToken)
    complain([...path, "username"], "either user name and password or a token, not both");
  if (hasProxyPassword && !(input.proxy && URL.parse(input.proxy)?.username))
    complain(
      [...path, "proxy"],
      "needs the user name of the proxy's password: http://NAME@HOST:PORT",
    );

  const upstream: UpstreamConfig = {
    url: input.url,
    hosts: input.hosts,
    timeoutMs: input.timeout,
    retryMs: input.retry,
    minRate: input.minRate,
  };
  if (input.proxy !== undefined) upstream.proxy = input.proxy;
  if (input.username !== undefined) upstream.username = input.username;
  if (input.maxRate !== undefined) upstream.maxRate = input.maxRate;
  if (password !== null) upstream.password = password;
  if (proxyPassword !== null) upstream.proxyPassword = proxyPassword;
  if (token !== null) upstream.token = token;
  if (input.credentialsPath !== undefined) {
    upstream.credentialsPath = input.credentialsPath;
    if (!given("username") && !hasToken)
      complain([...path, "credentialsPath"], "needs a user name or a token beside it");
  }
  const ca = readPem(input.ca, [...path, "ca"], around);
  if (ca !== undefined) upstream.ca = ca;
  return upstream;
}

/** A certificate authority. What is none is complained of. */
export function readPem(
  file: string | undefined,
  path: Path,
  around: Surroundings,
): string | undefined {
  if (file === undefined) return undefined;
  const pem = readTextFile(file, path, around);
  if (pem?.includes("-----BEGIN CERTIFICATE-----")) return pem;
  if (pem !== null) around.complain(path, `${file} holds no PEM certificate`);
  return undefined;
}

/** The value of `…File` or `…Env`. Neither it nor a part of it is ever shown. */
export function readSecret(
  input: Readonly<Record<string, unknown>>,
  name: string,
  path: Path,
  around: Surroundings,
): string | null {
  const [file, variable] = [input[`${name}File`], input[`${name}Env`]] as [string?, string?];
  if (file !== undefined && variable !== undefined) {
    around.complain([...path, `${name}Env`], `either ${name}File or ${name}Env, not both`);
    return null;
  }
  const at = [...path, file === undefined ? `${name}Env` : `${name}File`];
  if (variable !== undefined) {
    const value = around.env[variable];
    if (!value) around.complain(at, `the environment variable ${variable} is not set`);
    return value || null;
  }
  if (file === undefined) return null;
  const value = readTextFile(file, at, around)?.replace(/\r?\n$/, "");
  if (value === "") around.complain(at, `${file} is empty`);
  if (value && /[\r\n]/.test(value))
    around.complain(at, `${file} holds more than one line: expected the secret alone`);
  return value || null;
}

/**
 * Puts an OptionFile in place of each path of some options, or a list of them in place of a list. What is no path stays, for the schema to
 * complain of. Null when a file cannot be read.
 */
export function readOptionFiles(
  options: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  path: Path,
  around: Surroundings,
): Record<string, unknown> | null {
  let failed = false;
  const read = (value: unknown, at: Path): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => read(item, [...at, index]));
    if (typeof value !== "string" || value === "") return value;
    const bytes = readBytes(value, at, around);
    if (bytes === null) failed = true;
    return bytes && ({ path: resolvePath(around.folder, value), bytes } satisfies OptionFile);
  };
  const entries = Object.entries(options).map(([key, value]) => [
    key,
    keys.includes(key) ? read(value, [...path, key]) : value,
  ]);
  return failed ? null : Object.fromEntries(entries);
}

/** Null, with a complaint, when it cannot be read. */
export function readTextFile(file: string, path: Path, around: Surroundings): string | null {
  return readBytes(file, path, around)?.toString("utf8") ?? null;
}

function readBytes(file: string, path: Path, { folder, complain }: Surroundings): Buffer | null {
  const full = resolvePath(folder, file);
  try {
    return readFileSync(full);
  } catch (error) {
    complain(path, `cannot read ${full}: ${reason(error)}`);
    return null;
  }
}

/** Why a file could not be read, in words. */
export function reason(error: unknown): string {
  const code = (error as { code?: string }).code ?? "";
  const words: Record<string, string> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EISDIR: "it is a folder",
    ENOTDIR: "a part of its path is not a folder",
  };
  return words[code] ?? (error as Error).message;
}
