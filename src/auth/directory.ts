// Users, teams and grants: few and asked at every request, so that all of them are in memory, read again when one of them changes.
import type { Granted } from "../core/access.ts";
import type { Action } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";
import type { Change, Changes } from "../store/changes.ts";
import type { Database, Query } from "../store/database.ts";

export interface User {
  name: string;
  email: string;
  fullName: string;
  /** Null for who is known to another system alone. */
  password: string | null;
  createdAt: number;
  createdBy: string;
  changedAt: number;
  disabledAt: number | null;
}

export interface StoredGrant extends Granted {
  id: string;
  createdAt: number;
  createdBy: string;
}

/** What stood in the database at one moment. */
export interface Snapshot {
  /** Another one each time: what was worked out of an older one holds no more. */
  readonly revision: number;
  readonly users: ReadonlyMap<string, User>;
  /** Members, by team. */
  readonly teams: ReadonlyMap<string, readonly string[]>;
  readonly grants: readonly StoredGrant[];
  readonly hasTokens: boolean;
}

export interface Directory {
  /** Throws Problem("forbidden") where accounts are another server's matter: so do all that change them but `replace`. */
  permitChange(): void;
  /** What stands now. The same object until something changes. */
  current(): Snapshot;
  /**
   * Runs changes in one transaction; when it resolves, `current` has them, and whoever remembers anything of what was before has
   * been told (store/changes.ts).
   */
  change<T>(work: (sql: Query) => Promise<T>): Promise<T>;
  /** The same for a server that takes over what another one says of accounts. */
  replace<T>(work: (sql: Query) => Promise<T>): Promise<T>;
  /** The same for what makes tokens and changes nothing else: there is nothing that anybody could remember of a new one. */
  addToken<T>(work: (sql: Query) => Promise<T>): Promise<T>;
  /** The same for what ends one token, or none: null. Whoever remembers that one has been told when it resolves. */
  endToken<T extends { id: string }>(work: (sql: Query) => Promise<T | null>): Promise<T | null>;
}

/** `closed`: why accounts cannot be changed here; null where they can. */
export async function openDirectory(
  database: Database,
  changes: Changes,
  closed: string | null = null,
): Promise<Directory> {
  let revision = 0;
  let snapshot = await read();
  let reading: Promise<unknown> = Promise.resolve();

  async function read(): Promise<Snapshot> {
    const [users, teams, members, grants, [tokens]] = await Promise.all([
      database.read`SELECT * FROM users ORDER BY name`,
      database.read`SELECT name FROM teams ORDER BY name`,
      database.read`SELECT DISTINCT team, user_name FROM team_members ORDER BY team, user_name`,
      readGrants(database.read),
      database.read`SELECT count(*) AS total FROM (SELECT id FROM tokens LIMIT 1) AS any_token`,
    ]);
    const byTeam = new Map<string, string[]>(teams.map(({ name }) => [name, []]));
    for (const { team, user_name } of members) byTeam.get(team)?.push(user_name);
    revision += 1;
    return {
      revision,
      users: new Map(users.map((row) => [row.name, userOf(row)])),
      teams: byTeam,
      grants,
      hasTokens: Number(tokens.total) > 0,
    };
  }

  /** One after the other: an older look must not take the place of a newer one. */
  async function readAgain(): Promise<void> {
    const turn = reading.then(read);
    reading = turn.catch(() => {});
    snapshot = await turn;
  }

  async function changed(): Promise<void> {
    await readAgain();
    changes.announce(ANYBODY);
    await changes.everywhere(ANYBODY);
  }

  // What another server made of one token is in no snapshot.
  changes.copy("access", async (some) => {
    if (some.some(({ key }) => key === "")) await readAgain();
  });

  /** A token that was revoked, and a grant that was taken back, must not come back with a crash, nor with a standby that takes over. */
  const write = <T>(work: (sql: Query) => Promise<T>) => database.write(work, { durable: true });

  async function replace<T>(work: (sql: Query) => Promise<T>): Promise<T> {
    const done = await write(async (sql) => {
      const result = await work(sql);
      await changes.note(sql, ANYBODY);
      return result;
    });
    await changed();
    return done;
  }

  function permitChange(): void {
    if (closed !== null) throw new Problem("forbidden", closed, { rule: "follow" });
  }

  return {
    permitChange,
    current: () => snapshot,
    replace,
    async change(work) {
      permitChange();
      return replace(work);
    },
    async addToken(work) {
      permitChange();
      const isFirst = !snapshot.hasTokens;
      const done = await write(async (sql) => {
        const result = await work(sql);
        if (isFirst) await changes.note(sql, ANYBODY);
        return result;
      });
      if (isFirst) await changed();
      return done;
    },
    async endToken(work) {
      permitChange();
      const ended = await write(async (sql) => {
        const token = await work(sql);
        if (token) await changes.note(sql, ofToken(token));
        return token;
      });
      if (!ended) return ended;
      changes.announce(ofToken(ended));
      await changes.everywhere(ofToken(ended));
      return ended;
    },
  };
}

const ANYBODY: Change = { kind: "access", repository: "", key: "" };

function ofToken({ id }: { id: string }): Change {
  return { ...ANYBODY, key: id };
}

/** In the order in which they were given. */
export async function readGrants(sql: Query): Promise<StoredGrant[]> {
  return (await sql`SELECT * FROM grants ORDER BY created_at, id`).map(grantOf);
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function userOf(row: any): User {
  return {
    name: row.name,
    email: row.email,
    fullName: row.full_name,
    password: row.password,
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
    changedAt: Number(row.changed_at),
    disabledAt: row.disabled_at === null ? null : Number(row.disabled_at),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function grantOf(row: any): StoredGrant {
  const createdAt = Number(row.created_at);
  return {
    id: row.id,
    holder: row.holder,
    actions: row.actions.split(",") as Action[],
    repositories: row.repository === "*" ? null : [row.repository],
    packages: row.package === "*" ? null : [row.package],
    source: `given by ${row.created_by} on ${new Date(createdAt).toISOString().slice(0, 10)} (grant ${row.id})`,
    createdAt,
    createdBy: row.created_by,
  };
}
