// Long work: begun, looked at, stopped. Of the data directory, and of one repository.
import { z } from "zod";
import type { Grant } from "../core/grant.ts";
import { nameOf } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { pageBy, paged, pageOf } from "./paging.ts";
import type { Run } from "./runs.ts";
import { Name, Time, time } from "./schemas.ts";

/** Those of the house that commands have; each the command of its name. */
export const HOUSE = [
  "gc",
  "verify",
  "reload",
  "unpin",
  "feeds refresh",
  "disk clean",
  "ledger audit",
  "ledger accept",
  "follow anew",
  "canary run",
  "alarms look",
] as const;

export const Operation = z
  .object({
    id: z.string(),
    name: z.string(),
    repository: z.string().nullable(),
    by: z.string(),
    startedAt: Time,
    endedAt: Time.nullable(),
    state: z
      .enum(["running", "done", "incomplete", "failed"])
      .describe("incomplete: it ended, and not all was well"),
    progress: z.object({ done: z.number(), total: z.number(), note: z.string() }).nullable(),
    lines: z.array(z.string()).describe("What it said, the last lines of it"),
    error: z.string().nullable(),
  })
  .meta({ id: "Operation" });

export function operationEndpoints(deps: ApiDeps) {
  const { runs } = deps;
  const base = { tag: "operations" } as const;
  const ofRepository = ({ repository }: Record<string, string>) =>
    ({ action: "admin", package: null, repository: repository! }) as const;

  /** Begins it, and writes down who did. */
  async function begin(wanted: Parameters<typeof runs.start>[0], { principal }: Grant) {
    const { name, repository } = wanted;
    const run = await runs.start(wanted, nameOf(principal));
    await deps.database.write((sql) =>
      deps.auth.audit.write(sql, {
        action: "run",
        principal,
        ...(repository && { repository }),
        detail: { operation: name, id: run.id },
      }),
    );
    return shown(run);
  }

  function find(id: string | undefined, repository?: string): Run {
    const run = runs.find(id!);
    if (!run || (repository !== undefined && run.repository !== repository))
      throw new Problem("notFound", `There is no operation ${id}, or it ended long ago`);
    return run;
  }

  return [
    endpoint({
      ...base,
      method: "GET",
      path: "/operations",
      summary: "What was begun over the API, the newest first",
      access: ofServer,
      query: z.object(paged),
      status: 200,
      result: pageOf(Operation),
      run({ query }) {
        const all = runs.list().map((run, at) => ({ run, key: String(at).padStart(9, "0") }));
        const { items, next } = pageBy(all, ({ key }) => key, query);
        return { items: items.map(({ run }) => shown(run)), next };
      },
    }),
    endpoint({
      ...base,
      method: "POST",
      path: "/operations",
      summary: "Begin work on the data directory: it goes on when nobody waits",
      access: ofServer,
      makes: true,
      body: z.strictObject({
        name: z.enum(HOUSE),
        values: z
          .record(z.string(), z.string())
          .default({})
          .describe(
            "unpin: repository, package, file, reason. feeds refresh: feed, or none. disk clean: dry-run, which is true or false. ledger accept, follow anew: reason",
          ),
      }),
      status: 202,
      result: Operation,
      async run({ body: { name, values }, grant }) {
        const by = nameOf(grant.principal);
        const wanted = {
          name,
          repository: "",
          flags: new Set<string>(),
          values: { ...values, by },
        };
        return begin(wanted, grant);
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/operations/{operation}",
      summary: "How an operation goes, or went",
      access: ofServer,
      status: 200,
      result: Operation,
      run: ({ params }) => shown(find(params["operation"])),
    }),
    endpoint({
      ...base,
      method: "DELETE",
      path: "/operations/{operation}",
      summary: "Stop an operation",
      access: ofServer,
      status: 204,
      run: ({ params }) => runs.stop(find(params["operation"]).id),
    }),
    endpoint({
      ...base,
      method: "POST",
      path: "/repositories/{repository}/operations",
      summary: "Begin an operation of the repository's format: `mirror run`, `apt accept`",
      access: ofRepository,
      makes: true,
      body: z.strictObject({
        name: Name.describe("The words of the command"),
        flags: z.array(Name).default([]).describe("Its switches, without the dashes"),
        values: z
          .record(z.string(), z.string())
          .default({})
          .describe("Its options that have a value, without the dashes"),
      }),
      status: 202,
      result: Operation,
      async run({ params, body: { name, flags, values }, grant }) {
        const repository = repositoryOf(deps, params["repository"]!).name;
        const by = nameOf(grant.principal);
        const wanted = { name, repository, flags: new Set(flags), values: { ...values, by } };
        return begin(wanted, grant);
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/repositories/{repository}/operations/{operation}",
      summary: "How an operation of a repository goes, or went",
      access: ofRepository,
      status: 200,
      result: Operation,
      run: ({ params }) => shown(find(params["operation"], params["repository"])),
    }),
    endpoint({
      ...base,
      method: "DELETE",
      path: "/repositories/{repository}/operations/{operation}",
      summary: "Stop an operation of a repository",
      access: ofRepository,
      status: 204,
      run: ({ params }) => runs.stop(find(params["operation"], params["repository"]).id),
    }),
  ];
}

export function shown({
  startedAt,
  endedAt,
  repository,
  lines,
  ...run
}: Run): z.infer<typeof Operation> {
  return {
    ...run,
    repository: repository || null,
    startedAt: time(startedAt),
    endedAt: time(endedAt),
    lines: [...lines],
  };
}
