// Who did what.
import { z } from "zod";
import { type AuditRow, readAudit } from "../auth/audit.ts";
import { auditActions } from "../core/audit.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { paged, pageOf, pageOfRows, rowBefore } from "./paging.ts";
import { Name, Time, time } from "./schemas.ts";

const Entry = z
  .object({
    id: z.number().int(),
    at: Time,
    action: z.string(),
    kind: z.string().describe("user, job, server or anonymous"),
    principal: z.string(),
    token: z.string().nullable().describe("The id of the token that it came with"),
    tokenName: z
      .string()
      .nullable()
      .describe("What it is called; null once nothing is known of it any more"),
    address: z.string(),
    repository: z.string().nullable(),
    package: z.string().nullable(),
    purl: z.string().nullable(),
    digest: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AuditEntry" });

export function recordEndpoints({ database }: ApiDeps) {
  return [
    endpoint({
      method: "GET",
      path: "/audit",
      summary: "Who did what, the newest first",
      command: "audit",
      tag: "records",
      access: ofServer,
      query: z.object({
        ...paged,
        since: Time.optional(),
        until: Time.optional(),
        user: Name.optional().describe(
          "What this user or CI job did, and log-ins under that name that failed",
        ),
        token: Name.optional().describe("The id of a token, or its name"),
        package: Name.optional().describe("A name, or a purl"),
        action: z.enum(auditActions).optional(),
      }),
      status: 200,
      result: pageOf(Entry),
      async run({ query }) {
        const { since, until, user, token, package: name, action, limit, cursor } = query;
        const before = rowBefore(cursor);
        const rows = await readAudit(database.read, {
          limit: limit + 1,
          ...(before !== null && { before }),
          ...(since && { since: Date.parse(since) }),
          ...(until && { until: Date.parse(until) }),
          ...(user && { principal: user }),
          ...(token && { token }),
          ...(name && { package: name }),
          ...(action && { action }),
        });
        return pageOfRows(rows, ({ id }) => id, entryOf, query);
      },
    }),
  ];
}

function entryOf({ at, ...row }: AuditRow): z.infer<typeof Entry> {
  return { ...row, at: time(at) };
}
