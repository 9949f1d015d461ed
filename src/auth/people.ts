// People whom other systems know (OpenID Connect, LDAP): which user here each of them is, and which teams their groups are.
import type { Person } from "../core/identity.ts";
import { nobody, theServer } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Database } from "../store/database.ts";
import type { AuditLog } from "./audit.ts";
import type { Directory, User } from "./directory.ts";
import { requireName } from "./names.ts";

export interface PeopleDeps {
  database: Database;
  directory: Directory;
  audit: AuditLog;
  now(): number;
}

/** Teams by the name of a group there. */
export type TeamsOfGroups = Readonly<Record<string, string>>;

/**
 * The user that the person is, made at the first log-in. People are known by what their system calls them for ever, never by a name or an
 * address, which can pass to somebody else: a name that is somebody else's here is refused, Problem("forbidden").
 */
export type Admit = (person: Person, teams: TeamsOfGroups) => Promise<User>;

export function createAdmit({ database, directory, audit, now }: PeopleDeps): Admit {
  /** Most come again: then nothing changes, and nobody has to forget what they know. */
  async function knownName({ issuer, subject }: Person): Promise<string | null> {
    const [known] =
      await database.read`SELECT user_name FROM identities WHERE issuer = ${issuer} AND subject = ${subject}`;
    return known && directory.current().users.has(known.user_name) ? known.user_name : null;
  }

  async function firstNameOf(person: Person): Promise<string> {
    const name = requireName(person.name.split("@")[0] || person.subject, "user");
    return directory.change(async (sql) => {
      const { issuer, subject } = person;
      const [known] =
        await sql`SELECT user_name FROM identities WHERE issuer = ${issuer} AND subject = ${subject}`;
      if (known) return known.user_name as string;
      const [user] = await sql`SELECT password FROM users WHERE name = ${name}`;
      const [taken] = await sql`SELECT issuer FROM identities WHERE user_name = ${name}`;
      // One that an administrator made without a password waits for just this.
      if (user && (user.password !== null || taken))
        throw new Problem(
          "forbidden",
          `There is a user ${name} here already, who is known otherwise than by ${hostOf(issuer)}: if that is the same person, an administrator lets them in by \`holdfast user password ${name} --none\``,
          { rule: "login" },
        );
      const at = now();
      if (!user)
        await sql`INSERT INTO users (name, email, full_name, password, created_at, created_by, changed_at)
          VALUES (${name}, ${person.email}, ${person.fullName}, ${null}, ${at}, ${hostOf(issuer)}, ${at})`;
      await sql`INSERT INTO identities (issuer, subject, user_name, created_at) VALUES (${issuer}, ${subject}, ${name}, ${at})`;
      const detail = { what: "first log-in", name, issuer, subject };
      await audit.write(sql, { action: "user", principal: theServer, detail });
      return name;
    });
  }

  /** A system that says nothing of groups has not said that there are none. */
  async function join(name: string, { issuer, groups }: Person, teams: TeamsOfGroups) {
    if (groups === null) return;
    const wanted = teamsOf(groups, teams);
    // What somebody here put them into is none of the system's business.
    const rows =
      await database.read`SELECT team FROM team_members WHERE user_name = ${name} AND source = ${issuer}`;
    const has = new Set<string>(rows.map(({ team }) => team));
    if (has.size === wanted.size && [...wanted].every((team) => has.has(team))) return;
    await directory.change(async (sql) => {
      await sql`DELETE FROM team_members WHERE user_name = ${name} AND source = ${issuer}`;
      for (const team of wanted) {
        await sql`INSERT INTO teams (name, created_at, created_by) VALUES (${team}, ${now()}, ${hostOf(issuer)}) ON CONFLICT DO NOTHING`;
        await sql`INSERT INTO team_members (team, user_name, source) VALUES (${team}, ${name}, ${issuer}) ON CONFLICT DO NOTHING`;
      }
      const detail = { what: "groups", name, teams: [...wanted] };
      await audit.write(sql, {
        action: "team",
        principal: { ...nobody, kind: "server", name: hostOf(issuer) },
        detail,
      });
    });
  }

  return async (person, teams) => {
    const name = (await knownName(person)) ?? (await firstNameOf(person));
    await join(name, person, teams);
    return directory.current().users.get(name)!;
  };
}

/** A directory writes a group's DN as it likes: there case tells none apart. */
function teamsOf(groups: readonly string[], teams: TeamsOfGroups): Set<string> {
  const spell = (group: string) => (/^\w+=.+,/.test(group) ? group.toLowerCase() : group);
  const theirs = new Set(groups.map(spell));
  const found = Object.entries(teams).filter(([group]) => theirs.has(spell(group)));
  return new Set(found.map(([, team]) => team));
}

function hostOf(issuer: string): string {
  return URL.parse(issuer)?.host ?? issuer;
}
