// `access:`, what the configuration says of who may do what.
import { z } from "zod";
import type { AccessRules, Granted } from "../core/access.ts";
import type { Path } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { Address } from "./values.ts";

const Action = z.enum(["read", "publish", "unpublish", "follow", "admin"]);
const Actions = z
  .union([Action, z.array(Action).min(1)])
  .describe(
    "`read`, `publish`, `unpublish`, `follow` for a server in another site (each of the three brings `read`) or `admin`, which brings all: one, or a list",
  );
const Names = z.array(z.string().min(1));
const Where = {
  repositories: Names.min(1).optional().describe("Which repositories; all without it"),
  packages: z
    .array(z.string().regex(/^\S+$/, "expected a name pattern without spaces, like @acme/*"))
    .min(1)
    .optional()
    .describe("Patterns of package names, as in `claims`; all without it"),
};
const Scope = z.object(Where);
const Grant = z.strictObject({
  to: z
    .string()
    .regex(
      /^(everyone|(user|team):[a-z0-9][a-z0-9._@+-]*)$/,
      "expected everyone (who is logged in), user:NAME or team:NAME",
    )
    .describe("`user:NAME`, `team:NAME`, or `everyone` who is logged in"),
  may: Actions,
  ...Where,
});

export const Access = z
  .strictObject({
    anonymous: z
      .union([z.enum(["read", "none"]), z.array(z.strictObject(Where)).min(1)])
      .optional()
      .describe(
        "What callers may read who give no name: `read` is all, `none` nothing, or a list of `repositories` and `packages`. Without it all while the server listens on its own machine alone, and nothing once it listens elsewhere",
      )
      .meta({ examples: ["read"] }),
    teams: z
      .record(z.string().regex(/^[a-z0-9][a-z0-9._@+-]*$/, "expected a team's name"), Names)
      .default({})
      .describe("Names of users, by team")
      .meta({ examples: [{ platform: ["ann", "ben"] }] }),
    grants: z
      .array(Grant)
      .default([])
      .describe("Who may do what, beside the grants that commands and the API give")
      .meta({
        examples: [[{ to: "team:platform", may: ["publish"], packages: ["@acme/*"] }]],
      }),
  })
  .prefault({})
  .describe("Who may do what. docs/access.md tells more");

export type AccessInput = z.infer<typeof Access>;

/** `complain`: of repositories that are not there. `placeOf`: where a path stands, for people: "holdfast.yaml:14 access.grants[1]". */
export function resolveAccess(
  input: AccessInput,
  addresses: readonly Address[],
  repositories: readonly string[],
  complain: (path: Path, message: string) => void,
  placeOf: (path: Path) => string,
): AccessRules {
  const check = (names: readonly string[] | undefined, path: Path) => {
    for (const [at, name] of (names ?? []).entries())
      if (!repositories.includes(name)) {
        const near = nearest(name, repositories);
        complain(
          [...path, at],
          `there is no repository ${name}${near ? `; did you mean ${near}?` : ""}`,
        );
      }
  };
  const where = ({ repositories, packages }: z.infer<typeof Scope>) => ({
    repositories: repositories ?? null,
    packages: packages ?? null,
  });
  const reading = (scope: Parameters<typeof where>[0], ...at: Path): Granted => ({
    holder: "anonymous",
    actions: ["read"],
    ...where(scope),
    source: placeOf(["access", "anonymous", ...at]),
  });
  const { anonymous } = input;
  if (Array.isArray(anonymous))
    for (const [at, one] of anonymous.entries())
      check(one.repositories, ["access", "anonymous", at, "repositories"]);
  for (const [at, one] of input.grants.entries())
    check(one.repositories, ["access", "grants", at, "repositories"]);
  return {
    anonymous:
      anonymous === undefined
        ? null
        : Array.isArray(anonymous)
          ? anonymous.map((one, at) => reading(one, at))
          : anonymous === "read"
            ? [reading({})]
            : [],
    // As names of users are kept.
    teams: Object.fromEntries(
      Object.entries(input.teams).map(([team, names]) => [
        team,
        names.map((name) => name.toLowerCase()),
      ]),
    ),
    grants: input.grants.map((grant, at) => ({
      holder: grant.to,
      actions: [grant.may].flat(),
      ...where(grant),
      source: placeOf(["access", "grants", at]),
    })),
    isLocal: addresses.every(({ host }) => isLoopback(host)),
  };
}

/** Whether only this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
