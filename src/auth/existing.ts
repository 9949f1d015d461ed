// What names stand for: users, teams and repositories that are there. What is for others would be given, and mean nothing.
import type { AccessRules } from "../core/access.ts";
import { Problem } from "../core/problem.ts";
import type { Query } from "../store/database.ts";
import type { Directory, Snapshot, StoredGrant, User } from "./directory.ts";
import { isAdministrator, membersOf } from "./effective.ts";
import { requireName } from "./names.ts";

/** Each throws a Problem for what is not there, which names what is. */
export interface Existing {
  user(name: string): User;
  /** Of "user:ann", "team:web", "everyone", "anonymous": in the one spelling of it. */
  holder(text: string): string;
  /** Null is all of them. */
  repositories(names: readonly string[] | null): void;
  /** That somebody may everything also without this, where somebody does: without one nobody could make another. `told`: what is wrong where nobody does, in words. */
  requireAnother(told: string, without: Without): void;
}

/** What is to go: a user, a team, a member of one, a grant. */
export interface Without {
  user?: string;
  team?: string;
  /** Of the team, which itself stays. */
  member?: string;
  grant?: StoredGrant;
}

export interface ExistingDeps {
  directory: Directory;
  rules(): AccessRules;
  /** Null where nobody said which there are. */
  repositories(): readonly string[] | null;
}

const MOST_TOLD = 20;

export function createExisting({ directory, rules, repositories }: ExistingDeps): Existing {
  function user(name: string): User {
    const found = directory.current().users.get(requireName(name, "user"));
    if (!found) throw new Problem("notFound", `There is no user ${name}`);
    return found;
  }

  function team(typed: string): string {
    const name = requireName(typed, "team");
    if (membersOf(directory.current(), rules(), name)) return name;
    const all = [...directory.current().teams.keys(), ...Object.keys(rules().teams)];
    throw new Problem("notFound", `There is no team ${name}${among(all)}`);
  }

  return {
    user,
    requireAnother(told, without) {
      const before = directory.current();
      if (!hasAdministrator(before, rules()) || hasAdministrator(less(before, without), rules()))
        return;
      throw new Problem("conflict", `${told}: make another one first, or force it`, {
        rule: "last-administrator",
      });
    },
    holder(text) {
      const [, kind, name = ""] = /^(user|team):(.+)$/.exec(text) ?? [];
      if (text === "everyone" || text === "anonymous") return text;
      if (kind === "user") return `user:${user(name).name}`;
      if (kind === "team") return `team:${team(name)}`;
      throw new Problem(
        "badRequest",
        `"${text}" is nobody to give anything to: user:NAME, team:NAME, everyone, anonymous`,
      );
    },
    repositories(names) {
      const all = repositories();
      const wrong = all && names?.find((name) => !all.includes(name));
      if (wrong != null)
        throw new Problem(
          "badRequest",
          `There is no repository ${wrong.slice(0, 100)}${among(all!)}`,
          { rule: "token-repositories" },
        );
    },
  };
}

function hasAdministrator(snapshot: Snapshot, rules: AccessRules): boolean {
  return [...snapshot.users.keys()].some((name) => isAdministrator(snapshot, rules, name));
}

/** What the snapshot is then. */
function less(snapshot: Snapshot, { user, team, member, grant }: Without): Snapshot {
  const stays = ([name]: readonly [string, unknown]) => name !== team || member !== undefined;
  const teams = [...snapshot.teams].filter(stays).map(([name, members]) => {
    const others = members.filter((one) => one !== member);
    return [name, name === team ? others : members] as const;
  });
  return {
    ...snapshot,
    users: new Map([...snapshot.users].filter(([name]) => name !== user)),
    teams: new Map(teams),
    grants: snapshot.grants.filter((one) => one !== grant),
  };
}

function among(names: readonly string[]): string {
  if (names.length === 0) return "";
  const told = [...new Set(names)].sort().slice(0, MOST_TOLD);
  return `; there are: ${told.join(", ")}${names.length > MOST_TOLD ? ", …" : ""}`;
}

/** Names of the users and teams that are stored: for a command that looks beside a server. */
export async function readNames(sql: Query): Promise<{ users: Set<string>; teams: Set<string> }> {
  const names = (rows: { name: string }[]) => new Set(rows.map(({ name }) => name));
  return {
    users: names(await sql`SELECT name FROM users`),
    teams: names(await sql`SELECT name FROM teams`),
  };
}

/**
 * What the configuration gives to whom nobody knows, in sentences without a final period: it may be misspelt, and it may be somebody who comes through
 * another system one day.
 */
export function unknownNames(
  known: { has(name: string): boolean },
  teams: { has(name: string): boolean },
  rules: AccessRules,
): string[] {
  const told: string[] = [];
  for (const { holder, source } of rules.grants) {
    const [, kind, name = ""] = /^(user|team):(.+)$/.exec(holder) ?? [];
    if (kind === "user" && !known.has(name))
      told.push(`${source} is for the user ${name}, whom nobody here knows (yet)`);
    if (kind === "team" && !teams.has(name) && !Object.hasOwn(rules.teams, name))
      told.push(
        `${source} is for the team ${name}, which is not there: neither in access.teams nor made by a command`,
      );
  }
  for (const [team, members] of Object.entries(rules.teams)) {
    const missing = members.filter((name) => !known.has(name));
    if (missing.length > 0)
      told.push(`access.teams.${team} has ${missing.join(", ")}, whom nobody here knows (yet)`);
  }
  return told;
}
