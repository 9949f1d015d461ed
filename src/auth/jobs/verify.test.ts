import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { exportSPKI, importJWK, UnsecuredJWT } from "jose";
import { type CiIssuer, startCiIssuer } from "../../../test/support/ci-issuer.ts";
import type { IssuerFetch } from "../../core/identity.ts";
import { Problem } from "../../core/problem.ts";
import { type IssuerKeys, issuerKeys, type KeyMemory } from "./keys.ts";
import { verifyJobToken } from "./verify.ts";

let issuer: CiIssuer;
let now: number;
let keys: IssuerKeys;
let stored: Uint8Array | null;
const memory: KeyMemory = {
  read: async () => stored,
  write: async (bytes) => {
    stored = bytes;
  },
};
/** As the one of src/upstream: what is away throws. */
const reach: IssuerFetch = async (url) => {
  const response = await fetch(url, { redirect: "manual" });
  if (response.status >= 500) throw new Problem("unreachable", `${url} answered 503`);
  return response;
};

beforeEach(async () => {
  now = Date.now();
  stored = null;
  issuer = await startCiIssuer(() => Math.floor(now / 1000));
  keys = issuerKeys(issuer.url, reach, memory, () => now);
});
afterEach(() => issuer.stop());

const verify = (token: string) =>
  verifyJobToken(token, (url) => (url === issuer.url ? keys : null), now);
async function refused(token: string | Promise<string>): Promise<string> {
  try {
    await verify(await token);
  } catch (error) {
    if (error instanceof Problem) return `${error.kind} ${error.rule}: ${error.message}`;
    throw error;
  }
  return "taken";
}

test("a job's token is proven, with either algorithm", async () => {
  for (const algorithm of ["RS256", "ES256"] as const) {
    await issuer.rotate(algorithm);
    now += 3_600_000;
    const { audience, claims, expiresAt, issuer: by } = await verify(await issuer.token());
    expect([audience, by, claims["project_id"]]).toEqual([
      "holdfast.example.test",
      issuer.url,
      "42",
    ]);
    expect(expiresAt).toBe(Math.floor(now / 1000) * 1000 + 300_000);
  }
});

test("times have a minute of leeway, and no more", async () => {
  const s = Math.floor(now / 1000);
  expect(await refused(issuer.token({ exp: s - 50 }))).toBe("taken");
  expect(await refused(issuer.token({ exp: s - 70 }))).toContain("expired: ");
  expect(await refused(issuer.token({ nbf: s + 50 }))).toBe("taken");
  expect(await refused(issuer.token({ nbf: s + 70 }))).toContain("invalid-token");
  expect(await refused(issuer.token({ iat: s + 70 }))).toContain("from the future");
  for (const name of ["exp", "iat", "aud", "iss"])
    expect(await refused(issuer.token({ [name]: undefined }))).toContain("unauthenticated");
  expect(await refused(issuer.token({ exp: "soon" }))).toContain("invalid-token");
});

test("a token is for exactly one audience", async () => {
  expect((await verify(await issuer.token({ aud: ["one"] }))).audience).toBe("one");
  for (const aud of [["one", "two"], [], [7], 7, { one: 1 }])
    expect(await refused(issuer.token({ aud }))).toContain("unauthenticated");
});

test("who signs nothing, signs with the public key, or says another key, is refused", async () => {
  const token = await issuer.token();
  const [head = "", body = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  expect(await refused(new UnsecuredJWT(claims).encode())).toContain("signed by none");
  const pem = await exportSPKI((await importJWK(issuer.publicJwk, "RS256")) as never);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  for (const alg of ["HS256", "none", "None", "RS512", "ES256", "PS256", ""]) {
    const signed = `${part({ alg, kid: issuer.publicJwk.kid })}.${body}`;
    const mac = createHmac("sha256", pem).update(signed).digest("base64url");
    expect([alg, await refused(`${signed}.${mac}`)]).toEqual([
      alg,
      expect.stringContaining("unauthenticated"),
    ]);
  }
  const other = await startCiIssuer(() => Math.floor(now / 1000));
  expect(await refused(other.token({ iss: issuer.url }))).toContain("signature is wrong");
  // A key that comes with the token is nobody's.
  expect(
    await refused(
      other.token({ iss: issuer.url }, { jwk: other.publicJwk, jku: `${other.url}/jwks` }),
    ),
  ).toContain("signature is wrong");
  expect(other.asked).toEqual([]);
  expect(await refused(other.token())).toContain("no trusted publisher");
  expect(other.asked).toEqual([]);
  await other.stop();
  const changed = Buffer.from(JSON.stringify({ ...claims, project_id: "1" })).toString("base64url");
  expect(await refused([head, changed, token.split(".")[2]].join("."))).toContain("signature");
  for (const nonsense of ["", "a", "a.b.c", `${token}.x`, "x".repeat(100_000), token.slice(0, -9)])
    expect(await refused(nonsense)).toContain("unauthenticated");
  expect(await refused(issuer.token({}, { crit: ["x"], x: 1 }).catch(() => "a.b.c"))).toContain(
    "unauthenticated",
  );
});

test("a key's name is only a name", async () => {
  await verify(await issuer.token());
  issuer.asked.length = 0;
  for (const kid of ["../../etc/passwd", "/dev/null", "' OR 1=1 --", "__proto__", "\0", ""]) {
    expect(await refused(issuer.token({}, { kid }))).toContain("unknown-key");
  }
  expect(issuer.asked).toEqual([]);
});

test("an unknown key makes it ask again, once a minute at most", async () => {
  await verify(await issuer.token());
  await issuer.rotate();
  expect(await refused(issuer.token())).toContain("unknown-key");
  now += 61_000;
  issuer.asked.length = 0;
  const fresh = await issuer.token();
  await Promise.all([verify(fresh), verify(fresh), verify(fresh)]);
  expect(issuer.asked).toEqual(["/.well-known/openid-configuration", "/jwks"]);
  for (let time = 0; time < 5; time += 1) await refused(issuer.token({}, { kid: `no-${time}` }));
  expect(issuer.asked.length).toBe(2);
});

test("a short outage of the issuer does not matter, a long one does", async () => {
  await verify(await issuer.token());
  issuer.isAway = true;
  now += 2 * 3_600_000;
  expect(await refused(issuer.token())).toBe("taken");
  now += 21 * 3_600_000;
  expect(await refused(issuer.token())).toBe("taken");
  now += 2 * 3_600_000;
  expect(await refused(issuer.token())).toContain("unreachable");
  issuer.isAway = false;
  now += 61_000;
  expect(await refused(issuer.token())).toBe("taken");
});

test("a key that was taken back stops counting within the hour", async () => {
  const token = await issuer.token({ exp: Math.floor(now / 1000) + 7200 });
  await verify(token);
  await issuer.rotate();
  expect(await refused(token)).toBe("taken");
  now += 3_600_001;
  expect(await refused(token)).toContain("unknown-key");
});

test("keys count after a restart while their issuer is away, for a day since it showed them", async () => {
  await verify(await issuer.token());
  const restart = () => {
    keys = issuerKeys(issuer.url, reach, memory, () => now);
  };
  issuer.lies.set("/jwks", () => new Response("", { status: 503 }));
  now += 23 * 3_600_000;
  restart();
  expect(await refused(issuer.token())).toBe("taken");
  now += 3_600_000;
  expect(await refused(issuer.token())).toContain("unreachable");
  restart();
  expect(await refused(issuer.token())).toContain("unreachable");
  now -= 48 * 3_600_000; // a clock that was set back proves nothing
  restart();
  expect(await refused(issuer.token())).toContain("unreachable");
});

test("after a restart an issuer that answers is asked first, and what was kept badly is nothing", async () => {
  await verify(await issuer.token());
  const before = await issuer.token();
  await issuer.rotate("RS256");
  keys = issuerKeys(issuer.url, reach, memory, () => now);
  expect(await refused(before)).toContain("unknown-key");
  issuer.lies.set("/jwks", () => new Response("", { status: 503 }));
  for (const text of ["", "{}", '{"keys":[7],"at":1}', `{"keys":7,"at":${now}}`]) {
    stored = Buffer.from(text);
    keys = issuerKeys(issuer.url, reach, memory, () => now);
    expect(await refused(issuer.token())).toContain("unreachable");
  }
});

test("an issuer that goes away as its keys change is away, and has not said no, however often it is asked", async () => {
  await verify(await issuer.token());
  await issuer.rotate();
  now += 61_000;
  issuer.isAway = true;
  for (let time = 0; time < 3; time += 1) {
    expect(await refused(issuer.token())).toContain("unreachable");
    now += 1_000;
  }
  issuer.isAway = false;
  now += 60_000;
  expect(await refused(issuer.token())).toBe("taken");
});

test("keys that are none are the issuer's fault and not the token's", async () => {
  issuer.lies.set("/jwks", () => Response.json({ keys: [{ ...issuer.publicJwk, n: "" }] }));
  expect(await refused(issuer.token())).toContain("malformed");
});

test("keys are the issuer's own: of its name and on its host", async () => {
  const discovery = "/.well-known/openid-configuration";
  const lies: [string, () => Response][] = [
    [discovery, () => Response.json({ issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}/jwks` })],
    [discovery, () => Response.json({ issuer: issuer.url, jwks_uri: "http://127.0.0.1:1/jwks" })],
    [discovery, () => Response.json({ issuer: issuer.url, jwks_uri: "file:///etc/passwd" })],
    [discovery, () => Response.json({ issuer: issuer.url, jwks_uri: 7 })],
    [discovery, () => Response.redirect("http://127.0.0.1:1/", 302)],
    [discovery, () => new Response("<html>")],
    ["/jwks", () => Response.json({ keys: "none" })],
    ["/jwks", () => Response.json([])],
    ["/jwks", () => new Response("", { status: 404 })],
  ];
  for (const [path, lie] of lies) {
    keys = issuerKeys(issuer.url, reach, memory, () => now);
    issuer.lies.clear();
    issuer.lies.set(path, lie);
    expect(await refused(issuer.token())).toContain("malformed");
  }
  keys = issuerKeys(issuer.url, reach, memory, () => now);
  issuer.lies.clear();
  issuer.lies.set("/jwks", () =>
    Response.json({
      keys: [
        null,
        7,
        { kty: "oct", k: "c2VjcmV0", kid: "key-1" },
        { ...issuer.publicJwk, use: "enc" },
      ],
    }),
  );
  expect(await refused(issuer.token())).toContain("malformed");
});
