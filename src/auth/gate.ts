// Who asks, and what they may: from the credentials of a request to a grant. The only place, with what it is made of, that makes one.
import type { AccessRules } from "../core/access.ts";
import { addressTest } from "../core/address.ts";
import { type Grant, issueGrant } from "../core/grant.ts";
import { nobody, type Principal, theServer } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { readAuthorization } from "./credentials.ts";
import type { Directory } from "./directory.ts";
import { anonymousGrants, hasAccounts, userGrants } from "./effective.ts";
import type { LogIns } from "./login.ts";
import { both, type May, mayOf, type Spelling } from "./permissions.ts";
import { findToken, noteUses, type StoredToken } from "./tokens.ts";

/** What is looked at of a request to find out who sent it. */
export interface Credentials {
  readonly method: string;
  readonly path: string;
  readonly origin: string;
  readonly address: string;
  header(name: string): string | null;
}

export interface Gate {
  /**
   * What the sender of a request may. On the path of every request, also of those that repeat: a promise only where it must be looked up. Never
   * throws: credentials that are not good give a grant for nothing, which says why (`Permissions.fault`).
   */
  identify(credentials: Credentials, only?: string): Grant | Promise<Grant>;
  /** Hears of no more changes. */
  close?(): void;
}

/** What the server itself may: mirrors, schedules, commands of its operator. */
export const serverGrant = issueGrant({
  audience: "the server",
  principal: theServer,
  fault: null,
  may: () => true,
});

/** For how long nobody is asked again about the same credentials from the same address. Whatever changes here is heard at once. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 10_000;
/** Longer ones cost memory, and nobody has them. */
const LONGEST_HEADER = 4_096;

export interface GateDeps {
  directory: Directory;
  rules: AccessRules;
  logIns: LogIns;
  database: Database;
  changes: Changes;
  spelling: Spelling;
  /** A person's session in a browser, for the server's own pages alone; null when the request has none. */
  sessions?(credentials: Credentials): Promise<Principal | null> | null;
  now(): number;
}

interface Known {
  grant: Grant;
  until: number;
}

export function createGate(deps: GateDeps): Gate & { grantOf(principal: Principal): Grant } {
  const { directory, rules, now } = deps;
  /** By Authorization header, then by address. */
  let known = new Map<string, Map<string, Known>>();
  let count = 0;
  let mays = new Map<string, May>();
  let anonymous = makeAnonymous(true);
  let uses = new Map<string, number>();
  let audiences = new Map<string, string>();
  let issued = 0;

  const end = deps.changes.on("access", () => {
    forget();
    mays = new Map();
    audiences = new Map();
    anonymous = makeAnonymous(false);
  });

  function forget(): void {
    known = new Map();
    count = 0;
  }

  /** Replies that repeat are found by path alone for the first one: a later one has an audience of its own, as what it may has changed. */
  function makeAnonymous(isFirst: boolean): Grant {
    const snapshot = directory.current();
    return issueGrant({
      audience: isFirst ? "" : `anonymous#${snapshot.revision}`,
      principal: nobody,
      fault: null,
      may: mayOf(anonymousGrants(snapshot, rules), deps.spelling),
    });
  }

  function mayOfUser(name: string): May {
    let may = mays.get(name);
    if (!may) {
      may = mayOf(userGrants(directory.current(), rules, name), deps.spelling);
      mays.set(name, may);
    }
    return may;
  }

  /** Short: it is a part of the key of each request that repeats. */
  function audienceOf(caller: string): string {
    let audience = audiences.get(caller);
    if (audience === undefined) {
      audience = `~${(issued++).toString(36)}`;
      audiences.set(caller, audience);
    }
    return audience;
  }

  function grantOf(principal: Principal, may = mayOfUser(principal.name)): Grant {
    const { kind, name, token } = principal;
    const audience = audienceOf(
      `${kind}:${name}#${token?.id ?? ""}#${directory.current().revision}`,
    );
    return issueGrant({ audience, principal, fault: null, may });
  }

  async function look(header: string, address: string): Promise<Known> {
    const said = readAuthorization(header);
    if (said.kind === "unreadable")
      return { grant: refused("The Authorization header is neither Basic nor Bearer"), until: 0 };
    if (said.kind === "token") return ofToken(said.secret, address);
    const { name } = await deps.logIns.check(said.name, said.password, address);
    const grant = grantOf({ kind: "user", name, token: null, address });
    return { grant, until: now() + REMEMBERED_MS };
  }

  async function ofToken(secret: string, address: string): Promise<Known> {
    const token = await findToken(deps.database.read, secret);
    if (!token) return { grant: refused("This token is not one of this server's"), until: 0 };
    const fault = faultOf(token, address);
    if (fault) return { grant: refused(fault), until: 0 };
    uses.set(token.id, now());
    const { id, name, owner, ownerKind, expiresAt } = token;
    const isWhole = Object.values(token.scope).every((part) => part === null);
    const principal: Principal = {
      kind: ownerKind,
      name: owner,
      token: { id, name, isWhole },
      address,
    };
    const scope = scopeOf(token);
    const may = ownerKind === "job" ? scope : both(mayOfUser(owner), scope);
    const until = Math.min(now() + REMEMBERED_MS, expiresAt ?? Number.MAX_SAFE_INTEGER);
    return { grant: grantOf(principal, may), until };
  }

  function scopeOf({ scope }: StoredToken): May {
    const { repositories, packages, actions } = scope;
    const grant = { holder: "", actions: actions ?? ["admin" as const], source: "its scope" };
    return mayOf([{ ...grant, repositories, packages }], deps.spelling);
  }

  function faultOf(token: StoredToken, address: string): string | null {
    const { name, owner, ownerKind, revokedAt, expiresAt, cidrs } = token;
    const what = `The token "${name}"`;
    if (revokedAt !== null) return `${what} was revoked on ${day(revokedAt)}`;
    if (expiresAt !== null && expiresAt <= now()) return `${what} expired on ${day(expiresAt)}`;
    if (cidrs.length > 0 && !addressTest(cidrs)(address))
      return `${what} may not be used from ${address}`;
    const user = directory.current().users.get(owner);
    if (ownerKind === "user" && (!user || user.disabledAt !== null))
      return `${what} is of a user who may do nothing here any more`;
    return null;
  }

  async function lookUp(header: string, address: string): Promise<Grant> {
    const { revision } = directory.current();
    try {
      const found = await look(header, address);
      // What changed while it was looked up may be just what it is about.
      if (found.until > now() && directory.current().revision === revision)
        remember(header, address, found);
      return found.grant;
    } catch (error) {
      if (error instanceof Problem) return refused(error.message, error);
      return refused("Credentials cannot be checked now");
    }
  }

  function remember(header: string, address: string, found: Known): void {
    if (count >= MOST_REMEMBERED) forget();
    const of = known.get(header) ?? new Map<string, Known>();
    if (!of.has(address)) count += 1;
    known.set(header, of.set(address, found));
  }

  const flush = setInterval(() => {
    const batch = uses;
    uses = new Map();
    if (batch.size > 0) noteUses(deps.database, batch).catch(() => {}); // told again with the next use
  }, REMEMBERED_MS / 2);
  flush.unref();

  return {
    grantOf: (principal) => grantOf(principal),
    identify(credentials, only) {
      const header = credentials.header("authorization");
      if (header === null) {
        const session = only === undefined ? deps.sessions?.(credentials) : null;
        return session ? session.then((found) => (found ? grantOf(found) : anonymous)) : anonymous;
      }
      const { address } = credentials;
      const found = known.get(header)?.get(address);
      if (found && now() < found.until) return found.grant;
      if (!hasAccounts(directory.current(), rules)) return anonymous;
      if (header.length > LONGEST_HEADER) return refused("The Authorization header is too long");
      return lookUp(header, address);
    },
    close() {
      end();
      clearInterval(flush);
      if (uses.size > 0) noteUses(deps.database, uses).catch(() => {});
    },
  };
}

/** For nothing, and it says why. Shared with nobody. */
function refused(fault: string, cause: Problem | null = null): Grant {
  const audience = "?";
  return issueGrant({ audience, principal: nobody, fault, cause, may: () => false });
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
