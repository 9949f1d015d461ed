// People who log in at another system: the code flow with PKCE, state and nonce. OpenID Connect Core 1.0, RFC 7636, RFC 9207.
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  type IDToken,
  None,
  type UserInfoResponse,
} from "openid-client";
import type { IssuerFetch, Person } from "../../core/identity.ts";
import { Problem } from "../../core/problem.ts";

export interface OidcSettings {
  issuer: string;
  clientId: string;
  /** Null for a client without one: PKCE alone proves that the same browser comes back. */
  clientSecret: string | null;
  scopes: readonly string[];
  claims: { name: string; groups: string };
}

/** What the browser's own cookie remembers while it is away. */
export interface Attempt {
  state: string;
  nonce: string;
  verifier: string;
}

export interface Provider {
  /** Where the browser is sent. `redirect`: where it comes back to. `isAgain`: to log in there also where one is logged in. Throws what `cannotAsk` knows where the provider is in trouble. */
  begin(redirect: string, attempt: Attempt, isAgain: boolean): Promise<string>;
  /** Who it is that came back to `callback`, a whole URL. Throws Problem("unauthenticated") where they are not let in, and what `cannotAsk` knows. */
  end(callback: string, attempt: Attempt): Promise<Person>;
}

/** Its endpoints are asked for again after this. */
const FRESH_MS = 60 * 60_000;
const LEEWAY_S = 60;

export function openProvider(
  settings: OidcSettings,
  fetch: IssuerFetch,
  now: () => number,
): Provider {
  const { host } = new URL(settings.issuer);
  let known: { configuration: Promise<Configuration>; until: number } | null = null;

  function current(): Promise<Configuration> {
    if (known && now() < known.until) return known.configuration;
    const configuration = discover(settings, fetch);
    const mine = { configuration, until: now() + FRESH_MS };
    known = mine;
    configuration.catch(() => {
      if (known === mine) known = null;
    });
    return configuration;
  }

  async function asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw problemOf(error, host);
    }
  }

  return {
    begin: (redirect, { state, nonce, verifier }, isAgain) =>
      asked(async () => {
        const configuration = await current();
        return buildAuthorizationUrl(configuration, {
          redirect_uri: redirect,
          response_type: "code",
          scope: settings.scopes.join(" "),
          code_challenge: await calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
          state,
          nonce,
          ...(isAgain && { prompt: "login" }),
        }).href;
      }),
    end: (callback, { state, nonce, verifier }) =>
      asked(async () => {
        const configuration = await current();
        const tokens = await authorizationCodeGrant(configuration, new URL(callback), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims()!;
        const more = configuration.serverMetadata().userinfo_endpoint
          ? await fetchUserInfo(configuration, tokens.access_token, claims.sub)
          : null;
        return personOf(settings, claims, more);
      }),
  };
}

async function discover(settings: OidcSettings, fetch: IssuerFetch): Promise<Configuration> {
  const { issuer, clientId, clientSecret } = settings;
  const isPlain = issuer.startsWith("http:");
  const configuration = await discovery(
    new URL(issuer),
    clientId,
    { [clockTolerance]: LEEWAY_S },
    clientSecret === null ? None() : withSecret(clientSecret),
    {
      [customFetch]: (url, init) =>
        fetch(url, {
          method: init.method === "POST" ? "POST" : "GET",
          headers: init.headers,
          ...(init.body != null && { body: String(init.body) }),
        }),
      execute: [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])],
    },
  );
  const said = configuration.serverMetadata().issuer;
  if (said !== issuer)
    throw new Problem(
      "malformed",
      `login.oidc.issuer must be "${said}", as the provider writes it, to the letter`,
    );
  return configuration;
}

/** The way that the provider takes; RFC 6749 §2.3.1 has everybody take the first. */
function withSecret(secret: string): ClientAuth {
  const basic = ClientSecretBasic(secret);
  const post = ClientSecretPost(secret);
  return (as, ...rest) => {
    const ways = as.token_endpoint_auth_methods_supported;
    const isBasic = !ways || ways.includes("client_secret_basic");
    return (isBasic ? basic : post)(as, ...rest);
  };
}

function personOf(
  { issuer, claims }: OidcSettings,
  token: IDToken,
  more: UserInfoResponse | null,
): Person {
  const told = (name: string) => valueAt(token, name) ?? (more && valueAt(more, name));
  const text = (name: string) => {
    const value = told(name);
    return typeof value === "string" ? value : "";
  };
  // An address that nobody proved may be anybody's.
  const isProven = told("email_verified") !== false && told("email_verified") !== "false";
  return {
    issuer,
    subject: token.sub,
    name: text(claims.name),
    email: isProven ? text("email") : "",
    fullName: text("name"),
    groups: groupsOf(told(claims.groups)),
  };
}

/** By its whole name, or as a path into objects: "realm_access.roles". */
function valueAt(claims: object, name: string): unknown {
  if (Object.hasOwn(claims, name)) return (claims as Record<string, unknown>)[name];
  let value: unknown = claims;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** Null where the provider says nothing: it leaves the claim out where the groups are too many, too. */
function groupsOf(value: unknown): string[] | null {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return null;
  return value.filter((one) => typeof one === "string");
}

/** Words of RFC 6749 and OpenID Connect Core that are about who logs in. */
const OF_PERSON: readonly unknown[] = [
  "invalid_grant",
  "access_denied",
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
];

/** What else is to be said, by such a word or by the library's code. */
const WHY: Readonly<Record<string, string>> = {
  invalid_client: "it does not accept login.oidc.clientId with its secret",
  unauthorized_client: "it does not accept login.oidc.clientId for this",
  invalid_scope: "it does not accept login.oidc.scopes",
  OAUTH_WWW_AUTHENTICATE_CHALLENGE: "it does not accept login.oidc.clientId with its secret",
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED: "it calls itself otherwise than login.oidc.issuer",
};

interface Failed {
  /** Of the library. */
  code?: unknown;
  /** Of the provider. */
  error?: unknown;
  message: string;
  cause?: { message?: unknown };
}

/** Whose trouble it is: only what is said of the person, or of their token, is a log-in that failed. What the library does not know is a bug. */
function problemOf(error: unknown, host: string): unknown {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof Problem) return at;
  const { code, error: word, message, cause } = (error ?? {}) as Failed;
  if (typeof code !== "string" || !code.startsWith("OAUTH_")) return error;
  const detail = typeof cause?.message === "string" ? cause.message : message;
  const why = typeof word === "string" ? word : detail;
  const more = { rule: "oidc", cause: error };
  if (OF_PERSON.includes(word) || isOfToken(code, detail)) {
    const told = `The log-in at ${host} did not succeed: ${why.slice(0, 200)}`;
    return new Problem("unauthenticated", told, more);
  }
  const words = WHY[typeof word === "string" ? word : code];
  const told = words ? `${words} (${why.slice(0, 200)})` : why.slice(0, 200);
  return new Problem("malformed", `The provider ${host} cannot be used: ${told}`, more);
}

/** What the browser brought back, or the token that it led to; not what is no answer of a provider at all. */
function isOfToken(code: string, detail: string): boolean {
  if (code === "OAUTH_INVALID_RESPONSE") return !detail.startsWith('"response" body');
  return /^OAUTH_JWT_(CLAIM_COMPARISON|TIMESTAMP_CHECK)_FAILED$/.test(code);
}
