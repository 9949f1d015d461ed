// What is known here of packages, stored, published or named by a document: the twins of the pages about them. Nobody but the disk is asked.
import { z } from "zod";
import type { Dependants, PackageView, VersionRow, VersionView } from "../core/catalog.ts";
import type { Access } from "../core/grant.ts";
import type { Withholding } from "../core/policy.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofReaders } from "./endpoint.ts";
import { paged, pageOf, placeCursor, readPlace } from "./paging.ts";
import { Time, time } from "./schemas.ts";

const Found = z
  .object({
    repository: z.string(),
    format: z.string(),
    package: z.string(),
    files: z.number().int().describe("Stored; 0 for one that a document names, and nobody fetched"),
    bytes: z.number().int(),
    newestAt: Time.nullable(),
    isHosted: z.boolean(),
  })
  .meta({ id: "FoundPackage" });

const Decision = z
  .object({
    verdict: z.enum(["hold", "block"]),
    rule: z.string(),
    until: Time.nullable(),
    message: z.string(),
  })
  .meta({ id: "Decision" });

const Version = z
  .object({
    version: z.string(),
    publishedAt: Time.nullable().describe("As the upstream tells it"),
    firstSeenAt: Time.nullable().describe("Null: before the package was first looked at"),
    files: z.number().int(),
    stored: z.number().int().describe("How many of its files are stored"),
    bytes: z.number().int(),
    withheld: Decision.nullable().describe("Null: allowed"),
    provenance: z.enum(["verified", "unverified", "false", "none"]).nullable(),
    advisories: z.array(
      z.object({
        id: z.string(),
        summary: z.string(),
        severity: z.string().nullable(),
        isMalicious: z.boolean(),
        url: z.string(),
      }),
    ),
    yanked: z.string().nullable(),
    isGone: z.boolean().describe("The upstream has it no more"),
    isTampered: z.boolean().describe("The upstream shows other bytes than the first ones"),
    publishedBy: z.string().nullable(),
  })
  .meta({ id: "KnownVersion" });

const Inside = z
  .object({
    description: z.string().nullable(),
    licence: z.string().nullable(),
    homepage: z.string().nullable(),
    readme: z.string().nullable().describe("HTML without anything that runs or loads"),
    dependencies: z.array(z.object({ name: z.string(), range: z.string(), kind: z.string() })),
    scripts: z.record(z.string(), z.string()),
    files: z.array(z.object({ path: z.string(), size: z.number(), mark: z.number() })),
    count: z.number().int(),
    size: z.number().int(),
  })
  .meta({ id: "Inside" });

const Dependant = z
  .object({
    repository: z.string(),
    package: z.string(),
    version: z.string().describe("The newest stored release of it, which says so"),
    needs: z.array(
      z.object({
        kind: z.string().describe('"peer", "optional"; empty: it cannot do without'),
        range: z.string().describe("As its author wrote it; empty: any version"),
      }),
    ),
  })
  .meta({ id: "Dependant" });

/** What a list of them tells beside its items. */
const counts = {
  total: z.number().int().describe("Of those that the caller may read, counted to a thousand"),
  isMore: z.boolean().describe("There are more than were counted, or there may be"),
  isCut: z.boolean().describe("Very many need it, and not all of them were looked at"),
};

const FirstDependants = z
  .object({ items: z.array(Dependant), ...counts })
  .describe("Packages stored here that need it, the first of them");

const KnownPackage = z
  .object({
    repository: z.string(),
    format: z.string(),
    package: z.string(),
    isHosted: z.boolean(),
    isPublic: z.boolean().describe("Whether who gives no name may read it"),
    newest: z.string().nullable().describe("The newest version of all"),
    shown: z.string().nullable().describe("The newest that clients are shown"),
    versions: z.array(Version).describe("Newest first; of the page that was asked for"),
    totals: z.object({
      versions: z.number().int(),
      stored: z.number().int().describe("Versions of which a file is stored"),
      files: z.number().int().describe("Stored"),
      bytes: z.number().int(),
    }),
    labels: z
      .record(z.string(), z.string())
      .describe("What its author calls versions: dist-tags, branches, what is the latest"),
    about: z.object({ version: z.string(), inside: Inside }).nullable(),
    hasFeeds: z.boolean().describe("False: nobody tells here what is wrong with such packages"),
    dependants: FirstDependants,
  })
  .meta({ id: "KnownPackage" });

const Changes = z.array(
  z.object({ name: z.string(), before: z.string().nullable(), after: z.string().nullable() }),
);

const OneVersion = Version.extend({
  repository: z.string(),
  format: z.string(),
  package: z.string(),
  purl: z.string(),
  isPublic: z.boolean(),
  older: z.string().nullable(),
  newer: z.string().nullable(),
  filesOf: z.array(
    z.object({
      file: z.string(),
      size: z.number().nullable(),
      sha256: z.string().nullable().describe("Of the bytes that were first seen"),
      told: z.string().nullable().describe("As documents told it first"),
      isStored: z.boolean(),
      storedAt: Time.nullable(),
      upstream: z.string().nullable(),
      path: z.string().nullable().describe("Inside the repository"),
      provenance: z.enum(["verified", "unverified", "false", "none"]).nullable(),
      isGone: z.boolean(),
      isTampered: z.boolean(),
    }),
  ),
  inside: Inside.nullable(),
  whyNotInside: z.string().nullable(),
  difference: z
    .object({
      before: z.string(),
      added: z.array(z.string()),
      removed: z.array(z.string()),
      changed: z.array(z.string()),
      more: z.number().int(),
      dependencies: Changes,
      scripts: Changes,
      sizeBefore: z.number(),
      sizeAfter: z.number(),
    })
    .nullable()
    .describe("From the version before it that is stored"),
  dependants: FirstDependants,
}).meta({ id: "KnownVersionWhole" });

const ofPackage = (params: Record<string, string>): Access => ({
  action: "read",
  package: params["package"]!,
  repository: params["repository"]!,
});

export function catalogEndpoints({ catalog }: ApiDeps) {
  const base = { tag: "catalog", method: "GET", status: 200 } as const;
  const PACKAGE = "/catalog/{repository}/{package}";
  return [
    endpoint({
      ...base,
      path: "/catalog",
      summary: "Packages by name, over all repositories that the caller may read",
      access: ofReaders,
      query: z.object({
        search: z.string().max(200).default("").describe("Empty: what came last"),
        page: z.coerce.number().int().min(1).max(1000).default(1),
      }),
      result: z.object({ items: z.array(Found), hasMore: z.boolean() }),
      async run({ query: { search, page }, grant }) {
        const { items, hasMore } = await catalog(grant).search(search, page);
        return { items: items.map((one) => ({ ...one, newestAt: time(one.newestAt) })), hasMore };
      },
    }),
    endpoint({
      ...base,
      path: PACKAGE,
      summary: "A package: its versions, what became of each here, and what it says of itself",
      access: ofPackage,
      query: z.object({
        page: z.coerce
          .number()
          .int()
          .min(1)
          .max(1000)
          .optional()
          .describe("Of versions, a hundred each; all of them without it"),
      }),
      result: KnownPackage,
      async run({ params, query: { page }, grant }) {
        const { repository, package: name } = params;
        const part = page === undefined ? undefined : { from: (page - 1) * 100, count: 100 };
        return packageOf(await catalog(grant).package(repository!, name!, part));
      },
    }),
    endpoint({
      ...base,
      path: `${PACKAGE}/dependants`,
      summary: "Packages stored here that need a package, in every repository of its format",
      access: ofPackage,
      query: z.object(paged),
      result: pageOf(Dependant).extend({
        repository: z.string(),
        format: z.string(),
        package: z.string(),
        ...counts,
      }),
      async run({ params, query: { limit, cursor }, grant }) {
        const { repository, package: name } = params;
        const after = readPlace(cursor, z.tuple([z.string(), z.string()]));
        const part = { count: limit, after };
        const { next, ...found } = await catalog(grant).dependants(repository!, name!, part);
        return { ...found, next: next && placeCursor(next) };
      },
    }),
    endpoint({
      ...base,
      path: `${PACKAGE}/versions/{version}`,
      summary: "A version: files, digests, provenance, and what is otherwise than before",
      access: ofPackage,
      result: OneVersion,
      run: async ({ params, grant }) => {
        const { repository, package: name, version } = params;
        return wholeOf(await catalog(grant).version(repository!, name!, version!));
      },
    }),
  ];
}

function packageOf({
  versions,
  newest,
  shown,
  dependants,
  ...view
}: PackageView): z.infer<typeof KnownPackage> {
  return {
    ...view,
    dependants: firstOf(dependants),
    newest: newest?.version ?? null,
    shown: shown?.version ?? null,
    versions: versions.map(versionOf),
  };
}

function firstOf({ next: _, ...dependants }: Dependants): z.infer<typeof FirstDependants> {
  return dependants;
}

function versionOf(row: VersionRow): z.infer<typeof Version> {
  const { publishedAt, firstSeenAt, withheld } = row;
  return {
    ...row,
    publishedAt: time(publishedAt),
    firstSeenAt: time(firstSeenAt),
    withheld: withheld && decisionOf(withheld),
  };
}

function decisionOf({ verdict, rule, until, message }: Withholding): z.infer<typeof Decision> {
  return { verdict, rule, until: time(until), message };
}

function wholeOf(view: VersionView): z.infer<typeof OneVersion> {
  const filesOf = view.filesOf.map(({ storedAt, provenance, ...one }) => ({
    ...one,
    storedAt: time(storedAt),
    provenance: provenance?.state ?? null,
  }));
  return { ...view, ...versionOf(view), filesOf, dependants: firstOf(view.dependants) };
}
