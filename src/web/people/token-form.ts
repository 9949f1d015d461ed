// The form by which a token is made, for oneself or for somebody else, and what was typed into it.
import type { TokenWish } from "../../core/accounts.ts";
import type { Action } from "../../core/grant.ts";
import { Problem } from "../../core/problem.ts";
import { type Html, html } from "../frame/html.ts";
import { field, hidden, trouble } from "./forms.ts";

const CHOICES: [value: string, label: string, actions: Action[] | null][] = [
  ["all", "All that its owner may", null],
  ["read", "Read only", ["read"]],
  ["publish", "Read and publish", ["publish"]],
];
/** Of a token that is for a part. */
const PARTS = ["repositories", "packages", "cidrs"];
const DAY_MS = 86_400_000;
const MOST_DAYS = 3_650;

/** `wrong`: what was typed, and what is wrong with it, told beside its field. */
export function tokenForm(
  path: string,
  wrong: { problem: Problem; form: URLSearchParams } | undefined,
): Html {
  const typed = (name: string) => wrong?.form.get(name) ?? "";
  const at = wrong?.problem.rule;
  const of = (name: string) => ({
    value: typed(name),
    wrong: at === `token-${name}` ? wrong!.problem.message : null,
  });
  const may = wrong ? typed("may") : CHOICES[0]![0];
  const radios = CHOICES.map(
    ([value, label]) =>
      html`<label class="choice"><input type="radio" name="may" value="${value}"${value === may ? html` checked` : null}> ${label}</label>`,
  );
  const isOpen = PARTS.some((name) => typed(name) !== "");
  return html`<form method="post" action="${path}" class="narrow">${hidden("do", "make")}${field("name", "Name", { hint: "What it is for: laptop, build", ...of("name") })}
<fieldset><legend>It may</legend>${at === "token-may" ? trouble(wrong!.problem.message) : null}${radios}</fieldset>${field("days", "Days", { type: "number", hint: "It ends after so many; empty for never", isFree: true, ...of("days") })}
<details${isOpen ? html` open` : null}><summary>Only for a part</summary><div class="inner">${field("repositories", "Repositories", { hint: "Names with spaces between; empty for all", isFree: true, ...of("repositories") })}${field("packages", "Packages", { hint: "Patterns like @acme/*; empty for all", isFree: true, ...of("packages") })}${field("cidrs", "Addresses", { hint: "Ranges like 10.0.0.0/8; empty for all", isFree: true, ...of("cidrs") })}</div></details>
<button>Make it</button></form>`;
}

/** Whether it is told beside a field of the form. */
export function isOfField({ rule }: Problem): boolean {
  return rule?.startsWith("token-") ?? false;
}

/** Throws Problem("badRequest") for what no form of ours sends. */
export function wishOf(form: URLSearchParams, now: number): TokenWish {
  const list = (name: string) => {
    const words = (form.get(name) ?? "").split(/[\s,]+/).filter(Boolean);
    return words.length > 0 ? words : null;
  };
  // What no form of ours offers is nothing, and never everything.
  const choice = CHOICES.find(([value]) => value === form.get("may"));
  if (!choice)
    throw new Problem("badRequest", "What the token may is one of those that are offered", {
      rule: "token-may",
    });
  return {
    name: (form.get("name") ?? "").trim(),
    scope: {
      actions: choice[2],
      repositories: list("repositories"),
      packages: list("packages"),
    },
    cidrs: list("cidrs") ?? [],
    expiresAt: endOf(form.get("days"), now),
  };
}

/** Null for never. */
function endOf(text: string | null, now: number): number | null {
  if (text === null || text === "") return null;
  const days = Number(text);
  if (days > 0 && days <= MOST_DAYS) return now + days * DAY_MS;
  throw new Problem("badRequest", `A token ends after some days, ${MOST_DAYS} at most, or never`, {
    rule: "token-days",
  });
}

/** What a token may, in words. */
export function scopeWords(
  scope: { readonly [Part in "actions" | "repositories" | "packages"]: readonly string[] | null },
  all: string,
): string {
  const parts = [scope.actions, scope.repositories, scope.packages].map((part) => part?.join(", "));
  return parts.filter(Boolean).join(" · ") || all;
}
