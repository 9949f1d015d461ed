// Who may do what: what a request asks for, and what its caller was granted.
import { nameOf, type Principal } from "./principal.ts";
import { Problem } from "./problem.ts";

/**
 * `open` asks for nothing: what anybody may see of any server, such as its health. `follow` is for a server in another site that shows the same: all that
 * can be read, and who else may read what (docs/follower.md).
 */
export type Action = "open" | "read" | "publish" | "unpublish" | "follow" | "admin";

/** What the caller must be allowed to do. `package` is null for what belongs to no package (ping, search). */
export interface Access {
  action: Action;
  package: string | null;
  /** Of the site's own routes that are about a repository: which one. A format's are about its own. */
  repository?: string;
}

declare const brand: unique symbol;

/**
 * What one caller may. Only `auth/` makes one (`issueGrant`), and a repository answers nothing without one (`UnboundRepository.for`), so
 * that a path which forgot to ask does not compile.
 */
export interface Grant extends Permissions {
  readonly [brand]: true;
}

export interface Permissions {
  /** The same text for all who get the same replies: those that repeat are shared among them. Empty for callers who gave no name. */
  readonly audience: string;
  readonly principal: Principal;
  /** What is wrong with the credentials that came: a token that was revoked. Null when nothing is, or none came. */
  readonly fault: string | null;
  /** The failure to end in, where that is not "unauthenticated": too many guesses, a directory that cannot be asked. */
  readonly cause?: unknown;
  /** The same caller's grant as it is by now, where what they do takes long: rights may have been taken away meanwhile. */
  readonly again?: () => Promise<Grant>;
  /**
   * `repository`: null for the server's own pages. `packageName`: null for what belongs to no package, which is for everybody who may do
   * that with any package of the repository.
   */
  may(repository: string | null, action: Action, packageName: string | null): boolean;
}

/** For `auth/` alone: test/architecture.test.ts looks for other places. */
export function issueGrant(permissions: Permissions): Grant {
  return permissions as Grant;
}

/** Throws Problem("unauthenticated") or, for callers who are known, Problem("forbidden"), unless the grant covers the access. */
export function permit(
  grant: Grant,
  repository: string | null,
  action: Action,
  packageName: string | null,
): void {
  if (action === "open" || grant.may(repository, action, packageName)) return;
  const what = [packageName, repository && `the repository ${repository}`].filter(Boolean);
  const { principal, fault, cause } = grant;
  if (cause) throw cause;
  const isKnown = principal.kind !== "anonymous";
  const who = isKnown ? nameOf(principal) : "Who gives no name";
  const verb = action === "admin" ? "administer" : action;
  const all = action === "read" ? "pages of this server" : "this server";
  const message = fault ?? `${who} may not ${verb} ${what.join(" of ") || all}`;
  throw new Problem(isKnown ? "forbidden" : "unauthenticated", message, { rule: "access" });
}
