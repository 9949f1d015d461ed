// Every question about a package passes here first: whose its name is, and whether the caller may ask.
import { type Claims, createClaims } from "../core/claims.ts";
import { type Action, type Grant, permit } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";

/**
 * `base`: of a repository that this one is built on. `hosted`: this repository's, since something was published under it. `claimed`: its owner's alone, and nothing was published yet. `upstream`: whatever
 * the upstreams have.
 */
export type Owner = "hosted" | "base" | "claimed" | "upstream";

export interface Door {
  /** Whether the configuration claims the name, published or not. */
  claims(packageName: string): boolean;
  whose(packageName: string): Owner;
  /** Throws a Problem unless the caller may do that with the package; null, as an empty name, stands for what belongs to none. */
  permit(grant: Grant, action: Action, packageName: string | null): void;
  /** The same for what is shown: nothing of a claimed name is, unless it is published here. Throws Problem("notFound") that names the claim. */
  enter(grant: Grant, packageName: string | null): void;
  /** The same for what only an upstream can tell: nothing of a private name, published or not, is asked. Throws Problem("notFound"). */
  leave(grant: Grant, packageName: string | null): void;
}

export function createDoor(
  repository: string,
  patterns: readonly string[],
  spell: ((name: string) => string) | undefined,
  isHosted: (packageName: string) => boolean = () => false,
  isOfBase: (packageName: string) => boolean = () => false,
  /** A pattern by which a name is claimed as well. */
  also: Claims = () => null,
): Door {
  const configured = createClaims(patterns, spell);
  const claims: Claims = (packageName) => configured(packageName) ?? also(packageName);

  function ask(grant: Grant, action: Action, packageName: string | null): void {
    permit(grant, repository, action, packageName || null);
  }

  function enter(grant: Grant, packageName: string | null): void {
    ask(grant, "read", packageName);
    if (packageName === null || isHosted(packageName) || isOfBase(packageName)) return;
    const pattern = claims(packageName);
    if (pattern === null) return;
    throw new Problem(
      "notFound",
      `${packageName} is claimed by the repository ${repository} (claims: ${pattern}): it is never asked for upstream, and it is not published here`,
      { rule: "claims" },
    );
  }

  return {
    claims: (packageName) => claims(packageName) !== null,
    whose(packageName) {
      if (isHosted(packageName)) return "hosted";
      if (isOfBase(packageName)) return "base";
      return claims(packageName) === null ? "upstream" : "claimed";
    },
    permit: ask,
    enter,
    leave(grant, packageName) {
      enter(grant, packageName);
      if (packageName !== null && isHosted(packageName))
        throw new Problem(
          "notFound",
          `${packageName} is published in the repository ${repository} itself: no upstream is asked about it`,
          { rule: "hosted" },
        );
    },
  };
}
