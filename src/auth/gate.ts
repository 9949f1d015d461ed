// Who asks, and what they may: from the credentials of a request to a grant. The only place, with what it is made of, that makes one.
import type { AccessRules, Granted } from "../core/access.ts";
import { addressTest } from "../core/address.ts";
import type { Audit } from "../core/audit.ts";
import { type Grant, issueGrant } from "../core/grant.ts";
import { nobody, type Principal, theServer } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { readAuthorization, type Said } from "./credentials.ts";
import type { Directory } from "./directory.ts";
import { anonymousGrants, hasAccounts, userGrants } from "./effective.ts";
import { createKnown } from "./known.ts";
import type { LogIns } from "./login.ts";
import { spellUser } from "./names.ts";
import { both, either, type May, mayOf, type Spelling } from "./permissions.ts";
import { looksLikeSecret } from "./secret.ts";
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
   * throws: credentials that are not good give a grant for nothing, which says why (`Permissions.fault`); a Bearer token that cannot be one of this
   * server's one for what anonymous callers may.
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

/** The same as it publishes what it made of the code at a URL. */
export function sourceGrant(url: string): Grant {
  return issueGrant({ ...serverGrant, principal: { ...theServer, name: `the source ${url}` } });
}

/** For how long nobody is asked again about the same credentials from the same address. Whatever changes here is heard at once. */
const REMEMBERED_MS = 60_000;
/** The same for what was refused: a client that sends the same wrong password with each of a hundred requests guesses once. */
const REFUSED_MS = 10_000;
/** When uses of tokens are written. */
const FLUSH_MS = 30_000;
const MOST_AUDIENCES = 10_000;
/** Longer ones cost memory, and nobody has them. */
const LONGEST_HEADER = 4_096;

export interface GateDeps {
  directory: Directory;
  rules: AccessRules;
  logIns: LogIns;
  database: Database;
  changes: Changes;
  spelling: Spelling;
  audit: Audit;
  /** A person's session in a browser, for the server's own pages alone; null when the request has none. */
  sessions?(credentials: Credentials): Promise<Principal | null> | null;
  /** Why nobody is known by their credentials for now; null where they are. */
  shut?(): string | null;
  now(): number;
}

/** Of another server that was here before, mostly. */
const FOREIGN =
  "This token is not one of this server's, which begin with hf_: log in again, or make one at /-/account";

/** Another server may have taken a token back, or a grant, and this one would not have heard of it. */
const DEAF = new Problem(
  "busy",
  "Credentials cannot be checked now: the database is out of reach, and what other servers revoke is not heard of",
);

/** What credentials were found to be of, and until when that need not be asked again. */
interface Looked {
  grant: Grant;
  until: number;
}

export function createGate(deps: GateDeps): Gate & { grantOf(principal: Principal): Grant } {
  const { directory, rules, now } = deps;
  const known = createKnown(now);
  /** Those that are being looked up, so that who comes with ten connections at once is asked once. */
  let pending = new Map<string, Promise<Grant>>();
  let mays = new Map<string, May>();
  /** Whether anybody could be anybody. */
  let isAsked = hasAccounts(directory.current(), rules);
  let anonymous = makeAnonymous("");
  let anonymousText = textOf(anonymousGrants(directory.current(), rules));
  let uses = new Map<string, number>();
  let audiences = new Map<string, string>();
  let issued = 0;

  const end = deps.changes.on(
    "access",
    ({ key }) => {
      if (key === "") return changed();
      pending = new Map();
      known.forget(key);
    },
    changed,
  );

  function changed(): void {
    pending = new Map();
    known.forget();
    mays = new Map();
    audiences = new Map();
    isAsked = hasAccounts(directory.current(), rules);
    const text = textOf(anonymousGrants(directory.current(), rules));
    if (text === anonymousText) return;
    anonymousText = text;
    // What they got before is not theirs to get again.
    anonymous = makeAnonymous(`anonymous#${directory.current().revision}`);
  }

  /** With the empty audience, replies that repeat are found by their path alone. */
  function makeAnonymous(audience: string): Grant {
    const may = mayOf(anonymousGrants(directory.current(), rules), deps.spelling);
    return issueGrant({ audience, principal: nobody, fault: null, may });
  }

  /** What came is for another server: it takes nothing away from who could ask without it, and where that is not enough they are told. */
  function asAnonymous(fault: string): Grant {
    const audience = audienceOf(`foreign ${fault}`);
    return issueGrant({ audience, principal: nobody, fault, may: anonymous.may });
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
      // Tokens of jobs come and go without end. None is given twice, so that forgetting costs no more than a reply that is made anew.
      if (audiences.size >= MOST_AUDIENCES) audiences.clear();
      audiences.set(caller, audience);
    }
    return audience;
  }

  function grantOf(
    principal: Principal,
    may = mayOfUser(principal.name),
    again?: () => Promise<Grant>,
  ): Grant {
    const { kind, name, token } = principal;
    const audience = audienceOf(
      `${kind}:${name}#${token?.id ?? ""}#${directory.current().revision}`,
    );
    return issueGrant({ audience, principal, fault: null, may, ...(again && { again }) });
  }

  async function look(header: string, said: Said, address: string): Promise<Looked> {
    if (said.kind === "unreadable")
      return { grant: refused("The Authorization header is neither Basic nor Bearer"), until: 0 };
    if (said.kind === "token" && !looksLikeSecret(said.secret))
      return { grant: asAnonymous(FOREIGN), until: now() + REMEMBERED_MS };
    if (said.kind === "token") return ofToken(header, said.secret, address);
    const stored = directory.current().users.get(spellUser(said.name))?.password;
    const isProven = known.isProven(header, stored);
    const { name, password } = await deps.logIns.check(said.name, said.password, address, isProven);
    if (password !== null) known.prove(header, password);
    const principal: Principal = { kind: "user", name, token: null, address };
    const grant = grantOf(principal, undefined, () => findAgain(() => find(header, address)));
    return { grant, until: now() + REMEMBERED_MS };
  }

  async function ofToken(header: string, secret: string, address: string): Promise<Looked> {
    const token = await findToken(deps.database.read, secret);
    if (!token) return { grant: refused("This token is not one of this server's"), until: 0 };
    const fault = faultOf(token, address);
    if (fault) {
      const { id, name, owner } = token;
      const detail = { token: id, name, owner, why: fault };
      deps.audit.note({ action: "log in failed", principal: { ...nobody, address }, detail });
      return { grant: refused(fault), until: now() + REFUSED_MS };
    }
    uses.set(token.id, now());
    const { id, name, owner, ownerKind, expiresAt } = token;
    const isBound = expiresAt !== null || token.cidrs.length > 0;
    const isWhole = !isBound && Object.values(token.scope).every((part) => part === null);
    const principal: Principal = {
      kind: ownerKind,
      name: owner,
      token: { id, name, isWhole },
      address,
    };
    const scope = scopeOf(token);
    const own = ownerKind === "job" ? scope : both(mayOfUser(owner), scope);
    // What anonymous callers may, everybody may: who could ask without the token may ask with it.
    const may = isWhole ? own : either(own, anonymous.may);
    const until = Math.min(now() + REMEMBERED_MS, expiresAt ?? Number.MAX_SAFE_INTEGER);
    return { grant: grantOf(principal, may, () => findAgain(() => find(header, address))), until };
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
    const { epoch } = known;
    const said = readAuthorization(header);
    const remember = (found: Looked) => {
      // What changed while it was looked up may be just what it is about.
      if (found.until > now() && known.epoch === epoch)
        known.remember(header, address, said.kind === "password", found);
      return found.grant;
    };
    try {
      return remember(await look(header, said, address));
    } catch (error) {
      if (!(error instanceof Problem)) return refused("Credentials cannot be checked now");
      const grant = refused(error.message, error);
      const isWrong = error.kind === "unauthenticated";
      return remember({ grant, until: isWrong ? now() + REFUSED_MS : 0 });
    }
  }

  function lookUpOnce(header: string, address: string): Promise<Grant> {
    const key = `${address} ${header}`;
    const all = pending;
    const found = all.get(key);
    if (found) return found;
    const made = lookUp(header, address).finally(() => all.delete(key));
    all.set(key, made);
    return made;
  }

  const flush = setInterval(() => {
    const batch = uses;
    uses = new Map();
    if (batch.size > 0) noteUses(deps.database, batch).catch(() => {}); // told again with the next use
  }, FLUSH_MS);
  flush.unref();

  /** Of what was sent, as it is by now. */
  function find(header: string, address: string): Grant | Promise<Grant> {
    const shut = deps.shut?.() ?? null;
    if (shut !== null) return asAnonymous(shut);
    if (isAsked && !deps.changes.isHearing()) return refused(DEAF.message, DEAF);
    const found = known.find(header, address);
    if (found !== undefined) return found;
    if (!isAsked) return anonymous;
    if (header.length > LONGEST_HEADER) return refused("The Authorization header is too long");
    return lookUpOnce(header, address);
  }

  /** For what takes long: rights may have been taken away meanwhile, and this process may have been stopped. */
  async function findAgain(find: () => Grant | Promise<Grant>): Promise<Grant> {
    await deps.changes.behind();
    return find();
  }

  function ofSession(credentials: Credentials): Grant | Promise<Grant> {
    const again = () => findAgain(() => ofSession(credentials));
    const session = deps.sessions?.(credentials);
    if (!session) return anonymous;
    return session.then((found) => (found ? grantOf(found, undefined, again) : anonymous));
  }

  return {
    grantOf: (principal) => grantOf(principal),
    identify(credentials, only) {
      if (!isAsked) return anonymous;
      const header = credentials.header("authorization");
      if (header === null) {
        return only === undefined ? ofSession(credentials) : anonymous;
      }
      return find(header, credentials.address);
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

function textOf(grants: readonly Granted[]): string {
  return JSON.stringify(grants);
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
