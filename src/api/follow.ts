// What a server in another site asks this one for again and again, so that it can say the same: who may read what, what is withheld, what was published.
import { z } from "zod";
import { readAccess, stampOfAccess } from "../auth/followed.ts";
import { readChanged } from "../hosted/changed.ts";
import { policyStampOf, withheldOf } from "../jobs/followed.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint } from "./endpoint.ts";
import { Name } from "./schemas.ts";

const Granted = z.object({
  holder: z.string(),
  actions: z.array(z.string()),
  repositories: z.array(z.string()).nullable(),
  packages: z.array(z.string()).nullable(),
  source: z.string(),
});

const Millis = z.number().int().describe("Milliseconds since the epoch");

const FollowedAccess = z
  .object({
    users: z.array(
      z.object({ name: z.string(), createdAt: Millis, disabledAt: Millis.nullable() }),
    ),
    teams: z.record(z.string(), z.array(z.string())),
    grants: z.array(
      z.object({
        id: z.string(),
        holder: z.string(),
        actions: z.string(),
        repository: z.string(),
        package: z.string(),
        createdAt: Millis,
        createdBy: z.string(),
      }),
    ),
    tokens: z.array(
      z.object({
        id: z.string(),
        secret: z.string().describe("SHA-256 of it"),
        prefix: z.string(),
        ownerKind: z.string(),
        owner: z.string(),
        name: z.string(),
        scope: z.string(),
        cidrs: z.string(),
        createdAt: Millis,
        expiresAt: Millis.nullable(),
        revokedAt: Millis.nullable(),
      }),
    ),
    rules: z.object({
      anonymous: z.array(Granted),
      teams: z.record(z.string(), z.array(z.string())),
      grants: z.array(Granted),
    }),
  })
  .meta({ id: "FollowedAccess" });

const FollowedState = z
  .object({
    now: Millis,
    access: z.string().describe("Another text once anything of who may read what has changed"),
    accessNow: FollowedAccess.nullable().describe("Null where that is the one that was asked with"),
    policy: z.string().describe("Another text once policy may say something else of a release"),
    published: z
      .array(
        z.object({
          repository: z.string(),
          package: z.string(),
          revision: z.number().int(),
          files: z.array(z.string()).describe("Those that are there now"),
        }),
      )
      .describe("What was published or changed after the cursor, the oldest first; some at a time"),
    cursor: z.string().describe("To be asked with for what comes after"),
  })
  .meta({ id: "FollowedState" });

const FollowedVerdicts = z
  .object({
    policy: z.string(),
    items: z.array(
      z.object({
        package: z.string(),
        verdicts: z.array(
          z.object({
            version: z.string(),
            verdict: z.enum(["hold", "block"]),
            rule: z.string(),
            why: z.string(),
            until: Millis.nullable(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: "FollowedVerdicts" });

/** Of packages that are asked about at once. */
const MOST = 500;

export function followEndpoints(deps: ApiDeps) {
  const { auth, database, policed, waivers, now } = deps;
  const stampOf = (all: ReturnType<typeof waivers.all>) =>
    policyStampOf(database.read, deps.version, policed, all, now());
  const base = { tag: "server", status: 200 } as const;
  const access = () => ({ action: "follow", package: null }) as const;
  return [
    endpoint({
      ...base,
      access,
      method: "GET",
      path: "/follow/state",
      summary: "For a server that follows this one: who may read what, and what has changed",
      query: z.object({
        access: z.string().optional().describe("What was given as `access` before"),
        cursor: z.string().default("").describe("What was given as `cursor` before"),
      }),
      result: FollowedState,
      async run({ query }) {
        const [directory, rules] = [auth.directory.current(), auth.rules()];
        const stamp = await stampOfAccess(database.read, directory, rules);
        const isKnown = query.access === stamp;
        const given = isKnown ? null : await readAccess(database.read, directory, rules, now());
        const { items, cursor } = await readChanged(database.read, query.cursor, now());
        return {
          now: now(),
          access: stamp,
          accessNow: given && {
            ...given,
            rules: {
              anonymous: given.rules.anonymous.map(grantedOf),
              teams: Object.fromEntries(
                Object.entries(given.rules.teams).map(([team, names]) => [team, [...names]]),
              ),
              grants: given.rules.grants.map(grantedOf),
            },
          },
          policy: await stampOf(waivers.all()),
          published: items,
          cursor,
        };
      },
    }),
    endpoint({
      ...base,
      access,
      method: "POST",
      path: "/follow/withheld",
      summary: "For a server that follows this one: what is held and blocked of some packages",
      body: z.object({ repository: Name, packages: z.array(Name).min(1).max(MOST) }),
      result: FollowedVerdicts,
      async run({ body: { repository, packages } }) {
        repositoryOf(deps, repository);
        const one = policed.find(({ name }) => name === repository)!;
        const known = waivers.all(); // it is these that the stamp is of
        const policy = await stampOf(known);
        const found = await withheldOf(database.read, one, known, now(), packages);
        return {
          policy,
          items: [...found].map(([name, all]) => ({
            package: name,
            verdicts: all.map(({ version, verdict, rule, message: why, until }) => ({
              version,
              verdict,
              rule,
              why,
              until,
            })),
          })),
        };
      },
    }),
  ];
}

function grantedOf({ holder, actions, repositories, packages, source }: Grants[number]) {
  return {
    holder,
    actions: [...actions],
    repositories: repositories && [...repositories],
    packages: packages && [...packages],
    source,
  };
}
type Grants = Awaited<ReturnType<typeof readAccess>>["rules"]["grants"];
