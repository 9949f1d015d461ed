// People who log in at an OpenID Connect provider: a real one (the npm package oidc-provider), on loopback.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./support/browser.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { type OidcIssuer, SECRET, startOidcIssuer, visit } from "./support/oidc-issuer.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { tempFolder } from "./support/temp.ts";

setDefaultTimeout(60_000);
let upstream: FakeUpstream;
let server: TestServer;
let issuer: OidcIssuer;
const home = tempFolder("oidc");
const secretFile = join(home, "secret");
writeFileSync(secretFile, `${SECRET}\n`);

const login = (more: object = {}) => ({
  login: {
    oidc: {
      issuer: issuer.url,
      clientId: "holdfast",
      clientSecretFile: secretFile,
      teams: { "/platform": "platform", admins: "keepers" },
      ...more,
    },
  },
});

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, { access: { anonymous: "none" } });
  issuer = await startOidcIssuer([`${server.url}/-/login/oidc/done`]);
  const grants = [{ to: "team:platform", may: "read" }];
  await server.restart({ access: { anonymous: "none", grants }, server: login() });
  await server.account("user add", { name: "taken", password: "correct horse" });
});
afterAll(async () => {
  await server.stop();
  await issuer.stop();
  await upstream.stop();
});

const callback = () => `${server.url}/-/login/oidc/done`;

/** Through the provider and back; what our server says then. */
async function through(next = "/-/account") {
  const browser = openBrowser(server.url);
  const away = await browser.open(`/-/login/oidc?next=${encodeURIComponent(next)}`);
  const back = await visit(away.location!, callback());
  return { browser, back, page: await browser.open(back) };
}
const team = async (name: string) =>
  (await server.account("team list", {})).find((line) => line.startsWith(name)) ?? "";

test("who comes back is a user here, known by subject, in the teams of their groups", async () => {
  issuer.person = {
    sub: "17",
    preferred_username: "Cora",
    name: "Cora Reef",
    email: "cora@example.test",
    email_verified: true,
    groups: ["/platform", "/other"],
  };
  expect((await openBrowser(server.url).open("/-/login")).text).toContain(
    `Log in through ${new URL(issuer.url).host}`,
  );
  const { browser, page } = await through("/npm/");
  expect([page.status, page.location]).toEqual([303, "/npm/"]);
  expect((await browser.open("/-/account")).text).toContain("<h1>cora</h1>");
  expect((await browser.open("/npm/")).status).toBe(200);
  expect(await team("platform")).toContain("cora");
  // Another name there is the same person here.
  issuer.person = { sub: "17", preferred_username: "cora-married", groups: ["admins"] };
  const again = await through();
  expect((await again.browser.open("/-/account")).text).toContain("<h1>cora</h1>");
  expect(await team("platform")).not.toContain("cora");
  expect(await team("keepers")).toContain("cora");
  // Groups that are as they were write nothing, also beside a team that somebody here put them into.
  await server.account("team join", { team: "platform", user: "cora" });
  issuer.person = { sub: "17", preferred_username: "cora", groups: ["admins"] };
  await through();
  expect(await team("platform")).toContain("cora");
  await server.account("team leave", { team: "platform", user: "cora" });
  // Nothing said of groups is not the same as none.
  issuer.person = { sub: "17", preferred_username: "cora" };
  await through();
  expect(await team("keepers")).toContain("cora");
  issuer.person = { sub: "17", preferred_username: "cora", groups: [] };
  await through();
  expect(await team("keepers")).not.toContain("cora");
  expect(server.log.join("")).not.toContain(SECRET);
});

test("nobody gets the account of another by taking their name", async () => {
  issuer.person = { sub: "18", preferred_username: "cora" };
  const { page, browser } = await through();
  expect(page.status).toBe(403);
  expect(page.text).toContain("There is a user cora here already");
  expect(browser.cookies.has("hf")).toBe(false);
  issuer.person = {
    sub: "18",
    preferred_username: "taken",
    email: "taken@example.test",
    email_verified: true,
  };
  expect((await through()).page.status).toBe(403);
  issuer.person = { sub: "18", preferred_username: "../../x" };
  expect((await through()).page.status).toBe(400);
  // One that an administrator made for them is theirs: of whoever comes first.
  await server.account("user add", { name: "dora", password: null });
  issuer.person = { sub: "18", preferred_username: "dora" };
  expect((await through()).page.status).toBe(303);
  issuer.person = { sub: "19", preferred_username: "dora" };
  expect((await through()).page.status).toBe(403);
});

test("who was removed is another one when they come again, and who is disabled does not come in", async () => {
  issuer.person = { sub: "20", preferred_username: "eda" };
  await through();
  await server.account("grant add", { holder: "user:eda", actions: ["admin"] });
  await server.account("user remove", { name: "eda", isForced: true });
  await server.account("user add", { name: "eda", password: "correct horse" });
  expect((await through()).page.status).toBe(403);
  // Unless an administrator says that it is the same person, who keeps what they have.
  const [token] = await server.account("token create", {
    user: "eda",
    name: "laptop",
    scope: { repositories: null, packages: null, actions: null },
  });
  await server.account("grant add", { holder: "user:eda", actions: ["read"] });
  await server.account("user password", { name: "eda", password: null });
  const eda = await through();
  expect(eda.page.status).toBe(303);
  expect((await eda.browser.open("/-/account")).text).toContain("laptop");
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${server.url}/npm/kelp`, { headers })).status).toBe(200);
  issuer.person = { sub: "20b", preferred_username: "eda" };
  expect((await through()).page.status).toBe(403);
  issuer.person = { sub: "21", preferred_username: "fay" };
  await through();
  await server.account("user disable", { name: "fay" });
  const { page, browser } = await through();
  expect(page.status).toBe(401);
  expect(browser.cookies.has("hf")).toBe(false);
});

test("a code is good for the browser that began, and once", async () => {
  issuer.person = { sub: "22", preferred_username: "gus" };
  const { back, browser } = await through();
  expect((await browser.open(back)).status).toBe(401);
  const begun = openBrowser(server.url);
  const away = await begun.open("/-/login/oidc");
  const code = await visit(away.location!, callback());
  // A victim is sent to what an attacker began: log-in CSRF.
  const victim = openBrowser(server.url);
  expect((await victim.open(code)).text).toContain("did not begin that log-in");
  await victim.open("/-/login/oidc");
  expect((await victim.open(code)).status).toBe(401);
  expect(victim.cookies.has("hf")).toBe(false);
  const wrong = new URL(code);
  wrong.searchParams.set("state", "x".repeat(43));
  expect((await begun.open(wrong.href)).status).toBe(401);
  wrong.search = "";
  expect((await begun.open(wrong.href)).status).toBe(401);
  const denied = new URL(away.location!).searchParams.get("state")!;
  const told = await begun.open(
    `/-/login/oidc/done?error=access_denied&state=${denied}&iss=${encodeURIComponent(issuer.url)}`,
  );
  expect([told.status, told.text.includes("access_denied")]).toEqual([401, true]);
  // Of another provider: a mix-up.
  const mixed = new URL(code);
  mixed.searchParams.set("iss", "https://evil.example.test");
  expect((await begun.open(mixed.href)).status).toBe(401);
  expect((await begun.open(code)).status).toBe(303);
});

test("PKCE, state and nonce go along, and the secret does not", async () => {
  const browser = openBrowser(server.url);
  const { location, headers } = await browser.open("/-/login/oidc?next=//evil.example.test");
  const { searchParams, origin } = new URL(location!);
  expect(origin).toBe(issuer.url);
  expect(Object.fromEntries(searchParams)).toMatchObject({
    response_type: "code",
    code_challenge_method: "S256",
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    state: expect.stringMatching(/^[\w-]{43}$/),
    nonce: expect.stringMatching(/^[\w-]{43}$/),
    redirect_uri: callback(),
    scope: "openid profile email",
  });
  expect(location).not.toContain("secret");
  expect(headers.get("set-cookie")).toContain("HttpOnly; SameSite=Lax; Max-Age=600");
  const [secret = "", next = ""] = browser.cookies.get("hf-attempt")!.split(".");
  expect(location).not.toContain(secret);
  expect(Buffer.from(next, "base64url").toString()).toBe("/-/account");
});

test("who is to say again who they are says it at the provider, also where they are logged in there", async () => {
  const { browser, page } = await through();
  expect(page.status).toBe(303);
  server.advance(15 * 60_000 + 1);
  const { text } = await browser.open("/-/account");
  expect(text).not.toContain("Make it");
  const [, to = ""] = /href="([^"]+again=1)"/.exec(text)!;
  const login = await browser.open(to.replaceAll("&amp;", "&"));
  const [, door = ""] = /href="(\/-\/login\/oidc[^"]+)"/.exec(login.text)!;
  const away = await browser.open(door.replaceAll("&amp;", "&"));
  expect(new URL(away.location!).searchParams.get("prompt")).toBe("login");
  expect((await browser.open(await visit(away.location!, callback()))).status).toBe(303);
  expect((await browser.open("/-/account")).text).toContain("Make it");
  const { location } = await openBrowser(server.url).open("/-/login/oidc");
  expect(new URL(location!).searchParams.has("prompt")).toBe(false);
});

test("a provider that is away, or another one than it says, is told as what it is", async () => {
  await server.restart({ server: login({ issuer: "http://127.0.0.1:9" }) });
  const browser = openBrowser(server.url);
  const away = await browser.open("/-/login/oidc");
  expect([away.status, away.text.includes("127.0.0.1:9")]).toEqual([424, true]);
  await server.restart({ server: login({ issuer: issuer.url.replace("127.0.0.1", "localhost") }) });
  const other = await browser.open("/-/login/oidc");
  expect([other.status, other.text]).toEqual([
    424,
    expect.stringContaining("calls itself otherwise than login.oidc.issuer"),
  ]);
  await server.restart({ server: {} });
  expect((await browser.open("/-/login/oidc")).status).toBe(404);
});
