// Who is logged in in a browser. The cookie holds a secret, the database its hash; it counts for the server's own pages alone.
import { createHash, randomBytes } from "node:crypto";
import type { Principal } from "../core/principal.ts";
import type { Database } from "../store/database.ts";
import type { Directory } from "./directory.ts";
import type { Credentials } from "./gate.ts";

/** Nobody used it for so long, or it is as old as that: then one logs in again. */
const IDLE_MS = 12 * 60 * 60_000;
const LONGEST_MS = 7 * 24 * 60 * 60_000;
const USED_MS = 60_000;
/** Who logged in so lately is surely the one who sits there. */
const FRESH_MS = 15 * 60_000;

export interface Sessions {
  /** Null for a request without a session, at once; a promise of null for one whose session is over. */
  find(request: Credentials): Promise<Principal | null> | null;
  /** Whether the request's session is one, and was begun lately: for what outlives it. Logging in again begins another one. */
  isFresh(request: Credentials): Promise<boolean>;
  /** Begins one for a user who has just shown who they are: the cookie to set. */
  begin(user: string, request: Pick<Credentials, "origin" | "address" | "header">): Promise<string>;
  /** Ends the request's: the cookie that takes its place. */
  end(request: Credentials): Promise<string>;
}

export interface SessionsDeps {
  database: Database;
  directory: Directory;
  now(): number;
}

export function createSessions({ database, directory, now }: SessionsDeps): Sessions {
  const hashOf = (secret: string) => createHash("sha256").update(secret).digest("hex");

  async function look(
    secret: string,
    address: string,
    longest = LONGEST_MS,
  ): Promise<Principal | null> {
    const id = hashOf(secret);
    const [row] =
      await database.read`SELECT user_name, created_at, used_at FROM sessions WHERE id = ${id}`;
    if (!row) return null;
    const at = now();
    const isOver = at - Number(row.used_at) > IDLE_MS || at - Number(row.created_at) > longest;
    const user = directory.current().users.get(row.user_name);
    if (isOver || !user || user.disabledAt !== null) return null;
    if (at - Number(row.used_at) > USED_MS)
      await database.write((sql) => sql`UPDATE sessions SET used_at = ${at} WHERE id = ${id}`);
    return { kind: "user", name: user.name, token: null, address };
  }

  function secretOf(request: Credentials): string | null {
    const secret = isPage(request) ? readCookie(request) : null;
    return secret !== null && isOurs(request) ? secret : null;
  }

  return {
    find(request) {
      const secret = secretOf(request);
      return secret === null ? null : look(secret, request.address);
    },
    async isFresh(request) {
      const secret = secretOf(request);
      return secret !== null && (await look(secret, request.address, FRESH_MS)) !== null;
    },
    async begin(user, request) {
      const { origin, address } = request;
      // One that somebody else put into this browser ends here.
      const before = readCookie(request);
      const secret = randomBytes(32).toString("base64url");
      const at = now();
      await database.write(async (sql) => {
        await sql`DELETE FROM sessions WHERE used_at < ${at - IDLE_MS} OR created_at < ${at - LONGEST_MS}`;
        if (before !== null) await sql`DELETE FROM sessions WHERE id = ${hashOf(before)}`;
        await sql`INSERT INTO sessions (id, user_name, address, created_at, used_at)
          VALUES (${hashOf(secret)}, ${user}, ${address}, ${at}, ${at})`;
      });
      return cookieOf(origin, secret, LONGEST_MS / 1000);
    },
    async end(request) {
      const secret = readCookie(request);
      if (secret !== null)
        await database.write((sql) => sql`DELETE FROM sessions WHERE id = ${hashOf(secret)}`, {
          durable: true,
        });
      return cookieOf(request.origin, "", 0);
    },
  };
}

/** Whose requests with a cookie are those of our own pages: another site's forms and scripts send it too. RFC 6265bis §8.8 */
export function isOurs(request: Pick<Credentials, "method" | "origin" | "header">): boolean {
  if (request.method === "GET" || request.method === "HEAD") return true;
  const site = request.header("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  return request.header("origin") === new URL(request.origin).origin;
}

/** The server's own, and what a browser is shown at a repository's address. Nothing that a package client asks for, and not the API. */
function isPage(request: Credentials): boolean {
  const { path } = request;
  const isSite = path === "/" || (path[1] === "-" && path.startsWith("/-/"));
  if (isSite) return !path.startsWith("/-/api/");
  // By hand, since every request of a package client is asked: almost all go deeper than that.
  const end = path.indexOf("/", 1);
  if (end > 0 && end < path.length - 1) return false;
  const isRead = request.method === "GET" || request.method === "HEAD";
  return isRead && /\btext\/html\b/.test(request.header("accept") ?? "");
}

/** `__Host-` cannot be had without TLS. */
function nameOf(origin: string): string {
  return origin.startsWith("https:") ? "__Host-hf" : "hf";
}

function cookieOf(origin: string, secret: string, seconds: number): string {
  const secure = origin.startsWith("https:") ? "; Secure" : "";
  return `${nameOf(origin)}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
}

function readCookie(request: Pick<Credentials, "origin" | "header">): string | null {
  const wanted = `${nameOf(request.origin)}=`;
  const all = (request.header("cookie") ?? "").split(/;\s*/);
  const found = all.filter((one) => one.startsWith(wanted)).map((one) => one.slice(wanted.length));
  // Two of them: one may be somebody else's, put there by a neighbour of this host.
  return found.length === 1 && /^[\w-]{43}$/.test(found[0]!) ? found[0]! : null;
}
