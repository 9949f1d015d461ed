// Feeds, what they told, and whom bad releases reached: what `holdfast feeds|advisories|policy affected` do.
import { z } from "zod";
import { knownAdvisories } from "../advisories/known.ts";
import { listAffected, showAdvisory } from "../jobs/affected.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { pageBy, paged, pageOf } from "./paging.ts";
import { Name, Time, time } from "./schemas.ts";

const Feed = z
  .object({
    name: z.string(),
    readAt: Time.nullable().describe("When it was last read; null: never"),
    newestAt: Time.nullable().describe("When its newest record was modified"),
    records: z.number(),
    error: z
      .string()
      .nullable()
      .describe("Why it could not be read the last time. What it told before still counts"),
    seedOf: Time.nullable().describe(
      "Of what the server's program itself knows, until a feed is read: as of when. Null for a feed",
    ),
  })
  .meta({ id: "Feed" });

const AdvisoryShape = z
  .object({
    id: z.string(),
    aliases: z.array(z.string()),
    purl: z.string().describe("Of the package, without a version"),
    kind: z.enum(["vulnerability", "malicious"]),
    severity: z.enum(["critical", "high", "moderate", "low"]).nullable(),
    cvss: z.string().nullable(),
    score: z.number().nullable(),
    summary: z.string(),
    details: z.string(),
    url: z.string(),
    publishedAt: Time.nullable(),
    modifiedAt: Time,
    withdrawnAt: Time.nullable(),
    versions: z.array(z.string()),
    ranges: z.array(
      z.object({
        introduced: z.string(),
        fixed: z.string().nullable(),
        lastAffected: z.string().nullable(),
      }),
    ),
    feed: z.string(),
  })
  .meta({ id: "Advisory" });

const AffectedShape = z
  .object({
    purl: z.string(),
    repository: z.string(),
    kind: z.enum(["anonymous", "user", "job", "server"]),
    principal: z.string().describe("Empty for who gives no name"),
    token: z.string().nullable().describe("Its id"),
    tokenName: z.string().nullable(),
    address: z.string().describe("The last one"),
    firstAt: Time,
    lastAt: Time,
    files: z.number().describe("How often files of it were sent"),
    lockedAt: Time.nullable().describe(
      "When an audit, or a lock file that was checked, last named it as one that they have",
    ),
    advisories: z.array(z.string()),
  })
  .meta({ id: "Affected" });

export function advisoryEndpoints({ policed, database }: ApiDeps) {
  const base = { tag: "policy", method: "GET", access: ofServer, status: 200 } as const;
  return [
    endpoint({
      ...base,
      path: "/feeds",
      summary: "The feeds of advisories: when each was read, and how much it knows",
      command: "feeds list",
      query: z.object(paged),
      result: pageOf(Feed),
      async run({ query }) {
        return pageBy(await knownAdvisories(database.read, []).feeds(), ({ name }) => name, query);
      },
    }),
    endpoint({
      ...base,
      path: "/advisories/{advisory}",
      summary: "What feeds told, by its id or another name of it; one for each package and feed",
      command: "advisories show",
      result: z.object({ items: z.array(AdvisoryShape) }),
      async run({ params }) {
        const found = await showAdvisory(database.read, policed, params["advisory"]!);
        const items = found.map(({ advisory }) => {
          // `purl` names the package.
          const {
            package: _,
            purlType: __,
            cwes: ___,
            sources: ____,
            isReviewed: _____,
            ...one
          } = advisory;
          return {
            ...one,
            aliases: [...one.aliases],
            versions: [...one.versions],
            ranges: [...one.ranges],
          };
        });
        return { items };
      },
    }),
    endpoint({
      ...base,
      path: "/affected",
      summary: "Who was sent a release, or the releases that an advisory is about",
      command: "policy affected",
      query: z.object({
        of: Name.describe("A purl, or the id of an advisory: pkg:npm/left-pad@1.3.1, MAL-2026-1"),
        ...paged,
      }),
      result: pageOf(AffectedShape),
      async run({ query }) {
        const rows = await listAffected(database.read, policed, query.of);
        const keyed = rows.map((row) => ({
          key: [row.purl, row.repository, row.kind, row.principal, row.token, row.address].join(
            "\0",
          ),
          row,
        }));
        keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
        const { items, next } = pageBy(keyed, ({ key }) => key, query);
        return {
          items: items.map(
            ({ row: { package: _, version: __, firstAt, lastAt, lockedAt, ...row } }) => ({
              ...row,
              firstAt: time(firstAt),
              lastAt: time(lastAt),
              lockedAt: lockedAt === null ? null : time(lockedAt),
            }),
          ),
          next,
        };
      },
    }),
  ];
}
