// Identities that other systems vouch for: how people and jobs from there are configured, and what is asked to find them out.
import type { Action } from "./grant.ts";

/**
 * A connection to one system that vouches for identities: to its own host, and to those that the configuration lists. For small answers.
 * Throws Problem("unreachable" | "offline").
 */
export type IssuerFetch = (url: string, init?: IssuerRequest) => Promise<Response>;

export interface IssuerRequest {
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: string;
}

/** A person, as another system knows them. */
export interface Person {
  /** The system: an issuer's URL, or the URL of a directory. */
  issuer: string;
  /** Names the person there, for ever. */
  subject: string;
  name: string;
  email: string;
  fullName: string;
  /** Null when the system did not say, which is not the same as none. */
  groups: readonly string[] | null;
}

/** A directory of people that a name and a password are asked of (LDAP). */
export interface Directory {
  /** Null when there is no such person, or the password is wrong. Throws Problem("unreachable") when it cannot be asked. */
  find(name: string, password: string): Promise<Person | null>;
}

/** What of a CI system is let in: a job whose token says all of `claims` may have a token that may `actions`. */
export interface TrustedPublisher {
  /** As in the token's `iss`, to the letter. */
  issuer: string;
  /** What the token's `aud` may be. Never what a request says of its own address. */
  audiences: readonly string[];
  /** Any of the texts of each; a `*` in one stands for any text. */
  claims: Readonly<Record<string, readonly string[]>>;
  repositories: readonly string[];
  /** Patterns, as in `claims` of a repository. */
  packages: readonly string[];
  actions: readonly Action[];
}
