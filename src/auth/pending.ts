// Log-ins that a client begins and a person ends in a browser (npm's web log-in). Whoever polls has a secret that the page does not show, and the
// token is made when it is fetched: nobody else can have it.
import { createHash, randomBytes } from "node:crypto";
import type { PendingLogin, TokenWish } from "../core/accounts.ts";
import { Problem } from "../core/problem.ts";
import type { Database } from "../store/database.ts";

const LIFE_MS = 10 * 60_000;
/** Anybody can begin one. */
const MOST = 1_000;
/** npm 10 without a terminal ends while it waits by itself, and not while an answer is under way. */
const HOLD_MS = 5_000;
const MOST_HELD = 100;

/** What the page shows of one that waits. */
export interface Waiting {
  page: string;
  /** What the client calls itself. */
  client: string;
  address: string;
  wish: TokenWish;
  expiresAt: number;
}

export interface PendingLogins {
  begin(wish: TokenWish, client: string, address: string): Promise<PendingLogin>;
  /** Null when there is none such any more. */
  find(page: string): Promise<Waiting | null>;
  /** False when there is none such any more. */
  decide(page: string, user: string, isApproved: boolean): Promise<boolean>;
  /** Null while it waits; once it is approved, who did so: then it is gone. Throws Problem("notFound") when it was refused, or took too long. */
  end(id: string): Promise<{ user: string; wish: TokenWish } | null>;
  /** Waits for the answer, for some seconds. False when it did not: too many wait, or another request took its place. */
  hold(id: string): Promise<boolean>;
}

export function createPendingLogins(database: Database, now: () => number): PendingLogins {
  const hashOf = (id: string) => createHash("sha256").update(id).digest("hex");
  const gone = () =>
    new Problem("notFound", "This log-in was refused, or it took too long: begin again");
  /** What ends the wait of each that is held. The token itself is asked for anew, so that none is made for a connection that is gone. */
  const held = new Map<string, (isWorthAsking: boolean) => void>();

  return {
    async begin(wish, client, address) {
      const id = `hf_login_${randomBytes(32).toString("base64url")}`; // as tokens are, it is kept out of logs
      const page = randomBytes(16).toString("base64url");
      await database.write(async (sql) => {
        await sql`DELETE FROM pending_logins WHERE expires_at < ${now()}`;
        const [{ total }] = await sql`SELECT count(*) AS total FROM pending_logins`;
        if (Number(total) >= MOST) throw new Problem("busy", "Too many log-ins are under way");
        await sql`INSERT INTO pending_logins (id, page, client, address, wish, expires_at, state)
          VALUES (${hashOf(id)}, ${page}, ${client.slice(0, 200)}, ${address}, ${JSON.stringify(wish)}, ${now() + LIFE_MS}, 'waiting')`;
      });
      return { id, page: `/-/login/${page}` };
    },
    async find(page) {
      const [row] =
        await database.read`SELECT page, client, address, wish, expires_at FROM pending_logins
        WHERE page = ${page} AND state = 'waiting' AND expires_at > ${now()}`;
      if (!row) return null;
      const { client, address, wish, expires_at } = row;
      return { page, client, address, wish: JSON.parse(wish), expiresAt: Number(expires_at) };
    },
    async decide(page, user, isApproved) {
      const state = isApproved ? "approved" : "refused";
      const rows = await database.write(
        (sql) => sql`UPDATE pending_logins SET state = ${state}, user_name = ${user}
          WHERE page = ${page} AND state = 'waiting' AND expires_at > ${now()} RETURNING id`,
      );
      for (const { id } of rows) held.get(id)?.(true);
      return rows.length > 0;
    },
    async end(id) {
      return database
        .write(async (sql) => {
          const [row] = await sql`SELECT wish, state, user_name FROM pending_logins
          WHERE id = ${hashOf(id)} AND expires_at > ${now()}`;
          if (!row) throw gone();
          if (row.state === "waiting") return null;
          await sql`DELETE FROM pending_logins WHERE id = ${hashOf(id)}`;
          if (row.state === "refused") return { user: "", wish: JSON.parse(row.wish) };
          return { user: row.user_name as string, wish: JSON.parse(row.wish) };
        })
        .then((found) => {
          if (found?.user === "") throw gone();
          return found;
        });
    },
    hold(id) {
      const key = hashOf(id);
      held.get(key)?.(false);
      if (held.size >= MOST_HELD) return Promise.resolve(false);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const end = (isWorthAsking: boolean) => {
        clearTimeout(timer);
        held.delete(key);
        resolve(isWorthAsking);
      };
      const timer = setTimeout(end, HOLD_MS, true);
      held.set(key, end);
      return promise;
    },
  };
}
