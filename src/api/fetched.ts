// Who fetched what.
import { z } from "zod";
import { markOf, searchFetches } from "../advisories/fetched.ts";
import { purl as makePurl } from "../core/purl.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { paged, pageOf, placeCursor, readPlace } from "./paging.ts";
import { Name, Time, time, timeOf } from "./schemas.ts";

const Fetched = z
  .object({
    repository: z.string(),
    package: z.string(),
    version: z.string(),
    purl: z.string(),
    kind: z.enum(["anonymous", "user", "job", "server"]),
    principal: z.string().describe("Empty for who gives no name"),
    token: z.string().nullable().describe("Its id"),
    tokenName: z.string().nullable(),
    address: z.string().describe("The last one of the day"),
    firstAt: Time.describe("On that day"),
    lastAt: Time,
    files: z.number().describe("How often files of it were sent on that day"),
  })
  .meta({ id: "Fetched" });

const Place = z.tuple([z.number(), z.string(), z.string(), z.string(), z.string()]);

export function fetchedEndpoints({ repositories, policed, database }: ApiDeps) {
  return [
    endpoint({
      tag: "records",
      method: "GET",
      path: "/fetches",
      summary: "Who was sent which release: a row a release, caller and day, the newest day first",
      access: ofServer,
      query: z.object({
        ...paged,
        repository: Name.optional(),
        package: Name.optional().describe("As the repository spells it, or nearly"),
        version: Name.optional(),
        digest: z
          .string()
          .regex(/^(sha256:)?[0-9a-fA-F]{64}$/, "is a SHA-256: 64 hexadecimal digits")
          .optional()
          .describe("SHA-256 of a stored file: whoever was sent its release"),
        principal: Name.optional(),
        address: Name.optional(),
        since: Time.optional().describe("Whole days count"),
        until: Time.optional(),
      }),
      status: 200,
      result: pageOf(Fetched),
      async run({ query }) {
        const { repository, limit, cursor, since, until, digest, package: name, ...asked } = query;
        const wanted = repositories.filter((one) => !repository || one.name === repository);
        const place = readPlace(cursor, Place);
        const rows = await searchFetches(database.read, {
          ...asked,
          repositories: wanted.map((one) => one.name),
          // One that every format spells alike need not be spelled at all.
          packages: name === undefined ? undefined : spellings(name, wanted),
          digest: digest?.replace(/^sha256:/, ""),
          since: timeOf(since),
          until: timeOf(until),
          before: place && {
            day: place[0],
            repository: place[1],
            package: place[2],
            version: place[3],
            caller: place[4],
          },
          limit: limit + 1,
        });
        const shown = rows.slice(0, limit);
        const last = rows.length > limit ? markOf(shown.at(-1)!) : null;
        return {
          items: shown.map(({ caller: _, firstAt, lastAt, ...row }) => ({
            ...row,
            purl: makePurl(
              policed.find((one) => one.name === row.repository)?.purlType ?? "generic",
              row.package,
              row.version,
            ),
            firstAt: time(firstAt),
            lastAt: time(lastAt),
          })),
          next:
            last &&
            placeCursor([last.day, last.repository, last.package, last.version, last.caller]),
        };
      },
    }),
  ];
}

function spellings(name: string, repositories: ApiDeps["repositories"]): string[] {
  return [...new Set([name, ...repositories.map(({ spell }) => spell(name))])];
}
