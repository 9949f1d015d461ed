// People and jobs whom other systems vouch for, on a running server: sessions and pages, a real OpenID Connect provider, a CI system's tokens.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CiIssuer, startCiIssuer } from "./support/ci-issuer.ts";
import { type OidcIssuer, SECRET, startOidcIssuer, visit } from "./support/oidc-issuer.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

let ci: CiIssuer;
let oidc: OidcIssuer;
let server: ServerProcess;
let home: string;
let port: number;

beforeEach(async () => {
  home = tempFolder("identity");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "secret"), `${SECRET}\n`);
  ci = await startCiIssuer();
  port = await freePort();
  oidc = await startOidcIssuer([`http://127.0.0.1:${port}/-/login/oidc/done`]);
  server = await startProcess({
    config: `
access: { anonymous: none, grants: [{ to: "team:divers", may: publish, packages: ["@reef/*"] }] }
login:
  oidc: { issuer: "${oidc.url}", clientId: holdfast, clientSecretFile: ${join(home, "secret")}, teams: { "sea/divers": divers } }
trustedPublishers:
  - { issuer: "${ci.url}", audiences: ["127.0.0.1", "npm:127.0.0.1"], claims: { project_id: "42", ref_protected: "true" }, repositories: [npm, pypi], packages: ["@reef/*"] }
repositories:
  npm: { upstreams: [], offline: true, claims: ["@reef/*"] }
  pypi: { upstreams: [], offline: true }
  go: false
  composer: false
  debian: false
  debian-security: false
`,
    port,
  });
});
afterEach(async () => {
  await server.stop();
  await oidc.stop();
  await ci.stop();
  removeTemp(home);
});

async function freePort(): Promise<number> {
  const probe = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const found = probe.port!;
  await probe.stop(true);
  return found;
}

const url = () => `http://127.0.0.1:${port}`;
const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${url()}${path}`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url(), ...headers },
    body: new URLSearchParams(fields),
  });
const page = (path: string, cookie = "") =>
  fetch(`${url()}${path}`, { redirect: "manual", headers: { accept: "text/html", cookie } });
const cookieOf = (answer: Response) => /^[^;]+/.exec(answer.headers.get("set-cookie") ?? "")![0];

/** The page that shows the secret: once, and to who made it. */
async function makeToken(fields: Record<string, string>, cookie: string): Promise<string> {
  const made = await form("/-/account", { do: "make", ...fields }, { cookie });
  return (await page(made.headers.get("location")!, cookie)).text();
}

async function setUp(): Promise<string> {
  const code = /"setup_code":"([^"]+)"/.exec(server.output())![1]!;
  const answer = await form("/-/setup", { code, name: "root", password: "correct horse" });
  expect([answer.status, answer.headers.get("location")]).toEqual([303, "/-/account"]);
  return cookieOf(answer);
}

test("the first administrator, a session, and a client's log-in that it approves", async () => {
  expect((await page("/")).headers.get("location")).toBe("/-/login?next=%2F");
  expect((await page("/-/metrics")).headers.get("location")).toBe("/-/login?next=%2F-%2Fmetrics");
  expect(await (await page("/-/login")).text()).toContain("make the first administrator");
  expect(
    (await form("/-/setup", { code: "WRONG", name: "eve", password: "correct horse" })).status,
  ).toBe(403);
  const cookie = await setUp();
  expect((await page("/-/setup")).headers.get("location")).toBe("/-/login");
  expect(cookie).toMatch(/^hf=[\w-]{43}$/);
  expect((await page("/", cookie)).status).toBe(200);
  // Pages alone: with the cookie nothing of a package is told, nor anything changed by another site.
  expect((await page("/npm/@reef%2fcoral", cookie)).status).toBe(401);
  const foreign: Record<string, string>[] = [
    { origin: "http://evil.example" },
    { "sec-fetch-site": "cross-site" },
    { origin: "null" },
  ];
  for (const headers of foreign)
    expect(
      (await form("/-/account", { do: "make", name: "x", may: "all" }, { ...headers, cookie }))
        .status,
    ).not.toBe(200);

  const begun = (await (
    await fetch(`${url()}/npm/-/v1/login`, { method: "POST", body: "{}" })
  ).json()) as { loginUrl: string; doneUrl: string };
  const path = new URL(begun.loginUrl).pathname;
  expect((await page(path)).headers.get("location")).toBe(
    `/-/login?next=${encodeURIComponent(path)}`,
  );
  expect(await (await page(path, cookie)).text()).toContain("Is this you?");
  expect((await form(path, { answer: "yes" }, { cookie })).status).toBe(200);
  const { token } = (await (await fetch(begun.doneUrl)).json()) as { token: string };
  const me = await fetch(`${url()}/npm/-/whoami`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await me.json()).toEqual({ username: "root" });
  expect((await fetch(begun.doneUrl)).status).toBe(404);

  const made = await makeToken({ name: "build", may: "read", days: "30" }, cookie);
  const secret = /hf_[0-9A-Za-z]{49}/.exec(made)![0];
  expect(await (await page("/-/account", cookie)).text()).not.toContain(secret);
  const read = { headers: { authorization: `Bearer ${secret}` } };
  expect((await fetch(`${url()}/npm/@reef%2fcoral`, read)).status).toBe(404);
  expect(
    (await fetch(`${url()}/npm/@reef%2fcoral`, { ...read, method: "PUT", body: "{}" })).status,
  ).toBe(403);

  const out = await form("/-/logout", {}, { cookie });
  expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
  expect((await page("/", cookie)).status).toBe(303);
  for (const next of [
    "https://evil.example",
    "//evil.example",
    "/npm/x",
    "/-/../npm",
    "javascript:x",
  ]) {
    const answer = await form("/-/login", { name: "root", password: "correct horse", next });
    expect(answer.headers.get("location")).toBe("/-/account");
  }
  expect(server.output()).not.toMatch(new RegExp(`${secret}|${token}|correct horse`));
}, 60_000);

test("people log in through a real provider: known for ever by their subject, in the teams of their groups", async () => {
  await setUp();
  oidc.person = {
    sub: "s-1",
    preferred_username: "Ann",
    groups: ["sea/divers", "other"],
    email: "ann@example.com",
  };
  const logIn = async () => {
    const left = await page("/-/login/oidc?next=%2F-%2Faccount");
    const back = await visit(left.headers.get("location")!, `${url()}/-/login/oidc/done`);
    return page(back.slice(url().length), cookieOf(left));
  };
  const first = await logIn();
  expect([first.status, first.headers.get("location")]).toEqual([303, "/-/account"]);
  expect(await (await page("/-/account", cookieOf(first))).text()).toContain("<h1>ann</h1>");
  const made = await makeToken({ name: "x", may: "all" }, cookieOf(first));
  const token = /hf_[0-9A-Za-z]{49}/.exec(made)![0];
  const publish = () =>
    fetch(`${url()}/npm/@reef%2fcoral`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: "{}",
    });
  expect((await publish()).status).toBe(403); // let in, and told that there is no package to change
  expect(await (await publish()).text()).toContain("not published here");
  // Another one there who takes the name is somebody else here.
  oidc.person = { sub: "s-2", preferred_username: "ann" };
  const other = await logIn();
  expect([other.status, await other.text()]).toEqual([
    403,
    expect.stringContaining("There is a user ann here already"),
  ]);
  // Who is no longer in the group may no longer do what the group may.
  oidc.person = { sub: "s-1", preferred_username: "renamed", groups: [] };
  expect((await logIn()).status).toBe(303);
  expect(await (await publish()).text()).toContain("may not publish");
  // A code that another browser asked for is good for nothing.
  const left = await page("/-/login/oidc");
  const back = await visit(left.headers.get("location")!, `${url()}/-/login/oidc/done`);
  expect((await page(back.slice(url().length))).status).toBe(401);
}, 60_000);

test("a CI job gets a token for what its publisher is trusted with, once, and no other job does", async () => {
  const exchange = (path: string, init: RequestInit) =>
    fetch(`${url()}${path}`, { method: "POST", ...init });
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const npmPath = "/npm/-/npm/v1/oidc/token/exchange/package/@reef%2fcoral";
  const right = () => ci.token({ aud: "npm:127.0.0.1" });
  const wrong: [token: string, status: number, why: string][] = [
    ["nonsense", 401, "no signed token"],
    [await ci.token({ aud: "npm:elsewhere" }), 403, "audience"],
    [await ci.token({ aud: "npm:127.0.0.1", project_id: "43" }), 403, "claims"],
    [await ci.token({ aud: "npm:127.0.0.1", ref_protected: "false" }), 403, "claims"],
    [await ci.token({ aud: "npm:127.0.0.1", event_name: "pull_request" }), 403, "pull_request"],
    [await ci.token({ aud: "npm:127.0.0.1", exp: 1 }), 401, "expired"],
    [await ci.token({ aud: "npm:127.0.0.1", iss: "https://evil.example" }), 401, "issuer"],
    [`${(await right()).slice(0, -8)}AAAAAAAA`, 401, "signature"],
  ];
  for (const [token, status, why] of wrong) {
    const answer = await exchange(npmPath, bearer(token));
    expect([why, answer.status, await answer.text()]).toEqual([
      why,
      status,
      expect.stringContaining(why),
    ]);
  }
  expect(
    (await exchange("/npm/-/npm/v1/oidc/token/exchange/package/other", bearer(await right())))
      .status,
  ).toBe(403);
  const identity = await right();
  const answer = await exchange(npmPath, bearer(identity));
  expect(answer.status).toBe(201);
  const { token } = (await answer.json()) as { token: string };
  const put = (name: string) =>
    fetch(`${url()}/npm/${name}`, { method: "PUT", ...bearer(token), body: "{}" });
  expect(await (await put("@reef%2fcoral")).text()).toContain("not published here");
  expect(await (await put("other")).text()).toContain("may not publish");
  expect((await exchange(npmPath, bearer(identity))).status).toBe(401);
  // Without the prefix, as npm itself asks; and the plain form; and what asks for PyPI.
  const root = await exchange(
    "/-/npm/v1/oidc/token/exchange/package/@reef%2fcoral",
    bearer(await right()),
  );
  expect(root.status).toBe(201);
  expect(await (await fetch(`${url()}/_/oidc/audience`)).json()).toEqual({ audience: "127.0.0.1" });
  const plain = {
    body: JSON.stringify({
      token: await ci.token({ aud: "127.0.0.1" }),
      repository: "npm",
      package: "@reef/coral",
    }),
  };
  expect(await (await exchange("/-/oidc/exchange", plain)).json()).toMatchObject({
    token: expect.stringMatching(/^hf_/),
    scope: { repositories: ["npm"], packages: ["@reef/coral"] },
  });
  const mint = { body: JSON.stringify({ token: await ci.token({ aud: "127.0.0.1" }) }) };
  expect(await (await exchange("/_/oidc/mint-token", mint)).json()).toMatchObject({
    success: true,
  });
  const refused = await exchange("/_/oidc/mint-token", { body: JSON.stringify({ token: "x" }) });
  expect([refused.status, await refused.json()]).toEqual([
    422,
    {
      message: "Token request failed",
      errors: [{ code: "invalid-token", description: expect.any(String) }],
    },
  ]);
  // The issuer away: what it vouched for is known for a while.
  ci.isAway = true;
  expect((await exchange(npmPath, bearer(await right()))).status).toBe(201);
  expect(server.output()).not.toContain(token);
}, 60_000);
