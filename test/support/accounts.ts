// Users and their tokens, put into the data of a server under test. It knows them after its next start.
import { join } from "node:path";
import { openAuth } from "../../src/auth/room.ts";
import type { Action } from "../../src/core/grant.ts";
import { createLog } from "../../src/core/log.ts";
import { theServer } from "../../src/core/principal.ts";
import { createChanges } from "../../src/store/changes.ts";
import { openDatabase } from "../../src/store/database.ts";
import { openPostgres, type PostgresPlace } from "../../src/store/postgres.ts";

export interface Wanted {
  user: string;
  actions: Action[];
  /** Null for all. */
  repository?: string | null;
  package?: string | null;
  /** None without it. */
  password?: string;
  /** What the token may, where that is less. */
  scope?: Action[] | null;
}

/** `server`, or its data folder. The tokens' secrets, in the order of who gets them. A user may be named twice. */
export async function makeAccounts(
  server: string | { data: string; place: PostgresPlace | null },
  wanted: readonly Wanted[],
): Promise<string[]> {
  const { data, place } = typeof server === "string" ? { data: server, place: null } : server;
  const database = await (place ? openPostgres(place) : openDatabase(join(data, "holdfast.db")));
  const log = createLog("json", () => {});
  try {
    const changes = createChanges();
    const { admin, directory } = await openAuth({ database, changes, log, now: Date.now });
    const secrets: string[] = [];
    for (const { user, actions, repository = null, scope = null, ...more } of wanted) {
      if (!directory.current().users.has(user))
        await admin.addUser(theServer, { name: user, password: more.password ?? null });
      const holder = `user:${user}`;
      const what = { repository, package: more.package ?? null };
      await admin.grant(theServer, { holder, actions, ...what });
      const token = await admin.issueToken(theServer, user, {
        name: `of ${user} ${secrets.length}`,
        scope: { repositories: null, packages: null, actions: scope },
        cidrs: [],
        expiresAt: null,
      });
      secrets.push(token.secret);
    }
    return secrets;
  } finally {
    await database.close();
  }
}
