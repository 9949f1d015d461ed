// What is held and why, and exceptions: what `holdfast policy|waiver …` do.
import { z } from "zod";
import { explain, listHeld } from "../jobs/policy.ts";
import { addWaiver, removeWaiver } from "../jobs/waivers.ts";
import type { Waiver } from "../policy/waiver.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { pageBy, paged, pageOf } from "./paging.ts";
import { Name, Reason, Time, time } from "./schemas.ts";

const Withheld = z
  .object({
    repository: z.string(),
    purl: z.string(),
    verdict: z.enum(["hold", "block"]),
    rule: z.string(),
    until: Time.nullable().describe("When it ends by itself; null: not by the clock"),
    message: z.string(),
  })
  .meta({ id: "Withheld" });

const Builder = z
  .object({
    issuer: z.string(),
    subject: z.string(),
    repository: z.string().nullable(),
    workflow: z.string().nullable(),
    ref: z.string().nullable(),
    commit: z.string().nullable(),
  })
  .meta({ id: "Builder" });

const FileProvenance = z
  .object({
    file: z.string(),
    state: z.enum(["verified", "unverified", "false", "none"]),
    builder: Builder.nullable().describe("Whom the verified certificate names"),
    signature: z
      .enum(["root", "registry"])
      .nullable()
      .describe(
        "The registry's signature held, by a key that the trust root vouches for, or by one that the same registry showed; null: there is none that could be checked",
      ),
    why: z.string().nullable().describe("Why it is unverified, or false"),
    checkedAt: Time,
  })
  .meta({ id: "Provenance" });

const WaiverShape = z
  .object({
    id: z.string(),
    repository: z.string().nullable().describe("Null for all"),
    purl: z.string().describe("Without a version"),
    versions: z.string().describe("A version, or a range"),
    reason: z.string(),
    owner: z.string(),
    createdAt: Time,
    until: Time.nullable().describe("Null: until it is taken back"),
    untilFixed: z.boolean().describe("Until a later release comes that no rule withholds"),
  })
  .meta({ id: "Waiver" });

const waiverOf = (waiver: Waiver): z.infer<typeof WaiverShape> => ({
  id: waiver.id,
  repository: waiver.repository,
  purl: `pkg:${waiver.purlType}/${waiver.package}`,
  versions: waiver.versions,
  reason: waiver.reason,
  owner: waiver.owner,
  createdAt: time(waiver.createdAt),
  until: time(waiver.until),
  untilFixed: waiver.untilFixed ?? false,
});

const BlockShape = WaiverShape.omit({ untilFixed: true }).meta({ id: "Block" });

function blockOf(waiver: Waiver): z.infer<typeof BlockShape> {
  const { untilFixed: _, ...block } = waiverOf(waiver);
  return block;
}

/** More are not looked at for one page: who has so many asks by command. */
const MOST = 10_000;

/** Which releases are decided on, and why. */
const named = {
  purl: Name.describe("pkg:npm/left-pad@1.3.0; or without a version, with `versions`"),
  versions: z.string().optional().describe("A range, in place of the purl's version"),
  repository: Name.optional().describe("All without it"),
  reason: z.string().min(1).max(1000),
};

export function policyEndpoints(deps: ApiDeps) {
  const { policed, waivers, database, now } = deps;
  const tag = "policy";
  const ofRepository = ({ repository }: Record<string, string>) =>
    ({ action: "read", package: null, repository: repository! }) as const;
  const only = (name: string) => {
    repositoryOf(deps, name);
    return policed.filter((one) => one.name === name);
  };

  const byId = (areBlocks: boolean) =>
    waivers
      .all()
      .filter(({ isBlock }) => (isBlock ?? false) === areBlocks)
      .sort((a, b) => (a.id < b.id ? -1 : 1));

  return [
    endpoint({
      tag,
      method: "GET",
      path: "/repositories/{repository}/held",
      summary: "Releases that are held or blocked, of the packages that the caller may read",
      command: "policy held",
      access: ofRepository,
      query: z.object(paged),
      status: 200,
      result: pageOf(Withheld),
      async run({ params, query, grant }) {
        const { repository = "" } = params;
        const found: z.infer<typeof Withheld>[] = [];
        const all = listHeld(database.read, only(repository), waivers.all(), now());
        for await (const { package: name, version: _, ...one } of all) {
          if (!grant.may(repository, "read", name)) continue;
          found.push({ ...one, until: time(one.until) });
          if (found.length >= MOST) break;
        }
        found.sort((a, b) => (a.purl < b.purl ? -1 : 1));
        return pageBy(found, ({ purl }) => purl, query);
      },
    }),
    endpoint({
      tag,
      method: "GET",
      path: "/repositories/{repository}/packages/{package}/releases/{version}/policy",
      summary: "Whether a release is held or blocked, by which rule, and until when",
      command: "policy explain",
      access: ({ repository, package: name }) => ({
        action: "read",
        package: name ?? null,
        repository: repository!,
      }),
      status: 200,
      result: z.object({
        withheld: Withheld.nullable().describe("Null: it is allowed"),
        publishedAt: Time.nullable(),
        licence: z.string().nullable().describe("As its publisher wrote it"),
        provenance: z
          .array(FileProvenance)
          .describe("What was found out of who made its files; empty where nobody has looked"),
        lostSince: z
          .string()
          .nullable()
          .describe("The last version before it that had provenance, where it has none"),
        waivers: z.array(WaiverShape),
      }),
      async run({ params }) {
        const { repository = "", package: name = "", version = "" } = params;
        const repositories = only(repository);
        const purl = `pkg:${repositories[0]!.purlType}/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
        const [found] = await explain(database.read, repositories, waivers.all(), now(), purl);
        const { withheld, publishedAt, provenance, lostSince, traits, waivers: its } = found!;
        return {
          withheld: withheld && {
            repository,
            purl: found!.purl,
            verdict: withheld.verdict,
            rule: withheld.rule,
            until: time(withheld.until),
            message: withheld.message,
          },
          publishedAt,
          licence: traits?.licence ?? null,
          provenance: provenance.map(({ version: _, checkedAt, ...one }) => ({
            ...one,
            checkedAt: time(checkedAt),
          })),
          lostSince,
          waivers: its.map(waiverOf),
        };
      },
    }),
    endpoint({
      tag,
      method: "GET",
      path: "/waivers",
      summary: "Exceptions from the rules, also those that have ended",
      command: "waiver list",
      access: ofServer,
      query: z.object(paged),
      status: 200,
      result: pageOf(WaiverShape),
      run({ query }) {
        const { items, next } = pageBy(byId(false), ({ id }) => id, query);
        return { items: items.map(waiverOf), next };
      },
    }),
    endpoint({
      tag,
      method: "POST",
      path: "/waivers",
      summary: "Let a release through that is held or blocked",
      command: "waiver add",
      access: ofServer,
      makes: true,
      body: z.object({
        ...named,
        until: z
          .string()
          .optional()
          .describe('A time, how long (7d), or "fixed". Without it for good'),
      }),
      status: 201,
      result: WaiverShape,
      run: async ({ body, grant }) =>
        waiverOf(await addWaiver(waivers, () => policed, grant, body, now())),
    }),
    endpoint({
      tag,
      method: "DELETE",
      path: "/waivers/{waiver}",
      summary: "Take a waiver back: the rules hold again from the next request on",
      command: "waiver remove",
      access: ofServer,
      query: z.object({ reason: Reason }),
      status: 204,
      async run({ params, query: { reason: why }, grant }) {
        const id = params["waiver"]!;
        if (byId(false).some((one) => one.id === id))
          await removeWaiver(waivers, () => policed, grant, { id, why });
      },
    }),
    endpoint({
      tag,
      method: "GET",
      path: "/blocks",
      summary: "What operators block by hand, also what has ended",
      command: "block list",
      access: ofServer,
      query: z.object(paged),
      status: 200,
      result: pageOf(BlockShape),
      run({ query }) {
        const { items, next } = pageBy(byId(true), ({ id }) => id, query);
        return { items: items.map(blockOf), next };
      },
    }),
    endpoint({
      tag,
      method: "POST",
      path: "/blocks",
      summary: "Block a release, whatever rules and waivers say of it: nobody is sent it",
      command: "block add",
      access: ofServer,
      makes: true,
      body: z.object({
        ...named,
        until: z.string().optional().describe("A time, or how long (7d). Without it for good"),
      }),
      status: 201,
      result: BlockShape,
      run: async ({ body, grant }) =>
        blockOf(await addWaiver(waivers, () => policed, grant, { ...body, isBlock: true }, now())),
    }),
    endpoint({
      tag,
      method: "DELETE",
      path: "/blocks/{block}",
      summary: "Take a block back: rules and waivers hold again from the next request on",
      command: "block remove",
      access: ofServer,
      query: z.object({ reason: Reason }),
      status: 204,
      async run({ params, query: { reason: why }, grant }) {
        const id = params["block"]!;
        if (byId(true).some((one) => one.id === id))
          await removeWaiver(waivers, () => policed, grant, { id, isBlock: true, why });
      },
    }),
  ];
}
