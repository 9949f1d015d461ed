// `follow:`, another server whose repositories this one shows in another site.
import { z } from "zod";
import { parseVerifierKey } from "../proof/verifier.ts";
import type { Path as At } from "./errors.ts";
import type { SecretReader } from "./login-resolve.ts";
import { isMapping, type Values } from "./mapping.ts";
import { Duration, EnvName, HttpUrl, Path, ProxyUrl, Size } from "./values.ts";

const longerThanNothing = (ms: number) => ms > 0;

export const Follow = z
  .strictObject({
    url: HttpUrl.describe("Where the primary is").meta({
      examples: ["https://packages.example.com"],
    }),
    key: z
      .string()
      .refine(
        (text) => parseVerifierKey(text) !== null,
        "expected the key of a log, as `holdfast ledger key` prints it on the primary",
      )
      .describe(
        "What the primary's append-only log is verified with: what `holdfast ledger key` prints there",
      )
      .meta({ examples: ["holdfast-1a2b3c4d+…"] }),
    tokenFile: Path.optional()
      .describe("File that holds a token of the primary that may `follow`")
      .meta({ examples: ["/run/secrets/primary"] }),
    tokenEnv: EnvName.optional()
      .describe("Environment variable that holds the token")
      .meta({ examples: ["PRIMARY_TOKEN"] }),
    ca: Path.optional()
      .describe("PEM file with the primary's certificate authority, beside the system's own")
      .meta({ examples: ["/etc/ssl/company.pem"] }),
    proxy: ProxyUrl.optional()
      .describe("An HTTP or SOCKS5 proxy on the way to it")
      .meta({ examples: ["http://proxy.example.com:3128"] }),
    timeout: Duration.refine(longerThanNothing, "must be longer than 0s")
      .prefault("30s")
      .describe("How long it may be silent before the line counts as cut")
      .meta({ examples: ["10s"] }),
    maxRate: Size.refine((bytes) => bytes > 0, "must be more than 0B")
      .optional()
      .describe("Most bytes to fetch from it in a second, for each repository")
      .meta({ examples: ["1MiB"] }),
    every: Duration.refine(longerThanNothing, "must be longer than 0s")
      .prefault("2s")
      .describe("How often it is asked for news, and who may still read")
      .meta({ examples: ["10s"] }),
    files: z
      .union([z.enum(["all", "published"]), z.array(z.string().min(1)).min(1)])
      .default("all")
      .describe(
        "Which files are brought here before anybody asks for them: `all` that the primary has, `published`, those that were published there, or a list of repositories all of whose files are; what was published in the others is as well",
      )
      .meta({ examples: [["internal"]] }),
    accessFor: Duration.refine(longerThanNothing, "must be longer than 0s")
      .optional()
      .describe(
        "For how long it holds who may read what, while the primary cannot be asked. After that nothing is read but what callers may who give no name. Without it for good",
      )
      .meta({ examples: ["7d"] }),
  })
  .optional()
  .describe(
    "The server in another site that this one follows, read-only: it has its repositories by the same names, and no upstream but it. docs/follower.md tells more",
  );

export interface FollowConfig {
  /** Without a trailing slash. */
  url: string;
  /** Of a log, that can be read. */
  key: string;
  token: string;
  ca?: string;
  proxy?: string;
  timeoutMs: number;
  maxRate?: number;
  everyMs: number;
  files: "all" | "published" | string[];
  /** Milliseconds; null for good. */
  accessForMs: number | null;
}

/** `repositories`: names of those that there are. */
export function resolveFollow(
  input: z.infer<typeof Follow>,
  read: SecretReader,
  repositories: readonly string[],
  complain: (path: At, message: string) => void,
): FollowConfig | null {
  if (input === undefined) return null;
  const at = ["follow"];
  if (input.tokenFile === undefined && input.tokenEnv === undefined)
    complain(at, "needs tokenFile or tokenEnv: a token of the primary that may `follow`");
  const token = read.secret(input, "token", at) ?? "";
  const ca = read.pem(input.ca, [...at, "ca"]);
  if (Array.isArray(input.files))
    for (const [index, name] of input.files.entries())
      if (!repositories.includes(name))
        complain([...at, "files", index], `there is no repository ${name}`);
  return {
    url: input.url.replace(/\/+$/, ""),
    key: input.key,
    token,
    ...(ca !== undefined && { ca }),
    ...(input.proxy !== undefined && { proxy: input.proxy }),
    timeoutMs: input.timeout,
    ...(input.maxRate !== undefined && { maxRate: input.maxRate }),
    everyMs: input.every,
    files: input.files,
    accessForMs: input.accessFor ?? null,
  };
}

/** The primary's repository of the same name, as an upstream. */
export function primaryOf(follow: FollowConfig, repository: string) {
  const { url, token, ca, proxy, timeoutMs, maxRate } = follow;
  return {
    url: `${url}/${repository}/`,
    hosts: [] as string[],
    token,
    timeoutMs,
    retryMs: 0,
    minRate: 0,
    ...(ca !== undefined && { ca }),
    ...(proxy !== undefined && { proxy }),
    ...(maxRate !== undefined && { maxRate }),
  };
}

/** What is the primary's to say, or nothing for a follower, by key of the file. */
const THEIRS = {
  access: "who may do what is what the primary says",
  login: "people log in at the primary, and come here with a token of it",
  trustedPublishers: "nothing is published here",
  database: "a server that follows is a single one, with all on its own disk",
  store: "a server that follows is a single one, with all on its own disk",
} as const;
/** The same of a repository. */
const THEIR_REPOSITORY = {
  upstreams: "the primary is its only upstream",
  claims: "the primary says whose a name is",
  sources: "releases are made from code at the primary",
  hosted: "nothing is published here",
} as const;

/** The repositories of a follower, as if the file said where each is had; what is not its own to say is complained of. */
export function asFollower(
  said: Values,
  written: Values,
  complain: (path: At, message: string, what?: "key" | "value") => void,
): Values {
  const leave = (path: At, why: string) =>
    complain(path, `${why}: leave it out where there is \`follow\``, "key");
  for (const [key, why] of Object.entries(THEIRS)) if (key in said) leave([key], why);
  const own = isMapping(said["repositories"]) ? said["repositories"] : {};
  for (const [name, entry] of Object.entries(own))
    for (const [key, why] of Object.entries(THEIR_REPOSITORY))
      if (isMapping(entry) && key in entry) leave(["repositories", name, key], why);
  const follow = said["follow"];
  const parsed = HttpUrl.safeParse(isMapping(follow) ? follow["url"] : null);
  const url = parsed.success ? parsed.data : "http://primary.invalid"; // that it is none is told once
  return Object.fromEntries(
    Object.entries(written).map(([name, entry]) => [
      name,
      isMapping(entry)
        ? { ...entry, upstreams: [{ url: `${url.replace(/\/+$/, "")}/${name}/` }] }
        : entry,
    ]),
  );
}
