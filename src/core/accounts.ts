// Accounts, as a format sees them: for clients that log in, list tokens and manage who may publish.
import type { Action } from "./grant.ts";
import type { Principal } from "./principal.ts";

export interface Profile {
  name: string;
  email: string;
  fullName: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  changedAt: number;
  /** False for who is known to another system (OpenID Connect, LDAP) alone. */
  hasPassword: boolean;
}

/** What a token may do is never more than what its owner may. */
export interface TokenScope {
  /** Names of repositories; null for all. */
  repositories: string[] | null;
  /** Patterns of package names, as in `claims`; null for all. */
  packages: string[] | null;
  /** Null for all that its owner may. */
  actions: Action[] | null;
}

export interface TokenWish {
  name: string;
  scope: TokenScope;
  /** IPv4 and IPv6 ranges that it may be used from; empty for all. */
  cidrs: string[];
  /** Milliseconds since the epoch; null for never. */
  expiresAt: number | null;
}

export interface Token extends TokenWish {
  /** Names it in lists and for its revocation; tells nothing of the secret. */
  id: string;
  /** The first characters of the secret. */
  prefix: string;
  owner: string;
  createdAt: number;
  lastUsedAt: number | null;
}

/** A new token and its secret, which is told this once. */
export interface IssuedToken extends Token {
  secret: string;
}

/** A log-in that goes on in a browser. */
export interface PendingLogin {
  /** Names it to the client that polls; a secret. */
  id: string;
  /** Where people approve it, from the server's root: "/-/login/…". */
  page: string;
}

/** Who may do what with one package, for lists of owners. */
export interface Holder {
  kind: "user" | "team";
  name: string;
  email: string;
  actions: Action[];
}

/** Accounts for one caller: whatever needs a grant asks it first. Throws Problems. */
export interface Accounts {
  readonly caller: Principal;
  /** What is known of the caller; null for who is no user. */
  profile(): Promise<Profile | null>;
  changeProfile(change: {
    email?: string;
    fullName?: string;
    password?: { old: string; new: string };
  }): Promise<Profile>;
  /** Whether there is such a user, and what everybody who is logged in may know of it. */
  user(name: string): Promise<Pick<Profile, "name" | "email"> | null>;
  /**
   * A new token for who gives their name and password. Problem("unauthenticated") when they are wrong, after a while that grows with
   * failures of this account and this address.
   */
  logIn(name: string, password: string, wish: TokenWish, address: string): Promise<IssuedToken>;
  /** Begins a log-in that a person ends in a browser; `client` is shown to that person. */
  beginLogin(wish: TokenWish, client: string, address: string): Promise<PendingLogin>;
  /** Null while it is waited for. Problem("notFound") when it was refused, or took too long. */
  endLogin(id: string): Promise<IssuedToken | null>;
  /** Waits some seconds for what `endLogin` would tell. False when there was no place to wait: whoever asks should come back later. */
  awaitLogin(id: string): Promise<boolean>;
  /** The caller's tokens. */
  tokens(): Promise<Token[]>;
  /** `password`: the caller's, where the client sends it; a wrong one is refused. */
  issueToken(wish: TokenWish, password?: string): Promise<IssuedToken>;
  /** By its id or its secret: one of the caller's own. False when there is none such. */
  revokeToken(idOrSecret: string): Promise<boolean>;
  /**
   * A CI job's identity token (OpenID Connect) for a token of 15 minutes. `audiences`: what its `aud` may be. Throws Problem("unauthenticated") for one
   * that nobody signed whom this server trusts, Problem("forbidden") for one that no configured publisher covers. `rule` tells why, in one word.
   */
  exchange(
    identityToken: string,
    wanted: { repository: string; package: string | null },
    audiences: readonly string[],
    address: string,
  ): Promise<IssuedToken>;
  /** Who may do what with this package, beside those who may with every package. The caller must be allowed to read it. */
  holders(repository: string, packageName: string): Promise<Holder[]>;
  /** Gives or takes (`actions` is empty) what a user or team may do with one package. The caller must be its admin. */
  allow(
    repository: string,
    packageName: string,
    holder: { kind: "user" | "team"; name: string },
    actions: Action[],
  ): Promise<void>;
  /** Names of teams, or of a team's members, that the caller may know. */
  teams(): Promise<string[]>;
  members(team: string): Promise<string[]>;
}
