// `/-/account`: who I am, and my tokens.
import type { Token } from "../../core/accounts.ts";
import type { Action, Grant } from "../../core/grant.ts";
import { escapeHtml } from "../../core/html.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { ago, moment, page } from "../page.ts";
import type { SiteRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";
import { field, hidden, loginAgain, readForm, redirect, trouble } from "./forms.ts";

const DAY_MS = 86_400_000;
const MOST_DAYS = 3_650;
const CHOICES: [value: string, label: string, actions: Action[] | null][] = [
  ["all", "All that I may", null],
  ["read", "Read only", ["read"]],
  ["publish", "Read and publish", ["publish"]],
];

export async function serveAccount(
  request: SiteRequest,
  grant: Grant,
  deps: PeopleDeps,
): Promise<Reply> {
  const { principal } = grant;
  if (principal.kind !== "user" || principal.token !== null)
    return redirect("/-/login?next=%2F-%2Faccount");
  const accounts = deps.accounts(grant);
  const isFresh = await deps.isFresh(request);
  const show = async (more: Shown = {}) =>
    accountPage(await accounts.tokens(), principal.name, deps.now(), { isFresh, ...more });
  if (request.method !== "POST") return show();
  const form = await readForm(request, deps);
  try {
    if (form.get("do") === "revoke") {
      await accounts.revokeToken(form.get("id") ?? "");
      return redirect("/-/account");
    }
    if (!isFresh)
      throw new Problem("forbidden", "Nothing was made: it takes a log-in of the last 15 minutes", {
        rule: "login",
      });
    const list = (name: string) => {
      const words = (form.get(name) ?? "").split(/[\s,]+/).filter(Boolean);
      return words.length > 0 ? words : null;
    };
    const made = await accounts.issueToken({
      name: (form.get("name") ?? "").trim(),
      scope: {
        actions: actionsOf(form.get("may")),
        repositories: list("repositories"),
        packages: list("packages"),
      },
      cidrs: list("cidrs") ?? [],
      expiresAt: endOf(form.get("days"), deps.now()),
    });
    return show({ secret: made.secret });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ...(await show({ wrong: error.message })), status: error.status };
  }
}

/** What no form of ours offers is nothing, and never everything. */
function actionsOf(text: string | null): Action[] | null {
  const found = CHOICES.find(([value]) => value === text);
  if (found) return found[2];
  throw new Problem("badRequest", "What the token may is one of those that are offered");
}

/** Null for never. */
function endOf(text: string | null, now: number): number | null {
  if (text === null || text === "") return null;
  const days = Number(text);
  if (days > 0 && days <= MOST_DAYS) return now + days * DAY_MS;
  throw new Problem("badRequest", `A token ends after some days, ${MOST_DAYS} at most, or never`);
}

interface Shown {
  isFresh?: boolean;
  secret?: string;
  wrong?: string;
}

function accountPage(
  tokens: Token[],
  name: string,
  now: number,
  { isFresh, secret, wrong }: Shown,
): Reply {
  const made = secret
    ? `<p class="good" role="status">Your new token. It is shown this once:</p><pre>${escapeHtml(secret)}</pre>`
    : "";
  const again = `<p>It takes a log-in of the last 15 minutes, since it outlives your session. <a class="button" href="${escapeHtml(loginAgain("/-/account"))}">Log in again</a></p>`;
  const body = `<p class="home"><a href="../">Holdfast</a></p><header class="bar"><h1>${escapeHtml(name)}</h1><form method="post" action="/-/logout"><button class="quiet">Log out</button></form></header>
${made}${trouble(wrong ?? null)}<h2>Tokens</h2>${tokenTable(tokens, now)}
<h2>A new token</h2>${isFresh ? tokenForm() : again}`;
  return page(`${name} · Holdfast`, body, { hasForms: true });
}

function tokenForm(): string {
  const radios = CHOICES.map(
    ([value, label], at) =>
      `<label class="choice"><input type="radio" name="may" value="${value}"${at === 0 ? " checked" : ""}> ${label}</label>`,
  ).join("");
  return `<form method="post" action="/-/account" class="narrow">${hidden("do", "make")}${field("name", "Name", { hint: "What it is for: laptop, build" })}
<fieldset><legend>It may</legend>${radios}</fieldset>${field("days", "Days", { type: "number", hint: "It ends after so many; empty for never", isFree: true })}
<details><summary>Only for a part</summary><div class="inner">${field("repositories", "Repositories", { hint: "Names with spaces between; empty for all", isFree: true })}${field("packages", "Packages", { hint: "Patterns like @acme/*; empty for all", isFree: true })}${field("cidrs", "Addresses", { hint: "Ranges like 10.0.0.0/8; empty for all", isFree: true })}</div></details>
<button>Make it</button></form>`;
}

function tokenTable(tokens: Token[], now: number): string {
  if (tokens.length === 0) return `<p class="soft">None yet.</p>`;
  const rows = tokens.map((token) => {
    const { id, name, prefix, scope, expiresAt, lastUsedAt, createdAt } = token;
    const parts = [scope.actions, scope.repositories, scope.packages].map((part) =>
      part?.join(", "),
    );
    const may = parts.filter(Boolean).join(" · ") || "all that I may";
    const used = lastUsedAt === null ? "never used" : `used ${ago(lastUsedAt, now)}`;
    const end = expiresAt === null ? "" : ` · until ${moment(expiresAt)}`;
    return `<tr><td>${escapeHtml(name)}<br><code class="soft">${escapeHtml(prefix)}…</code></td><td>${escapeHtml(may)}<br><span class="soft">made ${ago(createdAt, now)} · ${used}${end}</span></td><td><form method="post" action="/-/account">${hidden("do", "revoke")}${hidden("id", id)}<button class="quiet">Revoke</button></form></td></tr>`;
  });
  return `<table><thead><tr><th scope="col">Name</th><th scope="col">May</th><th scope="col"><span class="hide">Revoke</span></th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}
