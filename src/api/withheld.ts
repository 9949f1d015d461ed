// What clients asked for and policy keeps from them, of all repositories.
import { z } from "zod";
import { purl as makePurl } from "../core/purl.ts";
import { countTold, pageOfTold, type ToldHolding, type ToldMark } from "../ledger/withheld.ts";
import { compileWaivers } from "../policy/waiver.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { paged, pageOf, placeCursor, readPlace } from "./paging.ts";
import { Name, Time, time } from "./schemas.ts";

const Verdict = z.enum(["hold", "block"]);

const WithheldRelease = z
  .object({
    repository: z.string(),
    format: z.string(),
    package: z.string(),
    version: z.string(),
    purl: z.string(),
    verdict: Verdict,
    rule: z.string(),
    until: Time.nullable().describe("When it ends by itself; null: not by the clock"),
    since: Time.describe("When a client was first kept from it"),
    asked: z
      .object({
        at: Time,
        by: z.string().describe("Empty for who gives no name"),
        from: z.string(),
      })
      .nullable()
      .describe("Who was refused it last"),
  })
  .meta({ id: "WithheldRelease" });

export function withheldEndpoints({ repositories, policed, waivers, database, now }: ApiDeps) {
  const base = { tag: "policy", method: "GET", access: ofServer, status: 200 } as const;

  /** Until the next look finds that it is over, it stands among what was told of. */
  function isWaived({ repository, package: name, version }: ToldHolding): boolean {
    const one = policed.find((found) => found.name === repository);
    if (!one) return false;
    const speaking = compileWaivers(waivers.all(), one).filter(
      ({ until, covers, holdsFor }) =>
        (until === null || until > now()) && covers(name) && holdsFor(version),
    );
    return speaking.length > 0 && !speaking.some(({ waiver }) => waiver.isBlock);
  }

  return [
    endpoint({
      ...base,
      path: "/withheld",
      summary: "Releases that clients asked about and that are held or blocked, the newest first",
      query: z.object({
        ...paged,
        repository: Name.optional(),
        format: Name.optional(),
        rule: Name.optional(),
        verdict: Verdict.optional(),
        package: Name.optional(),
      }),
      result: pageOf(WithheldRelease),
      async run({ query: { repository, format, limit, cursor, ...asked } }) {
        const wanted = repositories.filter(
          (one) => (!repository || one.name === repository) && (!format || one.format === format),
        );
        const rows = await pageOfTold(database.read, {
          ...asked,
          repositories: wanted.map(({ name }) => name),
          before: markOf(cursor),
          limit: limit + 1,
        });
        const shown = rows.slice(0, limit);
        const last = shown.at(-1);
        return {
          items: shown
            .filter((one) => !isWaived(one))
            .map(
              ({ repository, package: name, version, verdict, rule, endsAt, toldAt, asked }) => ({
                repository,
                format: wanted.find((one) => one.name === repository)!.format,
                package: name,
                version,
                purl: makePurl(
                  policed.find((one) => one.name === repository)!.purlType,
                  name,
                  version,
                ),
                verdict,
                rule,
                until: time(endsAt),
                since: time(toldAt),
                asked: asked && { ...asked, at: time(asked.at) },
              }),
            ),
          next: rows.length > limit ? placeCursor(placeOf(last!)) : null,
        };
      },
    }),
    endpoint({
      ...base,
      path: "/withheld/counts",
      summary: "How many releases are held and blocked, by rule",
      result: z.object({
        items: z.array(z.object({ rule: z.string(), verdict: Verdict, count: z.number().int() })),
      }),
      run: async () => ({ items: await countTold(database.read) }),
    }),
  ];
}

const Place = z.tuple([z.number(), z.string(), z.string(), z.string()]);

function placeOf({ toldAt, repository, package: name, version }: ToldHolding): Place {
  return [toldAt, repository, name, version];
}
type Place = z.infer<typeof Place>;

function markOf(cursor: string | undefined): ToldMark | null {
  const place = readPlace(cursor, Place);
  if (!place) return null;
  const [toldAt, repository, name, version] = place;
  return { toldAt, repository, package: name, version };
}
