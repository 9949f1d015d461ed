// What a provider does that is no word on who logs in: each is told as the provider's trouble, and what it says of the person as theirs.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { IssuerFetch } from "../../core/identity.ts";
import { Problem } from "../../core/problem.ts";
import { attemptOf, newAttemptSecret } from "./attempt.ts";
import { openProvider, type Provider } from "./provider.ts";

const BACK = "https://packages.example.test/-/login/oidc/done";
const DISCOVERY = "/.well-known/openid-configuration";
const attempt = attemptOf(newAttemptSecret())!;

let lies: Map<string, () => Response>;
let server: ReturnType<typeof Bun.serve>;
let issuer: string;
let key: CryptoKey;
let jwk: JWK;
let claims: Record<string, unknown>;
let provider: Provider;

/** As the one of src/upstream: what is away throws. */
const reach: IssuerFetch = async (url, init) => {
  const response = await fetch(url, { ...init, redirect: "manual" } as RequestInit);
  if (response.status >= 500) throw new Problem("unreachable", `it answered ${response.status}`);
  return response;
};

beforeEach(async () => {
  lies = new Map();
  claims = {};
  const pair = await generateKeyPair("RS256", { extractable: true });
  key = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256", use: "sig" };
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const lie = lies.get(pathname);
      if (lie) return lie();
      if (pathname === DISCOVERY) return Response.json(metadata());
      if (pathname === "/jwks") return Response.json({ keys: [jwk] });
      if (pathname === "/token") return Response.json(await tokens());
      if (pathname === "/userinfo") return Response.json({ sub: "17", preferred_username: "ann" });
      return new Response("", { status: 404 });
    },
  });
  issuer = `http://127.0.0.1:${server.port}`;
  provider = openProvider(
    {
      issuer,
      clientId: "holdfast",
      clientSecret: "secret",
      scopes: ["openid"],
      claims: { name: "preferred_username", groups: "groups" },
    },
    reach,
    Date.now,
  );
});
afterEach(() => server.stop(true));

const metadata = () => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/jwks`,
});

async function tokens() {
  const now = Math.floor(Date.now() / 1000);
  const said = {
    ...{ iss: issuer, aud: "holdfast", sub: "17", nonce: attempt.nonce, iat: now, exp: now + 300 },
    ...claims,
  };
  const id = await new SignJWT(said).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(key);
  return { access_token: "opaque", token_type: "Bearer", expires_in: 300, id_token: id };
}

async function told(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "in";
  } catch (error) {
    return error instanceof Problem ? `${error.kind}: ${error.message}` : `a bug: ${error}`;
  }
}

const end = (query = `code=c&state=${attempt.state}`) =>
  told(provider.end(`${BACK}?${query}`, attempt));
const page = () =>
  new Response("<html>Sign in to the network</html>", { headers: { "content-type": "text/html" } });
const says = (error: string, status = 400) => Response.json({ error }, { status });

test("whom it vouches for is let in", async () => {
  expect(await end()).toBe("in");
});

const discoveries: [title: string, lie: () => Response][] = [
  ["is away", () => new Response("", { status: 503 })],
  ["is not there", () => new Response("", { status: 404 })],
  ["is a page", page],
  ["is no JSON", () => new Response("{", { headers: { "content-type": "application/json" } })],
  ["is a list", () => Response.json([])],
  ["is of another issuer", () => Response.json({ ...metadata(), issuer: `${issuer}/other` })],
  ["leads elsewhere", () => Response.redirect("http://127.0.0.1:1/", 302)],
];
for (const [title, lie] of discoveries)
  test(`a discovery document that ${title} is the provider's trouble`, async () => {
    lies.set(DISCOVERY, lie);
    const begun = await told(provider.begin(BACK, attempt, false));
    expect(begun).toMatch(/^(unreachable|malformed): /);
    lies.clear();
    expect(await told(provider.begin(BACK, attempt, false))).toBe("in");
  });

const troubles: [path: string, title: string, lie: () => Response][] = [
  ["/token", "away", () => new Response("", { status: 502 })],
  ["/token", "a page", page],
  ["/token", "not there", () => new Response("", { status: 404 })],
  ["/token", "against this client", () => says("invalid_client", 401)],
  [
    "/token",
    "against this client, with a challenge",
    () =>
      Response.json(
        { error: "invalid_client" },
        { status: 401, headers: { "www-authenticate": "Basic realm=token" } },
      ),
  ],
  ["/token", "against what this client may", () => says("unauthorized_client")],
  ["/token", "empty", () => Response.json({})],
  ["/jwks", "away", () => new Response("", { status: 500 })],
  ["/jwks", "a page", page],
  ["/jwks", "empty", () => Response.json({ keys: [] })],
  ["/jwks", "of another key", () => Response.json({ keys: [{ ...jwk, kid: "two" }] })],
  ["/userinfo", "away", () => new Response("", { status: 503 })],
  ["/userinfo", "a page", page],
  ["/userinfo", "closed", () => says("invalid_token", 401)],
];
for (const [path, title, lie] of troubles)
  test(`${path} that is ${title} is the provider's trouble, and nobody's failed log-in`, async () => {
    lies.set(path, lie);
    expect(await end()).toMatch(/^(unreachable|malformed): /);
  });

for (const error of [
  "server_error",
  "temporarily_unavailable",
  "unauthorized_client",
  "invalid_scope",
])
  test(`a person who comes back with ${error} brings the provider's trouble`, async () => {
    expect(await end(`error=${error}&state=${attempt.state}`)).toMatch(
      new RegExp(`^malformed: .*${error}`),
    );
  });

interface Refusal {
  title: string;
  /** What the browser brings back. */
  query?: string;
  /** What the token says. */
  says?: Record<string, unknown>;
  /** What is answered in its place. */
  token?: () => Response;
}
const refusals: Refusal[] = [
  {
    title: "they refused it themselves",
    query: `error=access_denied&state=${attempt.state}`,
  },
  { title: "the code is not theirs, or used", token: () => says("invalid_grant") },
  { title: "they bring another's state", query: "code=c&state=other" },
  { title: "the token is for another", says: { aud: "other" } },
  { title: "the token is of another log-in", says: { nonce: "other" } },
  { title: "the token is over", says: { exp: 1 } },
];
for (const { title, query, says = {}, token } of refusals)
  test(`who is not let in because ${title} is told that`, async () => {
    claims = says;
    if (token) lies.set("/token", token);
    expect(await end(query)).toMatch(/^unauthenticated: /);
  });

test("a client that the provider does not accept is told by the name of its setting", async () => {
  lies.set("/token", () => says("invalid_client", 401));
  expect(await end()).toEndWith(
    "it does not accept login.oidc.clientId with its secret (invalid_client)",
  );
});
