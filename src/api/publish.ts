// Files that are published through the API, in repositories whose format takes them.
import { z } from "zod";
import type { Access } from "../core/grant.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { type Call, endpoint } from "./endpoint.ts";

const Published = z
  .object({
    package: z.string(),
    version: z.string(),
    file: z.string().describe("What it is called in the repository"),
    isNew: z.boolean().describe("False when it was there with these bytes"),
  })
  .meta({ id: "Published" });

export function publishEndpoints(deps: ApiDeps) {
  const publishing = {
    method: "PUT",
    command: "publish",
    tag: "packages",
    access: ({ repository, package: name }: Record<string, string>): Access => ({
      action: "publish",
      package: name ?? null,
      repository: repository!,
    }),
    takesFile: true,
    /** What the format takes beside the file, as the command's options. */
    query: z.record(z.string(), z.string()),
    status: 200,
    result: z.object({ published: z.array(Published) }),
    async run({ params, query, file, grant }: Call<Record<string, string>, unknown>) {
      const { package: name = null, version = null } = params;
      const files = [{ ...file, name: params["file"]! }];
      const repository = repositoryOf(deps, params["repository"]!);
      const given = { package: name, version, files, values: query };
      return { published: await repository.publish(grant, given) };
    },
  } as const;
  return [
    endpoint({
      ...publishing,
      path: "/repositories/{repository}/packages/{package}/releases/{version}/files/{file}",
      summary: "Publish a file; the same bytes again are no error, others are refused",
    }),
    endpoint({
      ...publishing,
      path: "/repositories/{repository}/files/{file}",
      summary: "Publish a file that says itself of which package and version it is",
    }),
  ];
}
