import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import type { AccessRules } from "../core/access.ts";
import type { TokenWish } from "../core/accounts.ts";
import { type Grant, permit } from "../core/grant.ts";
import { theServer } from "../core/principal.ts";
import type { Database } from "../store/database.ts";
import { readAudit } from "./audit.ts";
import type { Auth } from "./room.ts";
import { ask, basic, may, openTestAuth, type TestAuth, wish } from "./testkit.ts";

// Passwords cost a busy machine half a second each.
setDefaultTimeout(60_000);

let kit: TestAuth;
let auth: Auth;
let database: Database;

beforeEach(async () => {
  kit = await openTestAuth();
  ({ auth, database } = kit);
});
afterEach(() => kit.close());

const use = (rules?: Partial<AccessRules>) => kit.use(rules);
const everyRight = { actions: ["admin" as const], repository: null, package: null };

async function addAnn(): Promise<void> {
  await auth.admin.addUser(theServer, { name: "ann", password: "correct horse" });
  await auth.admin.grant(theServer, { holder: "user:ann", ...everyRight });
}

test("without accounts credentials are nobody's business; reading is open while only this machine can ask", async () => {
  const local = await ask(use(), "Bearer whatever");
  expect([may(local), local.fault]).toEqual([["read"], null]);
  expect(may(await ask(use({ isLocal: false }), "Bearer whatever"))).toEqual([]);
});

test("a password is looked at once a minute, and no more counts once it is another one", async () => {
  await addAnn();
  const gate = use({ anonymous: [] });
  const header = basic("Ann", "correct horse");
  const first = ask(gate, header);
  expect(first).toBeInstanceOf(Promise);
  expect(may(await first)).toEqual(["read", "publish", "unpublish", "admin"]);
  expect(ask(gate, header)).toBe(await first);
  expect(ask(gate, header, "10.0.0.2")).toBeInstanceOf(Promise);
  await auth.admin.setPassword(theServer, "ann", "another horse");
  const late = await ask(gate, header);
  expect([may(late), late.fault]).toEqual([[], "The name or the password is wrong"]);
});

test("a token works as Bearer, as password and as name, until it is revoked, and that holds at once", async () => {
  await addAnn();
  const gate = use({ anonymous: [] });
  const token = await auth.admin.issueToken(theServer, "ann", wish());
  const forms = [
    `Bearer ${token.secret}`,
    `bearer  ${token.secret} `,
    basic("anything", token.secret),
    basic("__token__", token.secret),
    basic(token.secret, ""),
    basic(token.secret, "x-oauth-basic"),
  ];
  for (const form of forms) expect(may(await ask(gate, form))).toContain("publish");
  expect((await ask(gate, forms[0]!)).principal).toMatchObject({
    kind: "user",
    name: "ann",
    token: { name: "laptop", isWhole: true },
  });
  await auth.admin.revokeToken(theServer, token.id);
  for (const form of forms) {
    const grant = await ask(gate, form);
    expect([may(grant), grant.fault]).toEqual([[], 'The token "laptop" was revoked on 2026-11-26']);
  }
});

test("what a caller may by now is said when all is known that other servers changed meanwhile", async () => {
  await addAnn();
  const token = await auth.admin.issueToken(theServer, "ann", wish());
  const grant = await ask(use({ anonymous: [] }), `Bearer ${token.secret}`);
  const known = Promise.withResolvers<number>();
  kit.behind = known.promise;
  const again = grant.again!();
  await auth.admin.revokeToken(theServer, token.id);
  known.resolve(1_000);
  expect(may(await again)).toEqual([]);
});

test("a token may never more than its scope, its owner, its time and its networks say", async () => {
  await addAnn();
  const gate = use({ anonymous: [] });
  const make = async (more: Partial<TokenWish>) =>
    `Bearer ${(await auth.admin.issueToken(theServer, "ann", wish(more))).secret}`;
  const scope = { repositories: ["npm"], packages: ["@acme/*"], actions: ["read" as const] };
  const reading = await ask(gate, await make({ scope }));
  expect(may(reading)).toEqual(["read"]);
  expect(reading.may("npm", "read", "@other/app")).toBe(false);
  expect(reading.may("pypi", "read", "@acme/app")).toBe(false);
  expect(reading.may("npm", "read", null)).toBe(true);
  const network = await make({ cidrs: ["10.1.0.0/16", "2001:db8::/32"] });
  expect((await ask(gate, network)).fault).toContain("may not be used from 10.0.0.1");
  expect(may(await ask(gate, network, "10.1.2.3"))).toContain("read");
  expect(may(await ask(gate, network, "2001:db8::7"))).toContain("read");
  const short = await make({ expiresAt: kit.clock + 30_000 });
  expect(may(await ask(gate, short))).toContain("read");
  kit.clock += 30_000;
  expect((await ask(gate, short)).fault).toContain("expired");
  const whole = await make({});
  await auth.admin.setDisabled(theServer, "ann", true, { isForced: true });
  expect((await ask(gate, whole)).fault).toContain("may do nothing here");
});

test("grants of users, teams, everyone and the configuration add up; names are spelled as the format spells them", async () => {
  for (const name of ["ann", "ben"])
    await auth.admin.addUser(theServer, { name, password: "correct horse" });
  await auth.admin.addTeam(theServer, "web");
  await auth.admin.join(theServer, "web", "ben");
  const gate = use({
    anonymous: [],
    teams: { platform: ["ann"] },
    grants: [
      { holder: "everyone", actions: ["read"], repositories: ["npm"], packages: null, source: "" },
      {
        holder: "team:platform",
        actions: ["publish"],
        repositories: null,
        packages: ["Acme_*"],
        source: "",
      },
    ],
  });
  const ann = await ask(gate, basic("ann", "correct horse"));
  const ben = await ask(gate, basic("ben", "correct horse"));
  expect(ann.may("pypi", "publish", "acme-tools")).toBe(true);
  expect(ann.may("pypi", "read", "other")).toBe(false);
  expect(ann.may("pypi", "unpublish", "acme-tools")).toBe(false);
  expect(ben.may("npm", "read", "x")).toBe(true);
  expect(ben.may("pypi", "read", null)).toBe(false);
  const id = await auth.admin.grant(theServer, {
    holder: "team:web",
    actions: ["unpublish"],
    repository: "pypi",
    package: "site",
  });
  const again = await ask(gate, basic("ben", "correct horse"));
  expect(again.audience).not.toBe(ben.audience);
  expect(again.may("pypi", "unpublish", "site")).toBe(true);
  expect(again.may("pypi", "unpublish", "sites")).toBe(false);
  await auth.admin.ungrant(theServer, id);
  expect((await ask(gate, basic("ben", "correct horse"))).may("pypi", "read", "site")).toBe(false);
});

test("what is no credential of ours is refused, and says why; guessing is slowed for who guesses", async () => {
  await addAnn();
  const gate = use();
  for (const [header, fault] of [
    ["Digest x", "neither Basic nor Bearer"],
    ["Bearer hf_nonsense", "not one of this server's"],
    [`Bearer hf_${"0".repeat(49)}`, "not one of this server's"],
    [basic("nobody", "x"), "The name or the password is wrong"],
    [basic("ann", ""), "The name or the password is wrong"],
    ["Basic !!!", "The name or the password is wrong"],
    [`Basic ${"a".repeat(5000)}`, "too long"],
  ]) {
    const grant = await ask(gate, header!);
    expect([may(grant), grant.fault]).toEqual([[], expect.stringContaining(fault!)]);
  }
  for (let time = 0; time < 4; time += 1) await ask(gate, basic("ann", `guess ${time}`), "6.6.6.6");
  const slowed = await ask(gate, basic("ann", "correct horse"), "6.6.6.6");
  expect(slowed.cause?.kind).toBe("tooMany");
  expect(may(await ask(gate, basic("ann", "correct horse")))).toContain("admin");
  kit.clock += 61_000;
  expect(may(await ask(gate, basic("ann", "correct horse"), "6.6.6.6"))).toContain("admin");
});

test("a token of another server takes nothing from what anonymous callers may, and is told where that is not enough", async () => {
  await addAnn();
  const grants = { holder: "anonymous", actions: ["read" as const], packages: null, source: "" };
  const gate = use({ anonymous: [{ ...grants, repositories: ["npm"] }] });
  const nobody = await ask(gate, null);
  const foreign = await ask(gate, "Bearer eyJ.a.b");
  expect([may(foreign), foreign.fault]).toEqual([["read"], expect.stringContaining("hf_")]);
  expect(foreign.may("pypi", "read", "x")).toBe(false);
  expect(() => permit(foreign, "npm", "publish", "x")).toThrow("not one of this server's");
  // Nobody else is told of it.
  expect(foreign.audience).not.toBe(nobody.audience);
  expect(foreign.audience).not.toBe((await ask(gate, "Bearer hf_nonsense")).audience);
  expect(await ask(gate, "Bearer eyJ.a.b")).toBe(foreign);
  expect(may(await ask(use({ anonymous: [] }), "Bearer eyJ.a.b"))).toEqual([]);
});

test("the audit log has every change, and what failed, and no secret", async () => {
  await addAnn();
  const gate = use();
  const token = await auth.admin.issueToken(theServer, "ann", wish());
  await ask(gate, basic("ann", "guess"));
  await auth.audit.settled();
  const rows = await readAudit(database.read, { limit: 10 });
  expect(rows.map(({ action }) => action)).toEqual(["log in failed", "token", "grant", "user"]);
  expect(rows[0]).toMatchObject({ address: "10.0.0.1", detail: { name: "ann" } });
  const about = async (asked: object) =>
    (await readAudit(database.read, { limit: 10, ...asked })).map(({ action }) => action);
  expect(await about({ principal: "ann" })).toEqual(["log in failed"]);
  expect(await about({ principal: "an_" })).toEqual([]);
  const own = auth.accounts(await ask(gate, `Bearer ${token.secret}`));
  await own.issueToken(wish({ name: "second" }));
  await auth.admin.revokeToken(theServer, token.id);
  await ask(gate, `Bearer ${token.secret}`, "10.0.0.7");
  await auth.audit.settled();
  expect(await about({ principal: "ann" })).toEqual(["log in failed", "token", "log in failed"]);
  for (const named of [token.id, "laptop"])
    expect(await readAudit(database.read, { limit: 10, token: named })).toEqual([
      expect.objectContaining({ action: "token", token: token.id, tokenName: "laptop" }),
    ]);
  expect(JSON.stringify(rows)).not.toMatch(new RegExp(`${token.secret}|correct horse|guess`));
  await expect(database.write((sql) => sql`DELETE FROM audit`)).rejects.toThrow("final");
});

test("the first administrator is whoever knows the code, once", async () => {
  const code = auth.setup.code()!;
  await expect(auth.setup.claim("WRONG", "ann", "correct horse", "")).rejects.toThrow("code");
  await auth.setup.claim(code.toLowerCase(), "ann", "correct horse", "10.0.0.1");
  expect(auth.setup.code()).toBeNull();
  await expect(auth.setup.claim(code, "ben", "correct horse", "")).rejects.toThrow("already");
  expect(may(await ask(use({ anonymous: [] }), basic("ann", "correct horse")))).toContain("admin");
});

test("a client's log-in that a person approves gives one token, to who polls alone", async () => {
  await addAnn();
  use();
  const anyone = auth.accounts((await ask(use(), null)) as Grant);
  const { id, page } = await anyone.beginLogin(wish({ name: "npm" }), "npm/12", "10.0.0.9");
  expect(await anyone.endLogin(id)).toBeNull();
  const key = page.split("/").at(-1)!;
  expect(await auth.pending.find(key)).toMatchObject({ client: "npm/12", address: "10.0.0.9" });
  await expect(anyone.endLogin(key)).rejects.toThrow("begin again");
  const [replaced, held] = [anyone.awaitLogin(id), anyone.awaitLogin(id)];
  expect(await replaced).toBe(false);
  expect(await auth.pending.decide(key, "ann", true)).toBe(true);
  expect(await held).toBe(true);
  expect(await auth.pending.decide(key, "ann", false)).toBe(false);
  const token = await anyone.endLogin(id);
  expect(may(await ask(use(), `Bearer ${token!.secret}`))).toContain("admin");
  await expect(anyone.endLogin(id)).rejects.toThrow("begin again");
  const other = await anyone.beginLogin(wish(), "npm/12", "");
  await auth.pending.decide(other.page.split("/").at(-1)!, "ann", false);
  await expect(anyone.endLogin(other.id)).rejects.toThrow("refused");
});

test("who is logged in has tokens and a profile; a token for a part makes none for more", async () => {
  await addAnn();
  const gate = use();
  const ann = auth.accounts(await ask(gate, basic("ann", "correct horse")));
  const part = await ann.issueToken(
    wish({ scope: { repositories: null, packages: null, actions: ["read"] } }),
  );
  const own = auth.accounts(await ask(gate, `Bearer ${part.secret}`));
  await expect(own.issueToken(wish())).rejects.toThrow("cannot make a token");
  await expect(own.changeProfile({ email: "x" })).rejects.toThrow("cannot change");
  expect((await own.profile())?.name).toBe("ann");
  await expect(ann.issueToken(wish(), "wrong")).rejects.toThrow("wrong");
  await ann.changeProfile({
    email: "ann@example.com",
    password: { old: "correct horse", new: "battery staple" },
  });
  expect(await ann.user("ANN")).toEqual({ name: "ann", email: "ann@example.com" });
  expect((await ann.tokens()).map(({ name }) => name)).toEqual(["laptop"]);
  const anyone = auth.accounts((await ask(gate, null)) as Grant);
  expect(await anyone.profile()).toBeNull();
  await expect(anyone.tokens()).rejects.toThrow("Nobody is logged in");
  expect(await anyone.revokeToken(part.secret)).toBe(true);
  expect(await ann.revokeToken("nothing")).toBe(false);
});
