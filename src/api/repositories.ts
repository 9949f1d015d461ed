// The repositories that the caller may read.
import { z } from "zod";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint, ofReaders } from "./endpoint.ts";
import { pageBy, paged, pageOf } from "./paging.ts";

const Repository = z
  .object({
    name: z.string(),
    format: z.string(),
    offline: z.boolean(),
    claims: z.array(z.string()),
    lock: z
      .string()
      .nullable()
      .describe("What lock files of its clients are called, where they can be asked about"),
    operations: z
      .array(z.object({ name: z.string(), summary: z.string() }))
      .describe("Work of its format that can be begun"),
    files: z.number().int().describe("Stored artifacts"),
    bytes: z.number().int(),
    requests: z.number().int().describe("Since the start"),
    away: z.array(z.string()).describe("Upstreams that cannot be reached now"),
  })
  .meta({ id: "Repository" });

export function repositoryEndpoints(deps: ApiDeps) {
  const shown = async (grant: Parameters<ApiDeps["overview"]>[0]) => {
    const { repositories } = await deps.overview(grant);
    return deps.repositories
      .filter(({ name }) => grant.may(name, "read", null))
      .map(({ name, format, offline, claims, lock, operations }) => {
        const { files = 0, bytes = 0, requests = 0, away = [] } = repositories.get(name) ?? {};
        return {
          name,
          format,
          offline,
          claims: [...claims],
          lock: lock?.name ?? null,
          operations: operations.map(({ name, summary }) => ({ name, summary })),
          files,
          bytes,
          requests,
          away: [...away],
        };
      });
  };
  return [
    endpoint({
      method: "GET",
      path: "/repositories",
      summary: "The repositories that the caller may read",
      tag: "repositories",
      access: ofReaders,
      query: z.object(paged),
      status: 200,
      result: pageOf(Repository),
      async run({ grant, query }) {
        const all = await shown(grant);
        return pageBy(
          all.sort((a, b) => (a.name < b.name ? -1 : 1)),
          ({ name }) => name,
          query,
        );
      },
    }),
    endpoint({
      method: "GET",
      path: "/repositories/{repository}",
      summary: "One repository",
      tag: "repositories",
      access: ({ repository }) => ({ action: "read", package: null, repository: repository! }),
      status: 200,
      result: Repository,
      async run({ grant, params }) {
        const { name } = repositoryOf(deps, params["repository"]!);
        return (await shown(grant)).find((one) => one.name === name)!;
      },
    }),
  ];
}
