// Which grants count for a caller, and where each comes from.
import type { AccessRules, Granted } from "../core/access.ts";
import type { Snapshot } from "./directory.ts";

/** What anybody may who gives no name. Others may that too. */
export function anonymousGrants(snapshot: Snapshot, rules: AccessRules): Granted[] {
  const stored = snapshot.grants.filter(({ holder }) => holder === "anonymous");
  return [...(rules.anonymous ?? defaultOf(rules)), ...stored];
}

/** What a user may: their own grants, those of their teams, of all who are logged in, and of everybody. Nothing for who is no user, or disabled. */
export function userGrants(snapshot: Snapshot, rules: AccessRules, name: string): Granted[] {
  const user = snapshot.users.get(name);
  if (!user || user.disabledAt !== null) return [];
  const holders = new Set(["everyone", `user:${name}`]);
  for (const team of teamsOf(snapshot, rules, name)) holders.add(`team:${team}`);
  const own = [...rules.grants, ...snapshot.grants].filter(({ holder }) => holders.has(holder));
  return [...own, ...anonymousGrants(snapshot, rules)];
}

/** Whether this user may everything. */
export function isAdministrator(snapshot: Snapshot, rules: AccessRules, name: string): boolean {
  return userGrants(snapshot, rules, name).some(
    ({ actions, repositories, packages }) =>
      actions.includes("admin") && repositories === null && packages === null,
  );
}

/** Sorted. */
export function teamsOf(snapshot: Snapshot, rules: AccessRules, name: string): string[] {
  const stored = [...snapshot.teams].filter(([, members]) => members.includes(name));
  const written = Object.entries(rules.teams).filter(([, members]) => members.includes(name));
  return [...new Set([...stored, ...written].map(([team]) => team))].sort();
}

/** Of the configuration and the database together, sorted. Null when there is no such team. */
export function membersOf(snapshot: Snapshot, rules: AccessRules, team: string): string[] | null {
  const stored = snapshot.teams.get(team);
  const written = rules.teams[team];
  if (!stored && !written) return null;
  return [...new Set([...(stored ?? []), ...(written ?? [])])].sort();
}

/** Whether there is anything that credentials could be of. Without it those that come with requests are none of our business. */
export function hasAccounts(snapshot: Snapshot, rules: AccessRules): boolean {
  const isWritten = rules.anonymous !== null || rules.grants.length > 0;
  return isWritten || snapshot.users.size > 0 || snapshot.hasTokens;
}

/** Who can reach a server that listens on its own machine alone is on that machine. */
function defaultOf({ isLocal }: AccessRules): Granted[] {
  if (!isLocal) return [];
  const source = "the default while the server listens on this machine alone";
  return [{ holder: "anonymous", actions: ["read"], repositories: null, packages: null, source }];
}
