// What grants add up to: the one function that decides who may do what.
import type { Granted } from "../core/access.ts";
import { createClaims } from "../core/claims.ts";
import type { Action } from "../core/grant.ts";

/** What an action brings with it: to publish something one must see it. */
const IMPLIED: Readonly<Record<Action, readonly Action[]>> = {
  open: ["open"],
  read: ["read"],
  publish: ["publish", "read"],
  unpublish: ["unpublish", "read"],
  follow: ["follow", "read"],
  admin: ["admin", "follow", "unpublish", "publish", "read"],
};

/** `repository` and `packageName` as in `Permissions.may`. */
export type May = (
  repository: string | null,
  action: Action,
  packageName: string | null,
) => boolean;

/** The one spelling of a repository's package names. */
export type Spelling = (repository: string) => ((name: string) => string) | undefined;

/** How many answers are remembered of one caller; all are forgotten then. */
const REMEMBERED = 10_000;

/** May do what any of the grants says. */
export function mayOf(grants: readonly Granted[], spelling: Spelling): May {
  const tests = grants.map((grant) => testOf(grant, spelling));
  const everywhere = new Set(grants.filter(isForAll).flatMap(givenBy));
  const answers = new Map<string, boolean>();
  return (repository, action, packageName) => {
    if (action === "open" || everywhere.has(action)) return true;
    const key = `${repository ?? ""}\0${action}\0${packageName ?? ""}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = tests.some((test) => test(repository, action, packageName));
    if (answers.size >= REMEMBERED) answers.clear();
    answers.set(key, answer);
    return answer;
  };
}

/** May do what both say: a token never more than its owner. */
export function both(one: May, other: May): May {
  return (repository, action, packageName) =>
    one(repository, action, packageName) && other(repository, action, packageName);
}

/** May do what one of the two says. */
export function either(one: May, other: May): May {
  return (repository, action, packageName) =>
    one(repository, action, packageName) || other(repository, action, packageName);
}

function givenBy({ actions }: Granted): Action[] {
  return actions.flatMap((action) => IMPLIED[action]);
}

function isForAll({ repositories, packages }: Granted): boolean {
  return repositories === null && packages === null;
}

function testOf(grant: Granted, spelling: Spelling): May {
  const { repositories, packages } = grant;
  const given = new Set(givenBy(grant));
  const matchers = new Map<string, (name: string) => boolean>();
  function matches(repository: string, name: string): boolean {
    if (packages === null) return true;
    let test = matchers.get(repository);
    if (!test) {
      const claims = createClaims(packages, spelling(repository));
      test = (text) => claims(text) !== null;
      matchers.set(repository, test);
    }
    return test(name);
  }
  return (repository, action, packageName) => {
    if (!given.has(action)) return false;
    // The server's own pages: who may read anything may see them; to change something there one must be admin of all.
    if (repository === null) return action === "read" || isForAll(grant);
    if (repositories !== null && !repositories.includes(repository)) return false;
    return packageName === null || matches(repository, packageName);
  };
}
