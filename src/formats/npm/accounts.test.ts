import { beforeEach, expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { serveAccount } from "./accounts.ts";
import { PASSWORD } from "./testdata/accounts.ts";
import { hostedRepository } from "./testdata/hosted.ts";
import { bodyOf, problemOf, request } from "./testdata/repository.ts";
import { publishDocument } from "./testdata/tarball.ts";

let here: ReturnType<typeof hostedRepository>;
beforeEach(() => {
  here = hostedRepository();
});
const get = async (path: string) => bodyOf(await here.send("GET", path));
const kindOf = async (work: Promise<unknown>) => (await problemOf(work)).kind;
const TOKENS = "/-/npm/v1/tokens";
const USER = "/-/user/org.couchdb.user:ann";

test("a name and a password are a token", async () => {
  const answer = await here.send("PUT", USER, { name: "ann", password: PASSWORD, email: "x" });
  expect([answer.status, bodyOf(answer)]).toEqual([
    201,
    { ok: true, id: "org.couchdb.user:ann", token: "hf_secrett1" },
  ]);
  const revised = await here.send("PUT", `${USER}/-rev/3`, { name: "ann", password: PASSWORD });
  expect(revised.status).toBe(201);
});

test("a wrong password, another's name or none is no token", async () => {
  const login = (body: unknown) => kindOf(here.send("PUT", USER, body));
  expect(await login({ name: "ann", password: "wrong" })).toBe("unauthenticated");
  expect(await login({ name: "ben", password: PASSWORD })).toBe("badRequest");
  expect(await login({ name: "ann" })).toBe("badRequest");
  expect(await login([])).toBe("badRequest");
  expect(here.accounts.issued).toEqual([]);
});

test("a log-in in a browser is waited for, and never without a pause", async () => {
  const begun = bodyOf(await here.send("POST", "/-/v1/login", {}));
  expect(begun).toEqual({
    loginUrl: "http://here.example.test/-/login/abc",
    doneUrl: "http://here.example.test/npm/-/v1/done/hf_login1",
  });
  const waiting = await here.send("GET", "/-/v1/done/hf_login1");
  expect([waiting.status, Number(waiting.headers["retry-after"])]).toEqual([202, 2]);
  here.accounts.hasPlace = true;
  const held = await here.send("GET", "/-/v1/done/hf_login1");
  expect([held.status, held.headers["retry-after"]]).toEqual([202, undefined]);
  here.accounts.approved.add("hf_login1");
  expect(await get("/-/v1/done/hf_login1")).toEqual({ token: "hf_secrett1" });
  expect(await kindOf(here.send("GET", "/-/v1/done/hf_other"))).toBe("notFound");
});

test("the page to log in on is beside the repository; where that stands alone there is none", async () => {
  const begin = (base: string) =>
    serveAccount({ kind: "webLogin" }, request({ method: "POST", base }), here.repository);
  const below = bodyOf(await begin("https://example.test/holdfast/npm"));
  expect(below.loginUrl).toBe("https://example.test/holdfast/-/login/abc");
  expect(await kindOf(begin("http://example.test:4873"))).toBe("notFound");
});

test("who is there is told, with name and address of others", async () => {
  expect(await get("/-/whoami")).toEqual({ username: "ann" });
  expect(await get("/-/user/org.couchdb.user:ben")).toMatchObject({
    name: "ben",
    email: "ben@reef.example.test",
  });
  expect(await kindOf(here.send("GET", "/-/user/org.couchdb.user:eve"))).toBe("notFound");
});

test("to log out always ends well, whatever the token was", async () => {
  await here.send("PUT", USER, { name: "ann", password: PASSWORD });
  for (let times = 0; times < 2; times++)
    expect((await here.send("DELETE", "/-/user/token/hf_secrett1")).status).toBe(200);
  expect(here.accounts.issued).toEqual([]);
  here.accounts.revokeToken = async () => {
    throw new Problem("unauthenticated", "Nobody is logged in");
  };
  expect((await here.send("DELETE", "/-/user/token/hf_x")).status).toBe(200);
});

const whole = { repositories: null, packages: null };
const wishes: [client: string, body: object, scope: object][] = [
  ["npm 10", { readonly: false }, { ...whole, actions: null }],
  ["npm 10, reading", { readonly: true }, { ...whole, actions: ["read"] }],
  [
    "npm 12",
    {
      name: "ci",
      packages: ["@reef/six"],
      scopes: ["@reef", "kelp"],
      packages_and_scopes_permission: "read-write",
    },
    {
      repositories: null,
      packages: ["@reef/six", "@reef/*", "@kelp/*"],
      actions: ["publish", "unpublish"],
    },
  ],
  [
    "npm 12, reading",
    { name: "ci", scopes: ["@reef"], packages_and_scopes_permission: "read-only" },
    { repositories: null, packages: ["@reef/*"], actions: ["read"] },
  ],
  [
    "npm 12, of all",
    { name: "ci", packages_all: true, packages_and_scopes_permission: "read-only" },
    { ...whole, actions: ["read"] },
  ],
];
for (const [client, body, scope] of wishes)
  test(`a token is made as ${client} asks for one`, async () => {
    const answer = await here.send("POST", TOKENS, {
      password: PASSWORD,
      cidr_whitelist: ["10.0.0.0/8"],
      expires: 7,
      ...body,
    });
    expect(answer.status).toBe(201);
    expect(bodyOf(answer)).toMatchObject({
      token: "hf_secrett1",
      key: "t1",
      cidr_whitelist: ["10.0.0.0/8"],
    });
    expect(here.accounts.issued[0]).toMatchObject({
      scope,
      expiresAt: here.repository.clock + 7 * 86_400_000,
    });
  });

test("tokens are listed by a prefix and taken back by key or secret", async () => {
  await here.send("POST", TOKENS, { readonly: true });
  await here.send("POST", TOKENS, {});
  const { objects, urls } = await get(TOKENS);
  expect(objects.map((one: Record<string, unknown>) => [one.key, one.token, one.readonly])).toEqual(
    [
      ["t1", "hf_secret", true],
      ["t2", "hf_secret", false],
    ],
  );
  expect([urls, JSON.stringify(objects)]).toEqual([{}, expect.not.stringContaining("secrett")]);
  for (const token of ["t1", "hf_secrett2"])
    expect((await here.send("DELETE", `${TOKENS}/token/${token}`)).status).toBe(204);
  expect(await kindOf(here.send("DELETE", `${TOKENS}/token/t1`))).toBe("notFound");
});

test("a token is not made with a wrong password", async () => {
  expect(await kindOf(here.send("POST", TOKENS, { password: "wrong" }))).toBe("forbidden");
});

test("a profile is read and changed", async () => {
  expect(await get("/-/npm/v1/user")).toMatchObject({ name: "ann", fullname: "Ann", tfa: null });
  const changed = await here.send("POST", "/-/npm/v1/user", {
    fullname: "Ann B",
    email: null,
    homepage: "x",
  });
  expect(bodyOf(changed)).toMatchObject({ fullname: "Ann B", email: "ann@reef.example.test" });
  const password = { old: "wrong", new: "better" };
  expect(await kindOf(here.send("POST", "/-/npm/v1/user", { password }))).toBe("forbidden");
  const tfa = { password: PASSWORD, mode: "auth-only" };
  expect(await kindOf(here.send("POST", "/-/npm/v1/user", { tfa }))).toBe("forbidden");
  here.accounts.known = null;
  expect(await kindOf(here.send("GET", "/-/npm/v1/user"))).toBe("unauthenticated");
});

test("what a package's owners may, and what a user's packages are", async () => {
  await here.send("PUT", "/@reef%2fsix", publishDocument());
  expect(await get("/-/package/@reef%2fsix/collaborators?format=cli")).toEqual({
    ann: "write",
    ben: "read",
  });
  expect(await get("/-/user/ann/package")).toEqual({ "@reef/six": "write" });
  expect(await get("/-/user/ben/package")).toEqual({});
  expect(await get("/-/package/@reef%2fsix/visibility")).toEqual({ public: false });
});

test("access is said by grants: what asks for less is agreed to, what asks for more is not", async () => {
  const set = (body: object) => here.send("POST", "/-/package/@reef%2fsix/access", body);
  expect((await set({ access: "restricted" })).status).toBe(200);
  expect(await kindOf(set({ access: "public" }))).toBe("forbidden");
  expect((await set({ publish_requires_tfa: false })).status).toBe(200);
  await expect(set({ publish_requires_tfa: true })).rejects.toThrow("no second factor");
  await expect(set({})).rejects.toThrow("said by grants");
});

test("teams are listed", async () => {
  expect(await get("/-/org/reef/team?format=cli")).toEqual(["reef:web"]);
  expect(await get("/-/team/reef/web/user")).toEqual(["ann", "ben"]);
});

test("a CI job's token is exchanged for the package that it names", async () => {
  const path = "/-/npm/v1/oidc/token/exchange/package/@reef%2fsix";
  const answer = await here.send("POST", path, undefined, { authorization: "Bearer ey.J.x" });
  expect([answer.status, bodyOf(answer).token]).toEqual([201, "hf_secrett1"]);
  expect(here.accounts.exchanged).toEqual([
    ["ey.J.x", { repository: "npm", package: "@reef/six" }, ["npm:here.example.test"], "127.0.0.1"],
  ]);
});

test("what is not spoken here is not found, and said to be so", async () => {
  for (const [method, path] of [
    ["POST", "/-/stage/package/@reef%2fsix"],
    ["PUT", "/-/team/reef/web/user"],
    ["POST", "/-/npm/v1/hooks/hook"],
  ] as const) {
    const problem = await problemOf(here.send(method, path, {}));
    expect([problem.kind, problem.message]).toEqual([
      "notFound",
      expect.stringContaining("not a part of npm's protocol"),
    ]);
  }
});
