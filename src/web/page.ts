// What all pages share: the frame, the style, and small pieces of text. No script, nothing from elsewhere.
import { escapeHtml } from "../core/html.ts";
import { type Reply, reply } from "../core/reply.ts";

const STYLE = `
:root { color-scheme: light dark; --text: light-dark(#1f2328, #e6edf3); --soft: light-dark(#57606a, #9198a1); --line: light-dark(#d8dee4, #30363d);
  --box: light-dark(#f6f8fa, #161b22); --link: light-dark(#0757b0, #79b8ff); --good: light-dark(#1a7f37, #3fb950); --warn: light-dark(#8a5300, #e3b341); --bad: light-dark(#b3261e, #ff8078) }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: light-dark(#fff, #0d1117); max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2 } h2 { margin: 2.25rem 0 .6rem; font-size: 1.15rem } p { margin: .4rem 0 } a { color: var(--link) }
.soft { color: var(--soft) } .good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) }
code, pre { font: .875rem/1.5 ui-monospace, monospace } code { overflow-wrap: anywhere }
pre { margin: .25rem 0 .75rem; padding: .6rem .75rem; background: var(--box); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere }
.state { font-weight: 600; margin: .5rem 0 0 } .state + p { margin-top: 0 }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0 0; padding: 0 }
.figures div { padding: .6rem .9rem; background: var(--box); border: 1px solid var(--line); border-radius: 8px } .figures dt { color: var(--soft); font-size: .875rem }
.figures dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums }
table { width: 100%; border-collapse: collapse } th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--soft); font-size: .875rem; font-weight: 400 } td:first-child { overflow-wrap: anywhere } .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums } tr > :last-child { padding-right: 0 }
.when { white-space: nowrap }
details, .client { border-bottom: 1px solid var(--line) } summary, .client, .inner { padding: .45rem 0 .45rem 1.2rem } .inner { padding-top: 0 }
summary { position: relative; cursor: pointer; list-style: none } summary::-webkit-details-marker { display: none }
summary::before { content: "▸"; position: absolute; left: 0; color: var(--soft) } details[open] > summary::before { content: "▾" }
.row { display: grid; grid-template-columns: 9rem minmax(0, 1fr) fit-content(16rem); gap: 0 1rem; align-items: baseline } .row .where { text-align: right; overflow-wrap: anywhere }
.name { font-weight: 600 } .where { font-size: .875rem; color: var(--soft) }
.narrow { max-width: 30rem } main.narrow { margin: 8vh auto 0 } label { display: block; margin: .9rem 0 } label > span { display: block } label > span:first-child { font-weight: 600 } label > .soft { font-size: .875rem }
input:not([type=radio]) { width: 100%; margin-top: .25rem; padding: .5rem .6rem; font: inherit; color: inherit; background: var(--box); border: 1px solid var(--line); border-radius: 6px } .choice { margin: .3rem 0 }
fieldset { margin: 1rem 0; padding: 0; border: 0 } legend { padding: 0; font-weight: 600 } button, .button { display: inline-block; padding: .5rem 1rem; font: inherit; font-weight: 600; color: #fff; background: light-dark(#0757b0, #1f6feb); border: 0; border-radius: 6px; cursor: pointer; text-decoration: none }
button.quiet, .button.quiet { color: inherit; background: var(--box); border: 1px solid var(--line); font-weight: 400 } .once { user-select: all } form > button { margin-top: .75rem } :focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.home { margin: 0 0 .5rem; font-size: .875rem } .apart { margin: 1.25rem 0 .75rem } .bar { display: flex; justify-content: space-between; align-items: center; gap: 1rem } .bar button { margin-top: 0 } td .button { padding: .25rem .75rem } form.inner { padding-bottom: 1rem } .hide { position: absolute; clip-path: inset(50%) } .facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem } .facts dt { color: var(--soft) } .facts dd { margin: 0 }
footer { margin-top: 2.5rem; color: var(--soft); font-size: .875rem }
@media (max-width: 44rem) { .row { grid-template-columns: 1fr } .row .where { text-align: left } .wide { display: none } }
@media (max-width: 30rem) { body { padding: 1.25rem .9rem 3rem } .figures { grid-template-columns: 1fr 1fr } }
`;

/** `body` is HTML; `title` is text. `hasForms`: they are sent to this server, and to nobody else. */
export function page(title: string, body: string, { hasForms = false } = {}): Reply {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
${body}
</body></html>
`;
  return reply(200, "text/html; charset=utf-8", html, {
    "content-security-policy": `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action ${hasForms ? "'self'" : "'none'"}; frame-ancestors 'none'`,
    "x-content-type-options": "nosniff",
    // Without it browsers send forms from nowhere.
    "referrer-policy": hasForms ? "same-origin" : "no-referrer",
    "cache-control": "no-store",
    vary: "accept",
  });
}

/** A part of a path. A name of a repository needs no more than this. */
export function link(path: string, text: string): string {
  return `<a href="${escapeHtml(path)}">${escapeHtml(text)}</a>`;
}

export function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** A share in whole percent, never rounded up to all of it. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${Math.floor((part / whole) * 100)} %`;
}

/** How long a time is, in one unit: "5 min". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** 2026-11-23 12:00 UTC */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

export function ago(at: number, now: number): string {
  return `<time datetime="${new Date(at).toISOString()}" title="${moment(at)}">${span(now - at)} ago</time>`;
}
