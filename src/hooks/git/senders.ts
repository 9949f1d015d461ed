// What code hosts post when somebody pushes: who sends it, whether it is signed with the secret, and which repository it is about. Pure.
//
// GitHub, GitLab (a token, or Standard Webhooks), Gitea and Forgejo, Bitbucket Cloud and Data Center, each by its own headers.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { keyOf } from "../sign.ts";

/** A request, as far as it matters here. */
export interface Posted {
  header(name: string): string | null;
  body: Uint8Array;
  /** Milliseconds since the epoch. */
  now: number;
}

export interface Sender {
  name: string;
  /** What happened there, in its own words. */
  event: string;
  /** Whether that may have changed a branch or a tag. To be asked of what is authentic: it may read the body. */
  isPush(): boolean;
  isAuthentic(secret: string): boolean;
  /** Whether it only tries whether anybody is here. It is signed by nobody, and nothing is to be done. */
  isProbe: boolean;
}

interface Kind {
  name: string;
  /** Headers that name the event. */
  events: readonly string[];
  pushes: ReadonlySet<string>;
  /** Events of which the body tells what they are about. */
  mixed?: ReadonlySet<string>;
  probe?: string;
  isAuthentic(posted: Posted, secret: string): boolean;
}

/** How far the clock of a sender that tells the time may be from ours. */
const SKEW_S = 300;

const bySha256 =
  (header: string, prefix: string, signed: (posted: Posted) => Uint8Array = ({ body }) => body) =>
  (posted: Posted, secret: string) => {
    const mac = createHmac("sha256", secret).update(signed(posted)).digest("hex");
    return isSame(posted.header(header)?.toLowerCase() ?? "", prefix + mac);
  };
/** Gitea and Forgejo sign the JSON, also where they send it in a form (services/webhook/deliver.go); GitHub signs what it sends. */
const byJson = (header: string) =>
  bySha256(header, "", ({ body, header: get }) => jsonIn(body, get("content-type")));
const giteaPushes = new Set(["push", "create", "delete", "release"]);

/** In the order in which they are looked for: Gitea and Forgejo send GitHub's headers as well. */
const KINDS: readonly Kind[] = [
  {
    name: "Forgejo",
    events: ["x-forgejo-event"],
    pushes: giteaPushes,
    isAuthentic: byJson("x-forgejo-signature"),
  },
  {
    name: "Gitea",
    events: ["x-gitea-event"],
    pushes: giteaPushes,
    isAuthentic: byJson("x-gitea-signature"),
  },
  {
    name: "GitHub",
    events: ["x-github-event"],
    pushes: giteaPushes,
    isAuthentic: bySha256("x-hub-signature-256", "sha256="),
  },
  {
    name: "GitLab",
    events: ["x-gitlab-event"],
    pushes: new Set(["Push Hook", "Tag Push Hook", "Release Hook"]),
    mixed: new Set(["System Hook"]), // of all projects at once
    isAuthentic: isFromGitlab,
  },
  {
    name: "Bitbucket",
    events: ["x-event-key"],
    pushes: new Set(["repo:push", "repo:refs_changed"]),
    probe: "diagnostics:ping", // "Test connection" of Data Center
    isAuthentic: bySha256("x-hub-signature", "sha256="),
  },
];

/** Null for what no code host sends. */
export function senderOf(posted: Posted): Sender | null {
  for (const { name, events, pushes, mixed, probe, isAuthentic } of KINDS) {
    const event = events.map(posted.header).find((value) => value !== null);
    if (event)
      return {
        name,
        event,
        isPush: () => pushes.has(event) || (mixed?.has(event) === true && tellsOfPush(posted)),
        isAuthentic: (secret) => isAuthentic(posted, secret),
        isProbe: event === probe,
      };
  }
  return null;
}

const GITLAB_PUSHES = new Set<unknown>(["push", "tag_push", "repository_update"]);

function tellsOfPush({ body, header }: Posted): boolean {
  const payload = payloadIn(body, header("content-type"));
  return GITLAB_PUSHES.has(at(payload, ["event_name"]) ?? at(payload, ["object_kind"]));
}

/** With a signing token its signature alone counts, for a plain token would be sent beside it by who has none. */
function isFromGitlab(posted: Posted, secret: string): boolean {
  const { header, body, now } = posted;
  if (!secret.startsWith("whsec_")) return isSame(header("x-gitlab-token") ?? "", secret);
  const [id, at] = [header("webhook-id") ?? "", header("webhook-timestamp") ?? ""];
  if (!/^\d{1,12}$/.test(at) || Math.abs(now / 1000 - Number(at)) > SKEW_S) return false;
  const mac = createHmac("sha256", keyOf(secret)).update(`${id}.${at}.`).update(body);
  const want = `v1,${mac.digest("base64")}`;
  // Several while a secret is changed.
  const given = (header("webhook-signature") ?? "").split(" ").slice(0, 10);
  return given.map((one) => isSame(one, want)).includes(true);
}

/** In the same time for whatever is given. */
function isSame(given: string, want: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(want));
}

/** Where the senders tell the repository's addresses. */
const PLACES = [
  ["repository", "clone_url"],
  ["repository", "ssh_url"],
  ["repository", "html_url"],
  ["repository", "git_http_url"],
  ["repository", "git_ssh_url"],
  ["repository", "links", "html", "href"],
  ["project", "git_http_url"],
  ["project", "git_ssh_url"],
  ["project", "web_url"],
] as const;
/** A repository has a few addresses: what tells more is none of these senders. */
const MOST = 16;
const URL_LIMIT = 2048;

/** The addresses of the repository that it is about; none where it tells none. `body`: JSON, or the form that GitHub may be set to. */
export function addressesIn(body: Uint8Array, contentType: string | null): string[] {
  const payload = payloadIn(body, contentType);
  const clones = at(payload, ["repository", "links", "clone"]); // Bitbucket Data Center
  const links = Array.isArray(clones) ? clones.map((one) => at(one, ["href"])) : [];
  const found = [...PLACES.map((place) => at(payload, place)), ...links.slice(0, MOST)];
  const texts = found.filter((one): one is string => typeof one === "string" && one !== "");
  return [...new Set(texts.filter((text) => text.length <= URL_LIMIT))].slice(0, MOST);
}

function payloadIn(body: Uint8Array, contentType: string | null): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(jsonIn(body, contentType)));
  } catch {
    return null;
  }
}

/** The bytes of the JSON: the body, or what stands in the field `payload` of a form. */
function jsonIn(body: Uint8Array, contentType: string | null): Uint8Array {
  const isForm = contentType?.toLowerCase().startsWith("application/x-www-form-urlencoded");
  if (!isForm) return body;
  return Buffer.from(
    new URLSearchParams(Buffer.from(body).toString("latin1")).get("payload") ?? "",
  );
}

function at(value: unknown, path: readonly string[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}
