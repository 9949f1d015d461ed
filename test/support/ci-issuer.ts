// The issuer of a CI system: its discovery document and its keys as static JSON, and whatever tokens a test wants signed.
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export interface CiIssuer {
  readonly url: string;
  /** Requests so far, by path. */
  readonly asked: string[];
  /** What it answers with in place of what it should, by path. */
  readonly lies: Map<string, () => Response>;
  isAway: boolean;
  /** A token that is right, but for what is said here. A claim that is undefined is left out. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  /** From now on with another key; the old one is gone. */
  rotate(algorithm?: "RS256" | "ES256"): Promise<void>;
  readonly key: CryptoKey;
  readonly publicJwk: JWK;
  stop(): Promise<void>;
}

/** `now`: seconds since the epoch. */
export async function startCiIssuer(
  now: () => number = () => Math.floor(Date.now() / 1000),
): Promise<CiIssuer> {
  let algorithm: "RS256" | "ES256" = "RS256";
  let key!: CryptoKey;
  let publicJwk!: JWK;
  let count = 0;
  const asked: string[] = [];
  const lies = new Map<string, () => Response>();
  async function rotate(next: "RS256" | "ES256" = algorithm): Promise<void> {
    algorithm = next;
    const pair = await generateKeyPair(next, { extractable: true });
    key = pair.privateKey;
    publicJwk = {
      ...(await exportJWK(pair.publicKey)),
      kid: `key-${++count}`,
      alg: next,
      use: "sig",
    };
  }
  await rotate();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (issuer.isAway) return new Response("away", { status: 503 });
      const lie = lies.get(pathname);
      if (lie) return lie();
      if (pathname === "/.well-known/openid-configuration")
        return Response.json({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` });
      if (pathname === "/jwks") return Response.json({ keys: [publicJwk] });
      return new Response("", { status: 404 });
    },
  });
  const issuer: CiIssuer = {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    lies,
    isAway: false,
    rotate,
    get key() {
      return key;
    },
    get publicJwk() {
      return publicJwk;
    },
    token(claims = {}, header = {}) {
      const payload = {
        iss: issuer.url,
        aud: "holdfast.example.test",
        iat: now(),
        nbf: now(),
        exp: now() + 300,
        jti: crypto.randomUUID(),
        sub: "project_path:acme/widgets:ref_type:tag:ref:v1",
        project_id: "42",
        project_path: "acme/widgets",
        ref_protected: "true",
        ...claims,
      };
      const kept = Object.fromEntries(
        Object.entries(payload).filter(([, value]) => value !== undefined),
      );
      return new SignJWT(kept)
        .setProtectedHeader({ alg: algorithm, kid: publicJwk.kid!, typ: "JWT", ...header })
        .sign(key);
    },
    stop: () => server.stop(true),
  };
  return issuer;
}
