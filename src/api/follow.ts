// What a server in another site asks this one for again and again, so that it can say the same: who may read what, what is withheld, what was published.
import { z } from "zod";
import { readAccess, stampOfAccess } from "../auth/followed.ts";
import { FollowedState, FollowedVerdicts } from "../follow/shapes.ts";
import { readChanged } from "../hosted/changed.ts";
import { policyStampOf, withheldOf } from "../jobs/followed.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint } from "./endpoint.ts";
import { Name } from "./schemas.ts";

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
