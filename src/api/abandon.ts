// Packages that nobody looks after any more.
import { z } from "zod";
import type { Access, Grant } from "../core/grant.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint } from "./endpoint.ts";
import { Name } from "./schemas.ts";

type Params = Record<string, string>;

export function abandonEndpoints(deps: ApiDeps) {
  const about = {
    path: "/repositories/{repository}/packages/{package}/abandoned",
    command: "abandon",
    tag: "packages",
    access: ({ repository, package: name }: Params): Access => ({
      action: "publish",
      package: name!,
      repository: repository!,
    }),
    status: 204,
  } as const;

  function abandon(params: Params, grant: Grant, abandoned: boolean | string): Promise<void> {
    const { spell, hosting } = repositoryOf(deps, params["repository"]!);
    return hosting(grant).abandon(spell(params["package"]!), abandoned);
  }

  return [
    endpoint({
      ...about,
      method: "PUT",
      summary: "Say that nobody looks after a package any more: its clients are warned",
      body: z.object({
        replacement: Name.optional().describe("The package to use in its place"),
      }),
      run: ({ params, body, grant }) => abandon(params, grant, body.replacement ?? true),
    }),
    endpoint({
      ...about,
      method: "DELETE",
      summary: "Take that back",
      run: ({ params, grant }) => abandon(params, grant, false),
    }),
  ];
}
