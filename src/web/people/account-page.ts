// The page at `/-/account`, as HTML.
import type { Token } from "../../core/accounts.ts";
import type { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { type Html, html } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import type { Reader } from "../frame/reader.ts";
import { ago, moment } from "../frame/text.ts";
import { copyable, empty, facts, table } from "../frame/ui.ts";
import { againFirst, field, hidden, trouble } from "./forms.ts";
import { isOfField, scopeWords, tokenForm } from "./token-form.ts";

export interface AccountView {
  reader: Reader;
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
  const { reader, name, isAdmin, tokens, now, secret, done, wrong, isFresh, hasPassword } = view;
  const made = secret
    ? html`<div class="notice good" role="status"><p>Your new token. It is shown this once:</p>${copyable("token", secret, "the token")}</div>`
    : null;
  const told = done ? html`<div class="notice good" role="status">${done}</div>` : null;
  const form = wrong?.form.get("do");
  // Beside its field where it is about one.
  const isBeside = (wrong && isOfField(wrong.problem)) || form === "password";
  const main = html`<div class="bar"><h1>${name}</h1><form method="post" action="/-/logout"><button class="quiet">Log out</button></form></div>
${isAdmin ? html`<p class="soft">Administrator: may do everything</p>` : null}
${made}${told}${trouble(wrong && !isBeside ? wrong.problem.message : null)}${isAdmin && tokens.length === 0 ? next() : null}<h2>Tokens</h2>${tokenTable(tokens, now)}
<h2>A new token</h2>${isFresh ? tokenForm("/-/account", form === "make" ? wrong : undefined) : againFirst("/-/account")}
${hasPassword ? passwordForm(form === "password" ? wrong : undefined) : null}`;
  return page({ title: name, main, section: "account" }, reader);
}

/** For who has just become the administrator. */
function next(): Html {
  return html`<h2>What comes next</h2><p>You may publish already: <code>npm login</code> and a token below both lead in. Others come in by commands on the server's machine, or by the API:</p>
<pre>holdfast user add ben
holdfast grant add everyone read
holdfast grant add user:ben publish --repository npm --package '@acme/*'</pre>`;
}

function passwordForm(wrong: AccountView["wrong"]): Html {
  return html`<details class="apart"${wrong ? html` open` : null}><summary>Change the password</summary><form method="post" action="/-/account" class="narrow inner">${hidden("do", "password")}${trouble(wrong?.problem.message ?? null)}${field("old", "Password as it is", { type: "password", complete: "current-password" })}${field("new", "New password", { type: "password", complete: "new-password", hint: "8 characters at least. Other browsers are logged out, tokens stay" })}<button>Change it</button></form></details>`;
}

function tokenTable(tokens: readonly Token[], now: number): Html {
  if (tokens.length === 0) return empty("None yet.");
  const rows = tokens.map((token) => {
    const { id, name, prefix, expiresAt, lastUsedAt, createdAt } = token;
    const used = lastUsedAt === null ? "never used" : html`used ${ago(lastUsedAt, now)}`;
    const end = expiresAt === null ? null : html` · until ${moment(expiresAt)}`;
    return [
      html`${name}<br><code class="soft">${prefix}…</code>`,
      html`${mayOf(token)}<br><span class="soft">made ${ago(createdAt, now)} · ${used}${end}</span>`,
      html`<a class="button quiet" href="/-/account?revoke=${id}">Revoke<span class="hide"> ${name}</span></a>`,
    ];
  });
  const columns = [{ label: "Name" }, { label: "May" }, { label: "Revoke", isHidden: true }];
  return table("Tokens", columns, rows);
}

/** Asks once more: what is revoked is not to be had back. */
export function revokePage(token: Token, now: number, reader: Reader): Reply {
  const { id, name, prefix, lastUsedAt } = token;
  const used =
    lastUsedAt === null ? "It was never used." : html`It was used ${ago(lastUsedAt, now)}.`;
  const main = html`<h1>Revoke ${name}?</h1>
<p>Whatever uses this token is refused from its next request on. It cannot be taken back. ${used}</p>
${facts([
  ["Begins", html`<code>${prefix}…</code>`],
  ["May", mayOf(token)],
])}
<form method="post" action="/-/account">${hidden("do", "revoke")}${hidden("id", id)}<button>Revoke it</button> <a class="button quiet" href="/-/account">Keep it</a></form>`;
  return page({ title: `Revoke ${name}?`, main, section: "account", isNarrow: true }, reader);
}

function mayOf({ scope }: Token): string {
  return scopeWords(scope, "all that I may");
}
