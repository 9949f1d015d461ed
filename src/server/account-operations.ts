// What the commands about accounts have the server do: by name, with their arguments as JSON, lines for people back.
import { z } from "zod";
import {
  anonymousGrants,
  isAdministrator,
  membersOf,
  teamsOf,
  userGrants,
} from "../auth/effective.ts";
import { readHtpasswd } from "../auth/htpasswd/file.ts";
import { spellUser } from "../auth/names.ts";
import type { Auth } from "../auth/room.ts";
import { listTokens } from "../auth/tokens.ts";
import type { Granted } from "../core/access.ts";
import type { OperationCall } from "../core/operation.ts";
import { type Principal, theServer } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { HouseOperations } from "../jobs/house.ts";
import type { Database } from "../store/database.ts";

const Name = z.string().min(1);
const Names = z.array(Name).min(1).nullable().default(null);
const Actions = z.array(z.enum(["read", "publish", "unpublish", "follow", "admin"])).min(1);
/** How something is taken away. */
const taking = { reason: z.string().optional(), isForced: z.boolean().default(false) };
const Scope = z.object({
  repositories: Names,
  packages: Names,
  actions: Actions.nullable().default(null),
});

/** A command's arguments, and what it does with them. `say` gets rows for people: cells of a table where there are several. */
interface AccountCommand<T> {
  takes: z.ZodType<T>;
  run(given: T, by: Principal, say: (...cells: string[]) => void): Promise<void>;
}

function commandsOf(auth: Auth, database: Database) {
  const { admin, directory } = auth;
  const command = <T>(takes: z.ZodType<T>, run: AccountCommand<T>["run"]): AccountCommand<T> => ({
    takes,
    run,
  });
  const day = (at: number | null) =>
    at === null ? "never" : new Date(at).toISOString().slice(0, 10);
  const list = (names: readonly string[] | null) => names?.join(", ") ?? "all";

  function userOf(name: string) {
    const user = directory.current().users.get(name.toLowerCase());
    if (!user) throw new Problem("notFound", `There is no user ${name}`);
    return user;
  }

  return {
    "user add": command(
      z.object({
        name: Name,
        email: z.string().default(""),
        password: z.string().nullable().default(null),
        admin: z.boolean().default(false),
      }),
      async ({ admin: isAdmin, ...user }, by, say) => {
        await admin.addUser(by, user, isAdmin);
        const name = spellUser(user.name);
        say(`${name} is a user${isAdmin ? ", and administrator of all" : ""}.`);
        if (userGrants(directory.current(), auth.rules(), name).length === 0)
          say(`${name} may do nothing yet: holdfast grant add user:${name} read`);
      },
    ),
    "user import": command(z.object({ text: z.string() }), async ({ text }, by, say) => {
      const { entries, refused } = readHtpasswd(text);
      const added = await admin.importUsers(by, entries);
      for (const { line, name, reason } of refused)
        say(`Line ${line}${name && ` (${name})`} is not taken over: ${reason}`);
      const known = entries.length - added.length;
      say(
        `${added.length} users are new${known ? `, ${known} were here before and stay as they are` : ""}.`,
      );
      if (refused.length > 0)
        throw new Problem(
          "badRequest",
          added.length === 0
            ? "Nothing of the file was taken over"
            : `${refused.length} of its lines were not taken over, as told above; the others were`,
        );
    }),
    "user list": command(z.object({}), async (_given, _by, say) => {
      const { users } = directory.current();
      if (users.size === 0) say("There are no users.");
      else say("NAME", "SINCE", "TEAMS", "MAY", "LOGS IN WITH");
      for (const { name, createdAt, disabledAt, password } of users.values()) {
        const teams = teamsOf(directory.current(), auth.rules(), name);
        const how =
          disabledAt !== null ? "nothing: disabled" : password ? "a password" : "another system";
        const may = isAdministrator(directory.current(), auth.rules(), name)
          ? "everything"
          : "what grants say";
        say(name, day(createdAt), teams.join(", ") || "-", may, how);
      }
    }),
    "user remove": command(
      z.object({ name: Name, ...taking }),
      async ({ name, ...how }, by, say) => {
        await admin.removeUser(by, name, how);
        say(`${name} is gone, with their grants, teams and tokens. What they published stays.`);
      },
    ),
    "user password": command(
      z.object({ name: Name, password: z.string().nullable() }),
      async ({ name, password }, by, say) => {
        await admin.setPassword(by, name, password);
        if (password === null)
          say(
            `${name} has no password here. Whoever logs in first under this name through another system (login: oidc, ldap) is ${name}, with all that ${name} may; tokens stay as they are.`,
          );
        else say(`${name} has another password. Tokens stay as they are.`);
      },
    ),
    "user invite": command(
      z.object({ name: Name, days: z.number().positive().max(30), root: z.string() }),
      async ({ name, days, root }, by, say) => {
        const { path } = await admin.invite(by, name, days * 86_400_000);
        say(root + path);
      },
    ),
    "user disable": command(
      z.object({ name: Name, ...taking }),
      async ({ name, ...how }, by, say) => {
        await admin.setDisabled(by, name, true, how);
        say(`${name} may do nothing from now on, with no token either.`);
      },
    ),
    "user enable": command(z.object({ name: Name }), async ({ name }, by, say) => {
      await admin.setDisabled(by, name, false);
      say(`${name} may do again what their grants say.`);
    }),
    "team add": command(z.object({ name: Name }), async ({ name }, by, say) => {
      await admin.addTeam(by, name);
      say(`${name} is a team.`);
    }),
    "team remove": command(
      z.object({ name: Name, ...taking }),
      async ({ name, ...how }, by, say) => {
        await admin.removeTeam(by, name, how);
        say(`The team ${name} is gone, with its grants.`);
      },
    ),
    "team list": command(z.object({}), async (_given, _by, say) => {
      const { teams } = directory.current();
      const names = [...new Set([...teams.keys(), ...Object.keys(auth.rules().teams)])].sort();
      if (names.length === 0) say("There are no teams.");
      else say("TEAM", "MEMBERS");
      for (const name of names)
        say(name, membersOf(directory.current(), auth.rules(), name)!.join(", ") || "-");
    }),
    "team join": command(z.object({ team: Name, user: Name }), async ({ team, user }, by, say) => {
      await admin.join(by, team, user);
      say(`${user} is in the team ${team}.`);
    }),
    "team leave": command(
      z.object({ team: Name, user: Name, ...taking }),
      async ({ team, user, ...how }, by, say) => {
        await admin.leave(by, team, user, how);
        say(`${user} is not in the team ${team}.`);
      },
    ),
    "grant add": command(
      z.object({
        holder: Name,
        actions: Actions,
        repository: Name.nullable().default(null),
        package: Name.nullable().default(null),
      }),
      async (given, by, say) => {
        const id = await admin.grant(by, given);
        say(`Given, as ${id}.`);
      },
    ),
    "grant list": command(z.object({}), async (_given, _by, say) => {
      const given = [
        ...(auth.rules().anonymous ?? []),
        ...auth.rules().grants,
        ...directory.current().grants,
      ];
      if (given.length === 0) say("Nothing is given to anybody.");
      else say("TO", "MAY", "REPOSITORIES", "PACKAGES", "WHERE IT STANDS");
      for (const { holder, actions, repositories, packages, source } of given)
        say(holder, actions.join(", "), list(repositories), list(packages), source);
    }),
    "grant remove": command(z.object({ id: Name, ...taking }), async ({ id, ...how }, by, say) => {
      await admin.ungrant(by, id, how);
      say(`${id} is taken back.`);
    }),
    "token create": command(
      z.object({
        user: Name,
        name: Name,
        scope: Scope,
        cidrs: z.array(z.string()).default([]),
        expiresAt: z.number().nullable().default(null),
      }),
      async ({ user, ...wish }, by, say) => {
        const { name } = userOf(user);
        const own = userGrants(directory.current(), auth.rules(), name);
        const isAdmin = own.some(({ actions }) => actions.includes("admin"));
        if (wish.scope.actions?.includes("admin") && !isAdmin)
          say(`${name} administers nothing: a token may never more than its user.`);
        const { secret } = await admin.issueToken(by, user, wish);
        say(secret);
      },
    ),
    "token list": command(z.object({ user: Name.nullable() }), async ({ user }, _by, say) => {
      const owner = user === null ? null : ({ kind: "user", name: userOf(user).name } as const);
      const tokens = await listTokens(database.read, owner);
      if (tokens.length === 0) say("There are no tokens.");
      else say("ID", "OWNER", "NAME", "BEGINS", "MAY", "MADE", "LAST USED", "UNTIL");
      for (const { id, owner, name, prefix, scope, createdAt, lastUsedAt, expiresAt } of tokens) {
        const parts = [scope.actions, scope.repositories, scope.packages].map((part) =>
          part?.join(", "),
        );
        const may = parts.filter(Boolean).join(" in ") || "all that its owner may";
        say(id, owner, name, prefix, may, day(createdAt), day(lastUsedAt), day(expiresAt));
      }
    }),
    "token revoke": command(z.object({ id: Name, ...taking }), async ({ id, ...how }, by, say) => {
      const { name, owner } = await admin.revokeToken(by, id, how);
      say(`The token "${name}" of ${owner} works no more.`);
    }),
    "access show": command(z.object({ user: Name }), async ({ user }, _by, say) => {
      const show = (grants: readonly Granted[], who: string) => {
        if (grants.length === 0) say(`${who} may do nothing.`);
        else say("MAY", "REPOSITORIES", "PACKAGES", "AS", "WHERE IT STANDS");
        for (const { holder, actions, repositories, packages, source } of grants)
          say(actions.join(", "), list(repositories), list(packages), holder, source);
      };
      if (user === "anonymous")
        return show(anonymousGrants(directory.current(), auth.rules()), "Who gives no name");
      const { name, disabledAt } = userOf(user);
      if (disabledAt !== null)
        say(`${name} is disabled since ${day(disabledAt)}, and may do nothing.`);
      const teams = teamsOf(directory.current(), auth.rules(), name);
      say(`Teams: ${teams.join(", ") || "none"}`);
      show(userGrants(directory.current(), auth.rules(), name), name);
    }),
  };
}

export type AccountCommandName = keyof ReturnType<typeof commandsOf>;

/** One operation of the house: `values` has the command's name, its arguments as JSON, and who runs it. Cells of a row come with tabs between. */
export function accountOperations(auth: Auth, database: Database): HouseOperations {
  const commands = commandsOf(auth, database) as Record<string, AccountCommand<unknown>>;
  return {
    async accounts({ values = {}, say }: OperationCall) {
      const found = commands[values["command"] ?? ""];
      const given = found?.takes.safeParse(JSON.parse(values["given"] ?? "{}"));
      if (!found || !given?.success)
        throw new Problem(
          "badRequest",
          `The server does not understand ${values["command"]}: is it another version?`,
        );
      const by: Principal = { ...theServer, name: `the operator ${values["by"] ?? ""}`.trim() };
      await found.run(given.data, by, (...cells) => say(cells.join("\t")));
      return true;
    },
  };
}
