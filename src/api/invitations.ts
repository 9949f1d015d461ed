// Links by which users set a password: what `holdfast user invite` makes.
import { z } from "zod";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { Reason, Time, time } from "./schemas.ts";

const DAY_MS = 86_400_000;

const Open = z.object({ createdAt: Time, createdBy: z.string(), until: Time });

export function invitationEndpoints({ auth }: ApiDeps) {
  const base = { tag: "users", access: ofServer, path: "/users/{user}/invitation" } as const;
  return [
    endpoint({
      ...base,
      method: "GET",
      summary: "Whether a user has a link to set a password by that is still good",
      status: 200,
      result: z.object({ open: Open.nullable() }).meta({ id: "OpenInvitation" }),
      async run({ params }) {
        const found = await auth.invitations.of(params["user"]!.toLowerCase());
        if (!found) return { open: null };
        const { createdAt, createdBy, until } = found;
        return { open: { createdAt: time(createdAt), createdBy, until: time(until) } };
      },
    }),
    endpoint({
      ...base,
      method: "POST",
      summary: "Make a link by which a user sets a password, once; it is told this once",
      command: "user invite",
      makes: true,
      body: z.strictObject({
        days: z.number().int().min(1).max(30).default(3).describe("It is good for so long"),
      }),
      status: 201,
      result: z
        .object({
          path: z.string().describe("From the root of this server; whoever has it is let in"),
          until: Time,
        })
        .meta({ id: "Invitation" }),
      async run({ params, body, grant }) {
        const { admin } = auth;
        const made = await admin.invite(grant.principal, params["user"]!, body.days * DAY_MS);
        return { path: made.path, until: time(made.until) };
      },
    }),
    endpoint({
      ...base,
      method: "DELETE",
      summary: "End the link that a user has to set a password by",
      query: z.object({ reason: Reason }),
      status: 204,
      async run({ params, query, grant }) {
        await auth.admin.uninvite(grant.principal, params["user"]!, query);
      },
    }),
  ];
}
