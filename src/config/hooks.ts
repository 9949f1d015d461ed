// `hooks:` and `mail:`, whom the configuration has told of what happens.
import { z } from "zod";
import { hookWords } from "../core/hook.ts";
import type { Path as At } from "./errors.ts";
import type { SecretReader } from "./login-resolve.ts";
import { Duration, EnvName, HttpUrl, Path, ProxyUrl } from "./values.ts";

/** Enough for one address: the mail server has the last word. */
const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/;
const Address = z.string().regex(ADDRESS, "expected a mail address, like ops@example.com");
const Patterns = z
  .array(z.string().regex(/^\S+$/, "expected a name pattern without spaces, like team-*"))
  .min(1)
  .optional();
const Positive = Duration.refine((ms) => ms > 0, "must be longer than 0s");

const Hook = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, "expected lower case letters, digits, dots and dashes")
      .describe("What it is called in lists and logs, and what waits for it goes by")
      .meta({ examples: ["chat"] }),
    url: HttpUrl.optional()
      .describe("Where a webhook is posted to, as JSON. Redirects are not followed")
      .meta({ examples: ["https://chat.example.com/hooks/holdfast"] }),
    urlFile: Path.optional()
      .describe("File that holds the URL, where it is a secret by itself")
      .meta({ examples: ["/run/secrets/chat-url"] }),
    urlEnv: EnvName.optional()
      .describe("Environment variable that holds the URL")
      .meta({ examples: ["CHAT_URL"] }),
    mail: z
      .array(Address)
      .min(1)
      .optional()
      .describe("Mail addresses, in place of a URL. Takes `mail` beside `hooks`")
      .meta({ examples: [["ops@example.com"]] }),
    events: z
      .array(z.enum(hookWords as [string, ...string[]]).meta({ title: "event" }))
      .min(1)
      .describe(
        `What is told: ${hookWords.join(", ")}. \`held\` is what is not let in, by policy or while the copy before is served, \`*\` is everything`,
      )
      .meta({ examples: [["publish", "tampered"]] }),
    repositories: Patterns.describe(
      "Only what is about these repositories: names, or patterns with `*`. Without it also what is about the server",
    ).meta({ examples: [["release", "team-*"]] }),
    packages: Patterns.describe(
      "Only what is about these packages, by patterns as in `claims`",
    ).meta({ examples: [["@acme/*"]] }),
    secretFile: Path.optional()
      .describe(
        "File that holds the secret that webhooks are signed with: `whsec_…` (base64), or any text of 16 characters or more. Without it they are not signed",
      )
      .meta({ examples: ["/run/secrets/chat-secret"] }),
    secretEnv: EnvName.optional()
      .describe("Environment variable that holds the secret")
      .meta({ examples: ["CHAT_SECRET"] }),
    ca: Path.optional()
      .describe("PEM file with the certificate authority of the receiver, beside the system's own")
      .meta({ examples: ["/etc/ssl/company.pem"] }),
    proxy: ProxyUrl.optional()
      .describe("An HTTP or SOCKS5 proxy on the way to the receiver")
      .meta({ examples: ["http://proxy.example.com:3128"] }),
    timeout: Positive.prefault("10s")
      .describe("How long a receiver may take for all of its answer")
      .meta({ examples: ["30s"] }),
    retry: Duration.prefault("3d")
      .describe("How long what could not be told is tried again, later and later. `0s` is never")
      .meta({ examples: ["7d"] }),
  })
  .meta({ id: "Hook", title: "hook" });

export const Hooks = z
  .array(Hook)
  .default([])
  .describe("Whom to tell of what happens: webhooks and mail. docs/hooks.md tells more");

export const Mail = z
  .strictObject({
    server: z
      .string()
      .regex(/^smtps?:\/\/[^/\s@]+\/?$/, "expected smtp://HOST:PORT or smtps://HOST:PORT")
      .describe("The mail server. Without a port 587, or 465 of `smtps`")
      .meta({ examples: ["smtps://mail.example.com"] }),
    from: z
      .string()
      .regex(/^([^<>@\r\n]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/, "expected a mail address")
      .describe("Who writes")
      .meta({ examples: ["Holdfast <holdfast@example.com>"] }),
    startTls: z
      .boolean()
      .default(true)
      .describe("Whether a connection of `smtp` must be encrypted before anything is said"),
    username: z.string().min(1).optional().describe("Who logs in there; without it nobody"),
    passwordFile: Path.optional()
      .describe("File that holds the password")
      .meta({ examples: ["/run/secrets/mail"] }),
    passwordEnv: EnvName.optional().describe("Environment variable that holds the password"),
    ca: Path.optional().describe("PEM file with the mail server's certificate authority"),
    timeout: Positive.prefault("20s").describe("How long it may be silent"),
  })
  .optional()
  .describe("The mail server through which hooks mail");

export interface HookConfig {
  name: string;
  /** A webhook, or addresses. */
  to: WebhookTarget | { mail: string[] };
  /** As they are written. */
  events: string[];
  repositories: string[] | null;
  packages: string[] | null;
  retryMs: number;
}

export interface WebhookTarget {
  url: string;
  /** Whether it is to be shown. */
  isSecret: boolean;
  secret: string | null;
  ca: string | undefined;
  proxy: string | undefined;
  timeoutMs: number;
}

export interface MailConfig {
  url: string;
  from: string;
  startTls: boolean;
  username: string | undefined;
  password: string | undefined;
  ca: string | undefined;
  timeoutMs: number;
}

type Complain = (path: At, message: string) => void;

export function resolveMail(
  input: z.infer<typeof Mail>,
  read: SecretReader,
  complain: Complain,
): MailConfig | null {
  if (!input) return null;
  const password = read.secret(input, "password", ["mail"]) ?? undefined;
  const hasPassword = input.passwordFile !== undefined || input.passwordEnv !== undefined;
  if (hasPassword !== (input.username !== undefined))
    complain(["mail"], "needs both a username and a password, or neither");
  const { hostname } = new URL(input.server);
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  if (hasPassword && input.server.startsWith("smtp:") && !input.startTls && !isHere)
    complain(["mail", "startTls"], "the password would travel in the clear");
  return {
    url: input.server,
    from: input.from,
    startTls: input.startTls,
    username: input.username,
    password,
    ca: read.pem(input.ca, ["mail", "ca"]),
    timeoutMs: input.timeout,
  };
}

export function resolveHooks(
  inputs: z.infer<typeof Hooks>,
  read: SecretReader,
  { hasMail, complain }: { hasMail: boolean; complain: Complain },
): HookConfig[] {
  const names = new Set<string>();
  return inputs.map((input, at) => {
    const path = ["hooks", at];
    const { name, events, repositories = null, packages = null, retry: retryMs } = input;
    if (names.has(name)) complain([...path, "name"], `there is another hook of the name ${name}`);
    names.add(name);
    const isFromElsewhere = input.urlFile !== undefined || input.urlEnv !== undefined;
    const ways = [input.url !== undefined, isFromElsewhere, input.mail !== undefined];
    if (ways.filter(Boolean).length !== 1)
      complain(path, "needs one of url, urlFile, urlEnv and mail");
    const common = { name, events, repositories, packages, retryMs };
    if (input.mail) {
      if (!hasMail) complain([...path, "mail"], "takes a mail server: mail, beside hooks");
      for (const key of ["secretFile", "secretEnv", "ca", "proxy"] as const)
        if (input[key] !== undefined) complain([...path, key], "is for webhooks");
      return { ...common, to: { mail: input.mail } };
    }
    const secret = read.secret(input, "secret", path);
    if (secret !== null && !isGoodSecret(secret))
      complain(
        path,
        "its secret is too short to sign with: whsec_ and base64 of 16 bytes or more, or a text of 16 characters or more",
      );
    const url = input.url ?? read.secret(input, "url", path) ?? "";
    // What it is stays untold: it may be a secret.
    if (isFromElsewhere && url !== "" && !HttpUrl.safeParse(url).success)
      complain(path, "what urlFile or urlEnv holds is no http:// or https:// URL");
    return {
      ...common,
      to: {
        url,
        isSecret: input.url === undefined,
        secret,
        ca: read.pem(input.ca, [...path, "ca"]),
        proxy: input.proxy,
        timeoutMs: input.timeout,
      },
    };
  });
}

function isGoodSecret(secret: string): boolean {
  if (!secret.startsWith("whsec_")) return secret.length >= 16;
  const text = secret.slice("whsec_".length);
  return /^[A-Za-z0-9+/]+=*$/.test(text) && Buffer.from(text, "base64").length >= 16;
}
