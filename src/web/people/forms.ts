// What forms send, and where a browser goes afterwards.
import { escapeHtml } from "../../core/html.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { SiteRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";

const LIMIT = 16 * 1024;

/** The fields of a form of one of our own pages. Throws Problem("forbidden") for one that another site sent. */
export async function readForm(
  request: SiteRequest,
  { isOurs }: PeopleDeps,
): Promise<URLSearchParams> {
  if (!isOurs(request))
    throw new Problem(
      "forbidden",
      "This form was sent by another site, or by a browser that does not say from where",
      { rule: "login" },
    );
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.header("content-type") ?? ""))
    throw new Problem("badRequest", "A form comes as application/x-www-form-urlencoded");
  return new URLSearchParams(Buffer.from(await request.body(LIMIT)).toString("utf8"));
}

export function redirect(location: string, headers: Record<string, string> = {}): Reply {
  return {
    status: 303,
    headers: { location, "cache-control": "no-store", ...headers },
    body: null,
  };
}

/** Where somebody says once more who they are, and comes back from. */
export function loginAgain(next: string): string {
  return `/-/login?next=${encodeURIComponent(next)}&again=1`;
}

/** A page of this server, one about a repository among them, and nothing else: no other host, and no package's address. */
export function nextOf(text: string | null): string {
  const isOwn =
    text !== null &&
    /^\/(-\/[\w./?=&%-]*|[a-z0-9][\w.-]*\/?)?$/.test(text) &&
    !text.includes("//") &&
    !text.includes("..");
  return isOwn ? text : "/-/account";
}

export function field(
  name: string,
  label: string,
  how: {
    type?: string;
    value?: string;
    complete?: string;
    hint?: string;
    isFree?: boolean;
    /** What is wrong with what was typed. */
    wrong?: string | null;
  } = {},
): string {
  const { type = "text", value = "", complete = "off", hint, isFree, wrong } = how;
  const required = isFree ? "" : " required";
  const about = hint ? `<span class="soft">${escapeHtml(hint)}</span>` : "";
  const trouble = wrong
    ? `<span class="bad" id="wrong-${name}" role="alert">${escapeHtml(wrong)}</span>`
    : "";
  const marked = wrong ? ` aria-invalid="true" aria-describedby="wrong-${name}" autofocus` : "";
  return `<label><span>${escapeHtml(label)}</span>${about}${trouble}<input name="${name}" type="${type}" value="${escapeHtml(value)}" autocomplete="${complete}"${required}${marked}></label>`;
}

export function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;
}

/** What went wrong the last time; nothing without it. */
export function trouble(message: string | null): string {
  return message === null ? "" : `<p class="bad" role="alert">${escapeHtml(message)}</p>`;
}

/** Where a proxy has this server below a path, the addresses of our own pages are below it too. */
export function placed(reply: Reply, origin: string): Reply {
  const prefix = new URL(origin).pathname.replace(/\/$/, "");
  if (prefix === "") return reply;
  const { location } = reply.headers;
  const headers = location?.startsWith("/")
    ? { ...reply.headers, location: prefix + location }
    : reply.headers;
  const body =
    typeof reply.body === "string"
      ? reply.body.replace(/ (action|href)="(?=\/-\/)/g, ` $1="${escapeHtml(prefix)}`)
      : reply.body;
  return { ...reply, headers, body };
}
