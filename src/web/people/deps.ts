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

/** Whose link to set a password by it is. */
export interface Invited {
  user: string;
  createdBy: string;
  until: number;
}

/** The way through another system: OpenID Connect. Throws Problems. */
export interface OtherDoor {
  /** What people call it: its host. */
  readonly host: string;
  /** Where the browser is sent, and what it has to remember. `isAgain`: to say there once more who they are. */
  begin(request: SiteRequest, isAgain: boolean): Promise<{ location: string; secret: string }>;
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
  /** Whether they logged in lately, which making something takes that outlives the session. */
  isFresh(request: SiteRequest): Promise<boolean>;
  /** Whether the request comes from one of our own pages. */
  isOurs(request: SiteRequest): boolean;
  needsSetup(): boolean;
  /** Makes the first administrator. */
  claim(code: string, name: string, password: string, address: string): Promise<void>;
  readonly invitation: {
    /** Null for one that is no more. */
    find(code: string): Promise<Invited | null>;
    /** Sets the password, and returns the user. Throws Problems. */
    use(code: string, password: string, address: string): Promise<string>;
  };
  waiting(page: string): Promise<Waiting | null>;
  decide(page: string, user: string, isApproved: boolean): Promise<boolean>;
  accounts(grant: Grant): Accounts;
  /** What a page shows once: kept for the user by `put`, whose key `take` asks for. */
  readonly once: {
    put(user: string, text: string): Promise<string>;
    take(user: string, key: string): Promise<string | null>;
  };
  other: OtherDoor | null;
  /** What the `aud` of a CI job's identity token is to be; null while no job is trusted. */
  readonly audience: string | null;
  /** Repositories whose clients exchange tokens in this way (`Format.exchange`); all of them for null. */
  repositoriesOf(way: "package" | "mint" | null): string[];
  /** A CI job's identity token for one of ours, for those of the repositories that its publisher is trusted with. Throws Problems whose `rule` tells why. */
  exchange(
    identityToken: string,
    wanted: { repositories: readonly string[]; package: string | null },
    address: string,
  ): Promise<IssuedToken>;
  now(): number;
}
