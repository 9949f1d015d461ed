// What all pages share: the frame around them, and the headers that keep what they show from doing anything.
import { type Reply, reply } from "../../core/reply.ts";
import { assets } from "./assets.ts";
import { type Html, html, type Part, raw } from "./html.ts";
import type { Reader, ServerState } from "./reader.ts";

export interface Page {
  /** Text, without the server's name. */
  title: string;
  main: Part;
  /** Which part of the navigation it belongs to. */
  section?: "home" | "packages" | "operator" | "account";
  status?: number;
  /** A form or a message, and nothing wide. */
  isNarrow?: boolean;
  /** Where it is asked from again by hand alone: what was searched for. */
  search?: string;
}

/** Scripts and styles are ours alone, nothing is fetched from elsewhere, and no text becomes HTML. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  // Without any, browsers send forms from nowhere.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
  "cache-control": "no-store",
  vary: "accept, cookie",
};

/** Paths in it begin at the root of this server (`/-/packages`): where a proxy has it below another path, they are put there. */
export function page(view: Page, reader: Reader): Reply {
  const { title, status = 200 } = view;
  const text = html`<!doctype html>
<html lang="en"${reader.theme ? html` data-theme="${reader.theme}"` : null}${reader.hasKeys ? null : raw(' data-keys="off"')}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title === "Holdfast" ? title : `${title} · Holdfast`}</title>
<link rel="stylesheet" href="${assets.style}"><link rel="icon" href="${assets.icon}" type="image/svg+xml"><script src="${assets.script}" defer></script></head>
<body><a class="skip" href="#main">Skip to the content</a>
${header(view, reader)}
<main id="main" tabindex="-1"${view.isNarrow ? raw(' class="narrow"') : null}>
${view.main}
</main>
${footer(reader)}
<p id="live" class="hide" role="status"></p></body></html>
`;
  const body = placed(text.text, reader.origin);
  return reply(status, "text/html; charset=utf-8", body, HEADERS);
}

function header({ section, search }: Page, { user, isOperator, state }: Reader): Html {
  const entry = (name: Page["section"], path: string, text: string) =>
    html`<li><a href="${path}"${section === name ? raw(' aria-current="page"') : null}>${text}</a></li>`;
  return html`<header class="top"><div class="wrap">
<a class="brand" href="/"><img src="${assets.icon}" alt="" width="22" height="22">Holdfast</a>
<nav aria-label="Main"><ul>${entry("home", "/", "Home")}${entry("packages", "/-/packages", "Packages")}${isOperator ? entry("operator", "/-/operator", "Operator") : null}${entry("account", "/-/account", user ?? "Account")}</ul></nav>
<form class="search" role="search" action="/-/packages"><label class="hide" for="search">Search packages</label><input id="search" name="q" type="search" value="${search ?? ""}" placeholder="Search packages" autocomplete="off" spellcheck="false" autocapitalize="none" maxlength="200"><button class="quiet">Search</button></form>
${state ? stateLine(state) : null}
</div></header>`;
}

const STATES = {
  serving: ["good", "Online"],
  degraded: ["bad", "Degraded"],
  offline: ["warn", "Offline"],
} as const;

function stateLine({ kind, text }: ServerState): Html {
  const [tone, word] = STATES[kind];
  return html`<a class="line ${tone}" href="/" title="${text}"><span class="dot" aria-hidden="true"></span>${word}</a>`;
}

/** The same on each page: help is always in the same place. WCAG 2.2 §3.2.6 */
function footer({ theme, hasKeys }: Reader): Html {
  const choice = (value: string, text: string) =>
    html`<button class="quiet" name="theme" value="${value}"${(theme ?? "system") === value ? raw(' aria-pressed="true"') : raw(' aria-pressed="false"')}>${text}</button>`;
  return html`<footer><div class="wrap">
<nav aria-label="Help and more"><ul><li><a rel="help" href="/-/help">Help</a></li><li><a href="/-/api/openapi.json">API</a></li><li><a href="/-/metrics">Metrics</a></li><li><a href="/-/health/ready">Health</a></li></ul></nav>
<form method="post" action="/-/liking" class="liking" aria-label="Appearance">${choice("system", "System")}${choice("light", "Light")}${choice("dark", "Dark")}<span class="apart"></span><button class="quiet" name="keys" value="${hasKeys ? "off" : "on"}" aria-pressed="${hasKeys ? "true" : "false"}">Keys ${hasKeys ? "on" : "off"}</button></form>
</div></footer>`;
}

/** Where a proxy has this server below a path, the addresses of our own are below it too. */
export function placed(text: string, origin: string): string {
  const prefix = prefixOf(origin);
  if (prefix === "") return text;
  return text.replace(/ (action|href|src)="(?=\/(?!\/))/g, ` $1="${prefix}`);
}

/** The path that a proxy has this server below; empty where there is none. For attributes it needs no escape: it is a URL's. */
export function prefixOf(origin: string): string {
  return new URL(origin).pathname.replace(/\/$/, "");
}
