// The page at `/-/account`, as HTML.
import type { Token } from "../../core/accounts.ts";
import type { Action } from "../../core/grant.ts";
import { escapeHtml } from "../../core/html.ts";
import type { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { ago, moment, page } from "../page.ts";
import { field, hidden, loginAgain, trouble } from "./forms.ts";

export const CHOICES: [value: string, label: string, actions: Action[] | null][] = [
  ["all", "All that I may", null],
  ["read", "Read only", ["read"]],
  ["publish", "Read and publish", ["publish"]],
];
/** Of a token that is for a part. */
const PARTS = ["repositories", "packages", "cidrs"];

export interface AccountView {
  name: string;
  isAdmin: boolean;
  /** False for who is known to another system alone. */
  hasPassword: boolean;
  tokens: readonly Token[];
  now: number;
  /** Whether they logged in lately enough to make a token. */
  isFresh: boolean;
  /** A new token's, told this once. */
  secret?: string | null;
  /** A good thing that was done, in a sentence. */
  done?: string | null;
  /** What went wrong with the form that came, and what stood in it. */
  wrong?: { problem: Problem; form: URLSearchParams };
}

export function accountPage(view: AccountView): Reply {
  const { name, isAdmin, tokens, now, secret, done, wrong, isFresh, hasPassword } = view;
  const made = secret
    ? `<p class="good" role="status">Your new token. It is shown this once:</p><pre class="once">${escapeHtml(secret)}</pre>`
    : "";
  const told = done ? `<p class="good" role="status">${escapeHtml(done)}</p>` : "";
  const form = wrong?.form.get("do");
  // Beside its field where it is about one.
  const isBeside = wrong?.problem.rule?.startsWith("token-") || form === "password";
  const again = `<p>It takes a log-in of the last 15 minutes, since it outlives your session. <a class="button" href="${escapeHtml(loginAgain("/-/account"))}">Log in again</a></p>`;
  const body = `<p class="home"><a href="../">Holdfast</a></p><header class="bar"><h1>${escapeHtml(name)}</h1><form method="post" action="/-/logout"><button class="quiet">Log out</button></form></header>
${isAdmin ? `<p class="soft">Administrator: may do everything</p>` : ""}
${made}${told}${trouble(wrong && !isBeside ? wrong.problem.message : null)}${isAdmin && tokens.length === 0 ? next() : ""}<h2>Tokens</h2>${tokenTable(tokens, now)}
<h2>A new token</h2>${isFresh ? tokenForm(form === "make" ? wrong : undefined) : again}
${hasPassword ? passwordForm(form === "password" ? wrong : undefined) : ""}`;
  return page(`${name} · Holdfast`, body, { hasForms: true });
}

/** For who has just become the administrator. */
function next(): string {
  return `<h2>What comes next</h2><p>You may publish already: <code>npm login</code> and a token below both lead in. Others come in by commands on the server's machine, or by the API:</p>
<pre>holdfast user add ben
holdfast grant add everyone read
holdfast grant add user:ben publish --repository npm --package '@acme/*'</pre>`;
}

function tokenForm(wrong: AccountView["wrong"]): string {
  const typed = (name: string) => wrong?.form.get(name) ?? "";
  const at = wrong?.problem.rule;
  const of = (name: string) => ({
    value: typed(name),
    wrong: at === `token-${name}` ? wrong!.problem.message : null,
  });
  const may = wrong ? typed("may") : CHOICES[0]![0];
  const radios = CHOICES.map(
    ([value, label]) =>
      `<label class="choice"><input type="radio" name="may" value="${value}"${value === may ? " checked" : ""}> ${label}</label>`,
  ).join("");
  const isOpen = PARTS.some((name) => typed(name) !== "");
  return `<form method="post" action="/-/account" class="narrow">${hidden("do", "make")}${field("name", "Name", { hint: "What it is for: laptop, build", ...of("name") })}
<fieldset><legend>It may</legend>${at === "token-may" ? trouble(wrong!.problem.message) : ""}${radios}</fieldset>${field("days", "Days", { type: "number", hint: "It ends after so many; empty for never", isFree: true, ...of("days") })}
<details${isOpen ? " open" : ""}><summary>Only for a part</summary><div class="inner">${field("repositories", "Repositories", { hint: "Names with spaces between; empty for all", isFree: true, ...of("repositories") })}${field("packages", "Packages", { hint: "Patterns like @acme/*; empty for all", isFree: true, ...of("packages") })}${field("cidrs", "Addresses", { hint: "Ranges like 10.0.0.0/8; empty for all", isFree: true, ...of("cidrs") })}</div></details>
<button>Make it</button></form>`;
}

function passwordForm(wrong: AccountView["wrong"]): string {
  return `<details class="apart"${wrong ? " open" : ""}><summary>Change the password</summary><form method="post" action="/-/account" class="narrow inner">${hidden("do", "password")}${trouble(wrong?.problem.message ?? null)}${field("old", "Password as it is", { type: "password", complete: "current-password" })}${field("new", "New password", { type: "password", complete: "new-password", hint: "8 characters at least. Other browsers are logged out, tokens stay" })}<button>Change it</button></form></details>`;
}

function tokenTable(tokens: readonly Token[], now: number): string {
  if (tokens.length === 0) return `<p class="soft">None yet.</p>`;
  const rows = tokens.map((token) => {
    const { id, name, prefix, expiresAt, lastUsedAt, createdAt } = token;
    const used = lastUsedAt === null ? "never used" : `used ${ago(lastUsedAt, now)}`;
    const end = expiresAt === null ? "" : ` · until ${moment(expiresAt)}`;
    return `<tr><td>${escapeHtml(name)}<br><code class="soft">${escapeHtml(prefix)}…</code></td><td>${escapeHtml(mayOf(token))}<br><span class="soft">made ${ago(createdAt, now)} · ${used}${end}</span></td><td><a class="button quiet" href="/-/account?revoke=${escapeHtml(id)}">Revoke<span class="hide"> ${escapeHtml(name)}</span></a></td></tr>`;
  });
  return `<table><thead><tr><th scope="col">Name</th><th scope="col">May</th><th scope="col"><span class="hide">Revoke</span></th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** Asks once more: what is revoked is not to be had back. */
export function revokePage(token: Token, now: number): Reply {
  const { id, name, prefix, lastUsedAt } = token;
  const used = lastUsedAt === null ? "It was never used." : `It was used ${ago(lastUsedAt, now)}.`;
  const body = `<main class="narrow"><h1>Revoke ${escapeHtml(name)}?</h1>
<p>Whatever uses this token is refused from its next request on. It cannot be taken back. ${used}</p>
<dl class="facts"><dt>Begins</dt><dd><code>${escapeHtml(prefix)}…</code></dd><dt>May</dt><dd>${escapeHtml(mayOf(token))}</dd></dl>
<form method="post" action="/-/account">${hidden("do", "revoke")}${hidden("id", id)}<button>Revoke it</button> <a class="button quiet" href="/-/account">Keep it</a></form></main>`;
  return page(`Revoke ${name}? · Holdfast`, body, { hasForms: true });
}

function mayOf({ scope }: Token): string {
  const parts = [scope.actions, scope.repositories, scope.packages].map((part) => part?.join(", "));
  return parts.filter(Boolean).join(" · ") || "all that I may";
}
