// What the pages about people need of the accounts' room.
import type { Accounts, IssuedToken } from "../../core/accounts.ts";
import type { Grant } from "../../core/grant.ts";
import type { SiteRequest } from "../request.ts";

/** A client's log-in that a person is to approve. */
export interface Waiting {
  client: string;
  address: string;
  expiresAt: number;
}

/** The way through another system: OpenID Connect. Throws Problems. */
export interface OtherDoor {
  /** What people call it: its host. */
  readonly host: string;
  /** Where the browser is sent, and what it has to remember. */
  begin(request: SiteRequest): Promise<{ location: string; secret: string }>;
  /** The user who comes back. */
  end(request: SiteRequest, secret: string): Promise<string>;
}

export interface PeopleDeps {
  /** Throws Problem("unauthenticated" | "tooMany" | "unreachable"). */
  logIn(name: string, password: string, address: string): Promise<string>;
  /** The cookie of a new session. */
  begin(user: string, request: SiteRequest): Promise<string>;
  /** The cookie that ends it. */
  end(request: SiteRequest): Promise<string>;
  /** Whether the request comes from one of our own pages. */
  isOurs(request: SiteRequest): boolean;
  needsSetup(): boolean;
  /** Makes the first administrator. */
  claim(code: string, name: string, password: string, address: string): Promise<void>;
  waiting(page: string): Promise<Waiting | null>;
  decide(page: string, user: string, isApproved: boolean): Promise<boolean>;
  accounts(grant: Grant): Accounts;
  other: OtherDoor | null;
  /** A CI job's identity token for one of ours. */
  exchange(
    identityToken: string,
    wanted: { repository: string | null; package: string | null },
    audiences: readonly string[],
    address: string,
  ): Promise<IssuedToken>;
  now(): number;
}
