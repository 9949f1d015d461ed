// Users, teams and what they may: what `holdfast user|team|access …` do.
import { z } from "zod";
import type { User as StoredUser } from "../auth/directory.ts";
import { isAdministrator, membersOf, teamsOf, userGrants } from "../auth/effective.ts";
import { readHtpasswd } from "../auth/htpasswd/file.ts";
import { Problem } from "../core/problem.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { Given, givenOf } from "./grants.ts";
import { pageBy, paged, pageOf } from "./paging.ts";
import { Reason, Time, taking, takingOf, time } from "./schemas.ts";

const User = z
  .object({
    name: z.string(),
    email: z.string(),
    fullName: z.string(),
    createdAt: Time,
    createdBy: z.string(),
    disabledAt: Time.nullable(),
    isAdmin: z.boolean().describe("May do everything"),
    hasPassword: z.boolean().describe("False for who logs in through another system"),
    teams: z.array(z.string()),
  })
  .meta({ id: "User" });

const Team = z
  .object({
    name: z.string(),
    members: z.array(z.string()),
    isStored: z.boolean().describe("Made by a command, and changed by one"),
    configured: z
      .array(z.string())
      .describe("Those of the members whom the configuration names, which are changed there"),
  })
  .meta({ id: "Team" });

export function userEndpoints({ auth }: ApiDeps) {
  const { admin, directory } = auth;
  const find = (name: string | undefined) => directory.current().users.get(name!.toLowerCase());
  const shown = ({
    name,
    email,
    fullName,
    createdAt,
    createdBy,
    disabledAt,
    password,
  }: StoredUser) => ({
    name,
    email,
    fullName,
    createdAt: time(createdAt),
    createdBy,
    disabledAt: time(disabledAt),
    isAdmin: isAdministrator(directory.current(), auth.rules(), name),
    hasPassword: password !== null,
    teams: teamsOf(directory.current(), auth.rules(), name),
  });
  function userOf(name: string | undefined): StoredUser {
    const user = find(name);
    if (!user) throw new Problem("notFound", `There is no user ${name}`);
    return user;
  }
  const teamOf = (name: string): z.infer<typeof Team> => ({
    name,
    members: membersOf(directory.current(), auth.rules(), name) ?? [],
    isStored: directory.current().teams.has(name),
    configured: [...(auth.rules().teams[name] ?? [])].sort(),
  });
  const base = { tag: "users", access: ofServer } as const;

  return [
    endpoint({
      ...base,
      method: "GET",
      path: "/users",
      summary: "All users",
      command: "user list",
      query: z.object({
        ...paged,
        search: z.string().max(200).optional().describe("What stands in a name or an address"),
      }),
      status: 200,
      result: pageOf(User),
      run({ query }) {
        const wanted = (query.search ?? "").trim().toLowerCase();
        const all = [...directory.current().users.values()]
          .filter(({ name, email, fullName }) =>
            `${name}\n${email}\n${fullName}`.toLowerCase().includes(wanted),
          )
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        const { items, next } = pageBy(all, ({ name }) => name, query);
        return { items: items.map(shown), next };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/users/{user}",
      summary: "A user",
      status: 200,
      result: User,
      run: ({ params }) => shown(userOf(params["user"])),
    }),
    endpoint({
      ...base,
      method: "PUT",
      path: "/users/{user}",
      summary: "Make a user, or change what is said of one",
      command: "user add",
      body: z.strictObject({
        email: z.string().max(200).optional(),
        fullName: z.string().max(200).optional(),
        password: z
          .string()
          .min(1)
          .nullable()
          .optional()
          .describe("Of a new user; null for who logs in through another system alone"),
        admin: z.boolean().default(false).describe("Of a new user: may do everything"),
      }),
      status: 200,
      result: User,
      async run({ params, body: { password = null, admin: isAdmin, email, fullName }, grant }) {
        const name = params["user"]!;
        const profile = {
          ...(email !== undefined && { email }),
          ...(fullName !== undefined && { fullName }),
        };
        if (find(name)) await admin.setProfile(grant.principal, name, profile);
        else await admin.addUser(grant.principal, { name, password, ...profile }, isAdmin);
        return shown(userOf(name));
      },
    }),
    endpoint({
      ...base,
      method: "DELETE",
      path: "/users/{user}",
      summary: "Remove a user, with their grants, teams and tokens",
      command: "user remove",
      query: z.object(taking),
      status: 204,
      async run({ params, query, grant }) {
        // Who asks again, since no answer came, is told the same.
        if (find(params["user"]))
          await admin.removeUser(grant.principal, params["user"]!, takingOf(query));
      },
    }),
    endpoint({
      ...base,
      method: "PUT",
      path: "/users/{user}/password",
      summary: "Give a user another password",
      command: "user password",
      body: z.strictObject({
        password: z
          .string()
          .min(1)
          .nullable()
          .describe(
            "Null: whoever logs in first under this name through another system is the user",
          ),
      }),
      query: z.object({ reason: Reason }),
      status: 204,
      run: ({ params, query, body, grant }) =>
        admin.setPassword(grant.principal, params["user"]!, body.password, query),
    }),
    endpoint({
      ...base,
      method: "PUT",
      path: "/users/{user}/disabled",
      summary: "Let a user do nothing, with no token either",
      command: "user disable",
      query: z.object(taking),
      status: 200,
      result: User,
      async run({ params, query, grant }) {
        await admin.setDisabled(grant.principal, params["user"]!, true, takingOf(query));
        return shown(userOf(params["user"]));
      },
    }),
    endpoint({
      ...base,
      method: "DELETE",
      path: "/users/{user}/disabled",
      summary: "Let a user do again what their grants say",
      command: "user enable",
      status: 200,
      result: User,
      async run({ params, grant }) {
        await admin.setDisabled(grant.principal, params["user"]!, false);
        return shown(userOf(params["user"]));
      },
    }),
    endpoint({
      ...base,
      method: "POST",
      path: "/users/import",
      summary:
        "Take over users from the text of an htpasswd file; those that are here stay as they are",
      command: "user import",
      body: z.strictObject({ htpasswd: z.string() }),
      status: 200,
      result: z.object({
        added: z.array(z.string()),
        refused: z.array(
          z.object({ line: z.number().int(), name: z.string(), reason: z.string() }),
        ),
      }),
      async run({ body, grant }) {
        const { entries, refused } = readHtpasswd(body.htpasswd);
        const added = await admin.importUsers(grant.principal, entries);
        return {
          added,
          refused: refused.map(({ line, name, reason }) => ({ line, name: name ?? "", reason })),
        };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/users/{user}/access",
      summary: "What a user may, and where each grant comes from",
      command: "access show",
      status: 200,
      result: z.object({ teams: z.array(z.string()), grants: z.array(Given) }),
      run({ params }) {
        const { name } = userOf(params["user"]);
        return {
          teams: teamsOf(directory.current(), auth.rules(), name),
          grants: userGrants(directory.current(), auth.rules(), name).map(givenOf),
        };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/teams",
      summary: "All teams, of the configuration and given by commands",
      command: "team list",
      query: z.object(paged),
      status: 200,
      result: pageOf(Team),
      run({ query }) {
        const names = [...directory.current().teams.keys(), ...Object.keys(auth.rules().teams)];
        const { items, next } = pageBy([...new Set(names)].sort(), (name) => name, query);
        return {
          items: items.map(teamOf),
          next,
        };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/teams/{team}",
      summary: "A team",
      status: 200,
      result: Team,
      run({ params }) {
        const name = params["team"]!.toLowerCase();
        if (!membersOf(directory.current(), auth.rules(), name))
          throw new Problem("notFound", `There is no team ${name}`);
        return teamOf(name);
      },
    }),
    endpoint({
      ...base,
      method: "PUT",
      path: "/teams/{team}",
      summary: "Make a team",
      command: "team add",
      status: 204,
      async run({ params, grant }) {
        const name = params["team"]!.toLowerCase();
        if (!directory.current().teams.has(name)) await admin.addTeam(grant.principal, name);
      },
    }),
    endpoint({
      ...base,
      method: "DELETE",
      path: "/teams/{team}",
      summary: "Remove a team, with its grants",
      command: "team remove",
      query: z.object(taking),
      status: 204,
      async run({ params, query, grant }) {
        const name = params["team"]!.toLowerCase();
        if (directory.current().teams.has(name))
          await admin.removeTeam(grant.principal, name, takingOf(query));
      },
    }),
    endpoint({
      ...base,
      method: "PUT",
      path: "/teams/{team}/members/{user}",
      summary: "Put a user into a team",
      command: "team join",
      status: 204,
      run: ({ params, grant }) => admin.join(grant.principal, params["team"]!, params["user"]!),
    }),
    endpoint({
      ...base,
      method: "DELETE",
      path: "/teams/{team}/members/{user}",
      summary: "Take a user out of a team",
      command: "team leave",
      query: z.object(taking),
      status: 204,
      run: ({ params, query, grant }) =>
        admin.leave(grant.principal, params["team"]!, params["user"]!, takingOf(query)),
    }),
  ];
}
