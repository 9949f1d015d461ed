// What a release's licence means under a rule: SPDX expressions, as far as choosing among licences goes. Pure.
import type { LicenceRule } from "../core/policy.ts";
import { wildcard } from "../core/wildcard.ts";

/** An expression as a tree: all of these, one of these, or one licence. */
type Expression = { all: Expression[] } | { any: Expression[] } | { id: string };

/** Who nests deeper writes no licence. */
const DEEPEST = 20;
const ID = /^[A-Za-z0-9][A-Za-z0-9.-]*\+?$/;
/** Words that npm has for no licence. */
const NONE = /^(unlicensed|none|noassertion|unknown|proprietary)$/i;

/**
 * Null when it is fine; otherwise a clause, with the release as its subject. Of alternatives (OR) one must be fine, of what holds together (AND) all.
 * An exception (WITH) is of no matter.
 */
export function licenceFault(licence: string | undefined, rule: LicenceRule): string | null {
  const expression = licence === undefined ? null : parseLicence(licence);
  if (expression) {
    const isFine = compile(rule);
    return holds(expression, isFine) ? null : `its licence is ${licence}`;
  }
  if (rule.unknown === "allow") return null;
  return licence === undefined
    ? "it names no licence"
    : `its licence is none that SPDX knows: ${licence}`;
}

function compile({ allow, deny }: LicenceRule): (id: string) => boolean {
  const matches = (patterns: readonly string[]) => {
    const all = patterns.map((pattern) => wildcard(pattern.toLowerCase()));
    return (id: string) => all.some((one) => one(id.toLowerCase()));
  };
  const denied = matches(deny);
  const allowed = allow === null ? () => true : matches(allow);
  return (id) => !denied(id) && allowed(id);
}

function holds(expression: Expression, isFine: (id: string) => boolean): boolean {
  if ("all" in expression) return expression.all.every((one) => holds(one, isFine));
  if ("any" in expression) return expression.any.some((one) => holds(one, isFine));
  return isFine(expression.id);
}

/** Null for what is no expression: `SEE LICENSE IN …`, a sentence, UNLICENSED. */
export function parseLicence(text: string): Expression | null {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const is = (word: string) => tokens[at]?.toUpperCase() === word;

  function some(depth: number): Expression | null {
    const any = list(() => list(() => one(depth), "AND", "all"), "OR", "any");
    return any;
  }
  function list(next: () => Expression | null, word: string, as: "all" | "any"): Expression | null {
    const parts: Expression[] = [];
    do {
      const part = next();
      if (!part) return null;
      parts.push(part);
    } while (is(word) && ++at > 0);
    return parts.length === 1 ? parts[0]! : as === "all" ? { all: parts } : { any: parts };
  }
  function one(depth: number): Expression | null {
    if (is("(")) {
      at += 1;
      const inner = depth < DEEPEST ? some(depth + 1) : null;
      if (!inner || !is(")")) return null;
      at += 1;
      return inner;
    }
    const id = tokens[at];
    if (id === undefined || !ID.test(id) || NONE.test(id) || /^(AND|OR|WITH)$/i.test(id))
      return null;
    at += 1;
    if (is("WITH")) {
      if (!ID.test(tokens[at + 1] ?? "")) return null;
      at += 2;
    }
    return { id };
  }

  const expression = some(0);
  return at === tokens.length ? expression : null;
}
