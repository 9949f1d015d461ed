// Packages that are published here: read, yanked, removed, restored, promoted. The room of published packages asks the caller's grant again.
import { z } from "zod";
import type { Access, Action, Grant } from "../core/grant.ts";
import type { HostedPackage, HostedRelease } from "../core/hosted.ts";
import { Problem } from "../core/problem.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint } from "./endpoint.ts";
import { pageBy, paged, pageOf } from "./paging.ts";
import { Name, Time, time } from "./schemas.ts";

const File = z
  .object({
    file: z.string(),
    sha256: z.string(),
    size: z.number().int(),
    publishedAt: Time,
    publishedBy: z.string(),
  })
  .meta({ id: "File" });

const Release = z
  .object({
    version: z.string(),
    publishedAt: Time,
    publishedBy: z.string(),
    yanked: z
      .string()
      .nullable()
      .describe("Why it is not to be chosen; null when it is not yanked"),
    files: z.array(File),
  })
  .meta({ id: "Release" });

const Package = z
  .object({
    name: z.string(),
    revision: z.number().int().describe("Rises with every change"),
    createdAt: Time,
    createdBy: z.string(),
    changedAt: Time,
    releases: z.array(Release),
  })
  .meta({ id: "Package" });

const Trashed = z
  .object({
    package: z.string(),
    version: z.string(),
    file: z.string(),
    size: z.number().int(),
    sha256: z.string(),
    removedAt: Time,
    removedBy: z.string(),
    endsAt: Time.describe("It can be restored until then"),
  })
  .meta({ id: "Trashed" });

const Removed = z.object({ files: z.number().int() });
const MOST = Number.MAX_SAFE_INTEGER;
const PACKAGE = "/repositories/{repository}/packages/{package}";
const RELEASE = `${PACKAGE}/releases/{version}`;
const TRASH = "/repositories/{repository}/trash";

type Params = Record<string, string>;

const toPackage =
  (action: Action) =>
  ({ repository, package: name }: Params): Access => ({
    action,
    package: name ?? null,
    repository: repository!,
  });

export function packageEndpoints(deps: ApiDeps) {
  /** The room of a repository's published packages for this caller, and the package as it is spelt there. */
  function open({ repository, package: name = "" }: Params, grant: Grant) {
    const found = repositoryOf(deps, repository!);
    return { room: found.hosting(grant), name: found.spell(name) };
  }

  async function readPackage(params: Params, grant: Grant): Promise<HostedPackage> {
    const { room, name } = open(params, grant);
    const found = await room.read(name);
    if (!found)
      throw new Problem("notFound", `${name} is not published in ${params["repository"]}`);
    return found;
  }

  async function readRelease(params: Params, grant: Grant): Promise<HostedRelease> {
    const found = await readPackage(params, grant);
    const release = found.releases.find(({ version }) => version === params["version"]);
    if (!release)
      throw new Problem("notFound", `${found.name} has no version ${params["version"]} here`);
    return release;
  }

  async function yank(params: Params, grant: Grant, yanked: string | null) {
    const { room, name } = open(params, grant);
    const version = params["version"]!;
    const { releases } = await room.yank(name, version, yanked);
    return releaseOf(releases.find((one) => one.version === version)!);
  }

  return [
    endpoint({
      method: "GET",
      path: "/repositories/{repository}/packages",
      summary: "Names of published packages that the caller may read",
      tag: "packages",
      access: toPackage("read"),
      query: z.object({
        ...paged,
        search: z.string().default("").describe("Only names that contain this text"),
      }),
      status: 200,
      result: pageOf(z.object({ name: z.string() })),
      async run({ params, query, grant }) {
        const names = await open(params, grant).room.search(query.search, MOST);
        return pageBy(
          names.map((name) => ({ name })),
          ({ name }) => name,
          query,
        );
      },
    }),
    endpoint({
      method: "GET",
      path: PACKAGE,
      summary: "A published package with its releases",
      tag: "packages",
      access: toPackage("read"),
      status: 200,
      result: Package,
      run: async ({ params, grant }) => packageOf(await readPackage(params, grant)),
    }),
    endpoint({
      method: "DELETE",
      path: PACKAGE,
      summary: "Put all of a package into the trash; its name stays the repository's",
      command: "unpublish",
      tag: "packages",
      access: toPackage("unpublish"),
      status: 200,
      result: Removed,
      async run({ params, grant }) {
        const { room, name } = open(params, grant);
        return room.remove(name, {});
      },
    }),
    endpoint({
      method: "GET",
      path: RELEASE,
      summary: "A release with its files",
      tag: "packages",
      access: toPackage("read"),
      status: 200,
      result: Release,
      run: async ({ params, grant }) => releaseOf(await readRelease(params, grant)),
    }),
    endpoint({
      method: "DELETE",
      path: RELEASE,
      summary: "Put a release, or one file of it, into the trash",
      command: "unpublish",
      tag: "packages",
      access: toPackage("unpublish"),
      query: z.object({ file: Name.optional().describe("This file of it alone") }),
      status: 200,
      result: Removed,
      async run({ params, query: { file }, grant }) {
        const { room, name } = open(params, grant);
        return room.remove(name, { version: params["version"]!, ...(file && { file }) });
      },
    }),
    endpoint({
      method: "PUT",
      path: `${RELEASE}/yank`,
      summary: "Say that a release is not to be chosen any more",
      command: "yank",
      tag: "packages",
      access: toPackage("publish"),
      body: z.strictObject({ reason: z.string().max(1000).default("") }),
      status: 200,
      result: Release,
      run: ({ params, body, grant }) => yank(params, grant, body.reason),
    }),
    endpoint({
      method: "DELETE",
      path: `${RELEASE}/yank`,
      summary: "Take that back",
      command: "unyank",
      tag: "packages",
      access: toPackage("publish"),
      status: 200,
      result: Release,
      run: ({ params, grant }) => yank(params, grant, null),
    }),
    endpoint({
      method: "POST",
      path: `${RELEASE}/promote`,
      summary: "Publish a release in another repository, with the same bytes",
      command: "promote",
      tag: "packages",
      access: toPackage("read"),
      body: z.strictObject({
        to: Name.describe("The other repository, in which the caller may publish"),
      }),
      status: 200,
      result: z.object({ isNew: z.boolean().describe("False when it was there with these bytes") }),
      async run({ params, body, grant }) {
        const { room, name } = open(params, grant);
        const to = deps.repositories.find((one) => one.name === body.to);
        // Whether there is one is for nobody to find out who could not publish there.
        if (!to || !grant.may(to.name, "publish", name))
          throw new Problem(
            "forbidden",
            `${name} cannot be published in ${body.to} by this caller`,
          );
        const standing = await room.standing(name, params["version"]!);
        const { isNew } = await to.hosting(grant).promote(standing);
        return { isNew };
      },
    }),
    endpoint({
      method: "POST",
      path: `${PACKAGE}/restore`,
      summary: "Take a package, a release or a file out of the trash again",
      command: "trash restore",
      tag: "packages",
      access: toPackage("unpublish"),
      body: z.strictObject({ version: Name.optional(), file: Name.optional() }),
      status: 200,
      result: Removed,
      async run({ params, body: { version, file }, grant }) {
        const { room, name } = open(params, grant);
        return room.restore(name, { ...(version && { version }), ...(file && { file }) });
      },
    }),
    endpoint({
      method: "GET",
      path: TRASH,
      summary: "What was removed and can be restored",
      command: "trash list",
      tag: "packages",
      access: toPackage("unpublish"),
      query: z.object(paged),
      status: 200,
      result: pageOf(Trashed),
      async run({ params, query, grant }) {
        const all = await open(params, grant).room.trash();
        const keyed = all.map((one) => ({ one, key: `${one.package}\0${one.file}` }));
        keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
        const { items, next } = pageBy(keyed, ({ key }) => key, query);
        return {
          items: items.map(({ one: { repository: _, removedAt, endsAt, ...one } }) => ({
            ...one,
            removedAt: time(removedAt),
            endsAt: time(endsAt),
          })),
          next,
        };
      },
    }),
    endpoint({
      method: "DELETE",
      path: TRASH,
      summary: "Take all of the trash off the disk, for ever",
      command: "trash empty",
      tag: "packages",
      access: toPackage("admin"),
      status: 200,
      result: z.object({ files: z.number().int(), bytes: z.number().int() }),
      run: ({ params, grant }) => open(params, grant).room.empty("all"),
    }),
  ];
}

function packageOf({ name, revision, createdAt, createdBy, changedAt, releases }: HostedPackage) {
  return {
    name,
    revision,
    createdAt: time(createdAt),
    createdBy,
    changedAt: time(changedAt),
    releases: releases.map(releaseOf),
  };
}

function releaseOf({ version, publishedAt, publishedBy, yanked, files }: HostedRelease) {
  return {
    version,
    publishedAt: time(publishedAt),
    publishedBy,
    yanked,
    files: files.map(({ file, sha256, size, publishedAt, publishedBy }) => ({
      file,
      sha256,
      size,
      publishedAt: time(publishedAt),
      publishedBy,
    })),
  };
}
