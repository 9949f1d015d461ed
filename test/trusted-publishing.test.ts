// CI jobs that publish without a secret: an issuer of a CI system on loopback, and all the ways to ask for a token in exchange.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type AuditRow, readAudit } from "../src/auth/audit.ts";
import { readDatabase } from "../src/store/database.ts";
import { type CiIssuer, startCiIssuer } from "./support/ci-issuer.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { waitFor } from "./support/wait.ts";

let upstream: FakeUpstream;
let server: TestServer;
let issuer: CiIssuer;
let shift = 0;

beforeAll(async () => {
  upstream = await startUpstream();
  issuer = await startCiIssuer(() => Math.floor((Date.now() + shift) / 1000));
  const claims = { project_id: "42", ref_protected: "true" };
  server = await startServer(upstream, {
    access: { anonymous: "read" },
    claims: { npm: ["@acme/*"], pypi: ["acme-*"] },
    server: {
      publicUrl: "https://holdfast.example.test",
      trustedPublishers: [
        { issuer: issuer.url, claims, repositories: ["npm"], packages: ["@acme/*"] },
        { issuer: issuer.url, claims, repositories: ["pypi"], packages: ["acme-*"] },
      ],
    },
  });
});
afterAll(async () => {
  await server.stop();
  await issuer.stop();
  await upstream.stop();
});

interface Answer {
  status: number;
  token?: string;
  expires?: string | number;
  message?: string;
  code?: string;
  errors?: { code: string; description: string }[];
}
async function post(path: string, init: RequestInit): Promise<Answer> {
  const answer = await fetch(`${server.url}${path}`, { method: "POST", ...init });
  return { status: answer.status, ...((await answer.json()) as object) };
}
const exchange = async (token: string, wanted: object = { repository: "npm" }) =>
  post("/-/oidc/exchange", {
    body: JSON.stringify({ token, ...wanted }),
    headers: { "content-type": "application/json" },
  });
const mint = (token: unknown, path = "/_/oidc/mint-token") =>
  post(path, { body: JSON.stringify({ token }) });
const npm = (name: string, token: string, base = "") =>
  post(`${base}/-/npm/v1/oidc/token/exchange/package/${name}`, {
    headers: { authorization: `Bearer ${token}` },
  });
const bearer = (token = "") => ({ authorization: `Bearer ${token}` });
/** Whether the token lets one publish: what is sent is no package, which is refused of everybody, later. */
async function mayPublish(path: string, token = ""): Promise<boolean> {
  const answer = await fetch(`${server.url}${path}`, {
    method: "PUT",
    body: "{}",
    headers: { ...bearer(token), "content-type": "application/json" },
  });
  const text = await answer.text();
  expect(answer.status).toBeGreaterThanOrEqual(400);
  return answer.status !== 401 && !text.includes("may not publish");
}

test("npm's exchange at the root, and below a repository, gives a token for that package alone", async () => {
  for (const base of ["", "/npm"]) {
    const { status, token } = await npm("@acme%2fwidgets", await issuer.token(), base);
    expect([base, status]).toEqual([base, 201]);
    expect(token).toStartWith("hf_");
    expect(await mayPublish("/npm/@acme%2fwidgets", token)).toBe(true);
    expect(await mayPublish("/npm/@acme%2fothers", token)).toBe(false);
    expect(await mayPublish("/npm/kelp", token)).toBe(false);
    const whoami = await fetch(`${server.url}/npm/-/whoami`, { headers: bearer(token) });
    expect(await whoami.text()).toContain("acme/widgets");
  }
  const named = await issuer.token({ aud: "npm:holdfast.example.test" });
  expect((await npm("@acme/widgets", named)).status).toBe(201);
  expect((await npm("left-pad", await issuer.token())).status).toBe(403);
  expect((await npm("@acme/widgets", "x")).status).toBe(401);
});

test("the public index's exchange, in its words", async () => {
  const audience = await fetch(`${server.url}/_/oidc/audience`);
  expect(await audience.json()).toEqual({ audience: "holdfast.example.test" });
  for (const path of ["/_/oidc/mint-token", "/_/oidc/github/mint-token"]) {
    const minted = await mint(await issuer.token(), path);
    expect(minted).toEqual({
      status: 200,
      success: true,
      token: expect.stringMatching(/^hf_/),
      expires: expect.any(Number),
    } as never);
    expect(Number(minted.expires) - Date.now() / 1000).toBeWithin(880, 910);
    expect(await mayPublish("/npm/@acme%2fwidgets", minted.token)).toBe(false);
  }
  const wrong: [token: unknown, code: string][] = [
    [await issuer.token({ project_id: "43" }), "invalid-publisher"],
    [await issuer.token({ aud: "pypi" }), "invalid-publisher"],
    [await issuer.token({ event_name: "pull_request_target" }), "invalid-publisher"],
    ["nonsense", "invalid-token"],
    [7, "invalid-payload"],
  ];
  for (const [token, code] of wrong) {
    const { status, message, errors } = await mint(token);
    expect([status, message, errors?.[0]?.code]).toEqual([422, "Token request failed", code]);
    expect(errors?.[0]?.description).toBeString();
  }
  const body = await fetch(`${server.url}/_/oidc/mint-token`, { method: "POST", body: "no JSON" });
  expect(body.status).toBe(422);
  const huge = await fetch(`${server.url}/_/oidc/mint-token`, {
    method: "POST",
    body: "x".repeat(100_000),
  });
  expect(huge.status).toBe(413);
});

test("an identity token is taken once for all, or once for each package", async () => {
  const once = await issuer.token();
  expect((await mint(once)).status).toBe(200);
  expect((await mint(once)).errors?.[0]?.code).toBe("invalid-reuse-token");
  expect((await exchange(once, { repository: "npm", package: "@acme/a" })).code).toBe(
    "invalid-reuse-token",
  );
  // GitLab gives a run one token for all that it publishes.
  const several = await issuer.token();
  expect((await npm("@acme/a", several)).status).toBe(201);
  expect((await npm("@acme/b", several)).status).toBe(201);
  expect((await npm("@acme/a", several)).status).toBe(401);
  expect((await exchange(several)).status).toBe(401);
  const race = await issuer.token();
  const all = await Promise.all(Array.from({ length: 8 }, () => mint(race)));
  expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
  // Without a name of its own it is known by what was signed.
  const nameless = await issuer.token({ jti: undefined });
  expect((await mint(nameless)).status).toBe(200);
  expect((await mint(nameless)).status).toBe(422);
});

test("a request cannot say for whom its token may be", async () => {
  // One that a job of the same project sent to somebody else, who sends it on in their own name.
  const theirs = await issuer.token({ aud: "evil.example.test" });
  for (const path of ["/_/oidc/mint-token", "/-/oidc/exchange"]) {
    const answer = await post(path, {
      body: JSON.stringify({ token: theirs, repository: "npm" }),
      headers: { host: "evil.example.test" },
    });
    expect([path, answer.token]).toEqual([path, undefined]);
  }
  for (const base of ["", "/npm"]) {
    const token = await issuer.token({ aud: "npm:evil.example.test" });
    const answer = await post(`${base}/-/npm/v1/oidc/token/exchange/package/@acme%2fwidgets`, {
      headers: { ...bearer(token), host: "evil.example.test" },
    });
    expect([base, answer.status]).toEqual([base, 403]);
  }
});

test("the plain exchange, for all others", async () => {
  const { status, token, expires } = await exchange(await issuer.token(), { repository: "npm" });
  expect([status, new Date(expires!).getTime() - Date.now() > 800_000]).toEqual([200, true]);
  expect(await mayPublish("/npm/@acme%2fany", token)).toBe(true);
  expect(await mayPublish("/npm/kelp", token)).toBe(false);
  for (const [wanted, code] of [
    [{ repository: "go" }, "repository"],
    [{ repository: "nowhere" }, "repository"],
    [{ repository: "npm", package: "kelp" }, "package"],
    [{ repository: "npm", package: "@acme/*" }, "invalid-payload"],
    [{ repository: 7 }, "invalid-payload"],
    [{ repository: "npm", package: 7 }, "invalid-payload"],
  ] as const)
    expect([wanted, (await exchange(await issuer.token(), wanted)).code]).toEqual([wanted, code]);
});

test("the token lives for a quarter of an hour, makes no other, and a read is no publication", async () => {
  const { token } = await npm("@acme/widgets", await issuer.token());
  const made = await fetch(`${server.url}/npm/-/npm/v1/tokens`, {
    method: "POST",
    body: JSON.stringify({ name: "more", password: "" }),
    headers: { ...bearer(token), "content-type": "application/json" },
  });
  expect(made.status).toBeGreaterThanOrEqual(400);
  const page = await fetch(`${server.url}/-/account`, {
    headers: bearer(token),
    redirect: "manual",
  });
  expect(page.status).toBe(303);
  shift += 14 * 60_000;
  server.advance(14 * 60_000);
  expect(await mayPublish("/npm/@acme%2fwidgets", token)).toBe(true);
  shift += 61_000;
  server.advance(61_000);
  expect(await mayPublish("/npm/@acme%2fwidgets", token)).toBe(false);
});

test("who published by what right is in the audit log", async () => {
  await npm("@acme/audited", await issuer.token({ ref: "refs/tags/v9" }));
  await exchange(await issuer.token({ project_id: "666" }), { repository: "npm" });
  const database = await readDatabase(join(server.data, "holdfast.db"));
  let rows: AuditRow[] = [];
  const find = (text: string) => rows.find(({ detail }) => JSON.stringify(detail).includes(text));
  await waitFor(
    async () => {
      rows = await readAudit(database.read, { limit: 1000 });
      return Boolean(find("refs/tags/v9") && find("has all of its claims"));
    },
    () => JSON.stringify(rows),
  );
  await database.close();
  const taken = find("refs/tags/v9")!;
  expect([taken.action, taken.kind, taken.address]).toEqual(["token", "job", "127.0.0.1"]);
  expect(taken.principal).toEndWith("acme/widgets");
  expect(taken.detail["claims"]).toMatchObject({ project_id: "42", ref_protected: "true" });
  expect(JSON.stringify(rows)).not.toMatch(/hf_[0-9A-Za-z]{40}|eyJ/);
});

test("a job's token is taken by a server that started while its issuer was away", async () => {
  expect((await exchange(await issuer.token())).status).toBe(200);
  issuer.isAway = true;
  await server.restart();
  try {
    expect((await exchange(await issuer.token())).status).toBe(200);
    expect((await exchange(await issuer.token({ project_id: "43" }))).status).toBe(403);
  } finally {
    issuer.isAway = false;
  }
});

test("nothing is asked of an issuer that a stranger names", async () => {
  const before = upstream.requests.length;
  const stranger = await startCiIssuer();
  expect((await mint(await stranger.token())).errors?.[0]?.code).toBe("invalid-token");
  expect(stranger.asked).toEqual([]);
  await stranger.stop();
  expect(upstream.requests.length).toBe(before);
});
