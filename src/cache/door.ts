// Every question about a package passes here first: whose its name is, and whether the caller may ask.
import { createClaims } from "../core/claims.ts";
import { type Action, type Grant, permit } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";

/** `claimed`: its owner's alone. `upstream`: whatever the upstreams have. */
export type Owner = "claimed" | "upstream";

export interface Door {
  whose(packageName: string): Owner;
  /** Throws a Problem unless the caller may do that with the package; null, as an empty name, stands for what belongs to none. */
  permit(grant: Grant, action: Action, packageName: string | null): void;
  /** The same for what comes from upstream: nothing of a private name does. Throws Problem("notFound") that names the claim. */
  enter(grant: Grant, packageName: string | null): void;
}

export function createDoor(
  repository: string,
  patterns: readonly string[],
  spell: ((name: string) => string) | undefined,
): Door {
  const claims = createClaims(patterns, spell);

  function ask(grant: Grant, action: Action, packageName: string | null): void {
    permit(grant, repository, action, packageName || null);
  }

  return {
    whose: (packageName) => (claims(packageName) === null ? "upstream" : "claimed"),
    permit: ask,
    enter(grant, packageName) {
      ask(grant, "read", packageName);
      const pattern = packageName === null ? null : claims(packageName);
      if (pattern === null) return;
      throw new Problem(
        "notFound",
        `${packageName} is claimed by the repository ${repository} (claims: ${pattern}): it is never asked for upstream, and it is not published here`,
        { rule: "claims" },
      );
    },
  };
}
