// The settings that count, each with the line of the configuration file that says it. They are changed there alone.
import { z } from "zod";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";

const Setting = z
  .object({
    path: z.string().describe("As mistakes of the file tell it: repositories.npm.quota"),
    repository: z.string().nullable().describe("Null for the server itself"),
    value: z.string().describe("In the words of the file; a secret is ***"),
    line: z.number().int().nullable().describe("Of the file; null where it does not stand there"),
    from: z
      .string()
      .nullable()
      .describe("Where else it comes from: default, built in, a flag or a variable"),
  })
  .meta({ id: "Setting" });

export function settingEndpoints(deps: ApiDeps) {
  return [
    endpoint({
      method: "GET",
      path: "/settings",
      summary: "The settings that count, and where each stands",
      tag: "server",
      access: ofServer,
      query: z.object({
        repository: z
          .string()
          .optional()
          .describe("Of this one alone; - for the server itself. All without it"),
      }),
      status: 200,
      result: z.object({
        file: z.string().nullable().describe("As it was named; null for the built-in one"),
        items: z.array(Setting),
      }),
      run({ query: { repository } }) {
        const { file, items } = deps.settings;
        if (repository === undefined) return { file, items: [...items] };
        const wanted = repository === "-" ? null : repositoryOf(deps, repository).name;
        return { file, items: items.filter((one) => one.repository === wanted) };
      },
    }),
  ];
}
