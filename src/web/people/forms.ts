// What forms send, and where a browser goes afterwards.
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { type Html, html } from "../frame/html.ts";
import { prefixOf } from "../frame/page.ts";
import { notice } from "../frame/ui.ts";
import type { SiteRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";

const LIMIT = 16 * 1024;

/** The fields of a form of one of our own pages. Throws Problem("forbidden") for one that another site sent. */
export async function readForm(
  request: SiteRequest,
  { isOurs }: PeopleDeps,
): Promise<URLSearchParams> {
  refuseForeign(request, isOurs);
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.header("content-type") ?? ""))
    throw new Problem("badRequest", "A form comes as application/x-www-form-urlencoded");
  return new URLSearchParams(Buffer.from(await request.body(LIMIT)).toString("utf8"));
}

/** The same of a form that brings a file along. Throws Problem("badRequest") for what is none. */
export async function readUpload(
  request: SiteRequest,
  { isOurs }: Pick<PeopleDeps, "isOurs">,
  limit: number,
): Promise<FormData> {
  refuseForeign(request, isOurs);
  const type = request.header("content-type") ?? "";
  const bytes = await request.body(limit);
  try {
    if (!/^multipart\/form-data\b/i.test(type)) throw new TypeError("it is no multipart/form-data");
    return await new Response(Buffer.from(bytes), { headers: { "content-type": type } }).formData();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem("badRequest", `The form cannot be read: ${why}`, { cause: error });
  }
}

function refuseForeign(request: SiteRequest, isOurs: PeopleDeps["isOurs"]): void {
  if (isOurs(request)) return;
  throw new Problem(
    "forbidden",
    "This form was sent by another site, or by a browser that does not say from where",
    { rule: "login" },
  );
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

/** In place of a form that makes something which outlives a session. */
export function againFirst(next: string): Html {
  return html`<p>It takes a log-in of the last 15 minutes, since it outlives your session. <a class="button" href="${loginAgain(next)}">Log in again</a></p>`;
}

export function notFresh(): Problem {
  return new Problem("forbidden", "Nothing was made: it takes a log-in of the last 15 minutes", {
    rule: "login",
  });
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
): Html {
  const { type = "text", value = "", complete = "off", hint, isFree, wrong } = how;
  const required = isFree ? null : html` required`;
  const about = hint ? html`<span class="soft">${hint}</span>` : null;
  const trouble = wrong
    ? html`<span class="bad" id="wrong-${name}" role="alert">${wrong}</span>`
    : null;
  const marked = wrong
    ? html` aria-invalid="true" aria-describedby="wrong-${name}" autofocus`
    : null;
  return html`<label><span>${label}</span>${about}${trouble}<input name="${name}" type="${type}" value="${value}" autocomplete="${complete}"${required}${marked}></label>`;
}

export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}

/** What went wrong the last time; nothing without it. */
export function trouble(message: string | null): Html | null {
  return message === null ? null : notice("bad", message);
}

/** Where a proxy has this server below a path, a browser is sent below it too. */
export function leads(reply: Reply, origin: string): Reply {
  const prefix = prefixOf(origin);
  const { location } = reply.headers;
  if (prefix === "" || !location?.startsWith("/")) return reply;
  return { ...reply, headers: { ...reply.headers, location: prefix + location } };
}
