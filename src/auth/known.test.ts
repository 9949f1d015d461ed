import { afterEach, beforeEach, expect, test } from "bun:test";
import { theServer } from "../core/principal.ts";
import { readAudit } from "./audit.ts";
import { createKnown } from "./known.ts";
import { ask, basic, may, openTestAuth, type TestAuth, wish } from "./testkit.ts";

let kit: TestAuth;
beforeEach(async () => {
  kit = await openTestAuth();
  await kit.auth.admin.addUser(theServer, { name: "ann", password: "correct horse" }, true);
});
afterEach(() => kit.close());

const right = basic("ann", "correct horse");
const failures = async () => {
  await kit.auth.audit.settled();
  return readAudit(kit.database.read, { limit: 100, action: "log in failed" });
};

test("ten requests at once with one password are one look at it", async () => {
  const gate = kit.use({ anonymous: [] });
  const grants = Array.from({ length: 10 }, () => ask(gate, right));
  for (const grant of grants) expect(grant).toBe(grants[0]!);
  expect(may(await grants[0]!)).toContain("admin");
});

test("tokens that come and go are nothing to who gave a password or another token, nor to anonymous callers", async () => {
  await kit.auth.admin.issueToken(theServer, "ann", wish());
  const gate = kit.use();
  const anonymous = ask(gate, null);
  const [one, other] = [
    await kit.auth.admin.issueToken(theServer, "ann", wish()),
    await kit.auth.admin.issueToken(theServer, "ann", wish()),
  ];
  const known = await Promise.all([ask(gate, right), ask(gate, `Bearer ${one.secret}`)]);
  await ask(gate, `Bearer ${other.secret}`);
  await kit.auth.admin.issueToken(theServer, "ann", wish());
  await kit.auth.admin.revokeToken(theServer, other.id);
  expect([ask(gate, right), ask(gate, `Bearer ${one.secret}`)]).toEqual(known);
  expect(ask(gate, null)).toBe(anonymous);
  expect((await ask(gate, `Bearer ${other.secret}`)).fault).toContain("was revoked");
  await kit.auth.admin.addUser(theServer, { name: "ben", password: null });
  expect(ask(gate, null)).toBe(anonymous);
});

test("anonymous callers whose grants changed get nothing that was kept for them before", async () => {
  const gate = kit.use({ anonymous: [] });
  const before = ask(gate, null);
  const every = { repository: null, package: null };
  const id = await kit.auth.admin.grant(theServer, {
    holder: "anonymous",
    actions: ["read"],
    ...every,
  });
  const open = await ask(gate, null);
  expect([may(await before), may(open)]).toEqual([[], ["read"]]);
  await kit.auth.admin.ungrant(theServer, id);
  const after = await ask(gate, null);
  expect(may(after)).toEqual([]);
  expect(new Set([(await before).audience, open.audience, after.audience]).size).toBe(3);
});

test("a token that is revoked while it is looked up is not remembered as good", async () => {
  const token = await kit.auth.admin.issueToken(theServer, "ann", wish());
  const gate = kit.use({ anonymous: [] });
  const early = ask(gate, `Bearer ${token.secret}`);
  await kit.auth.admin.revokeToken(theServer, token.id);
  await early;
  expect((await ask(gate, `Bearer ${token.secret}`)).fault).toContain("was revoked");
});

test("the same wrong password again and again is one guess", async () => {
  const gate = kit.use({ anonymous: [] });
  for (let time = 0; time < 50; time += 1)
    expect((await ask(gate, basic("ann", "of last year"))).fault).toContain("is wrong");
  expect(await failures()).toHaveLength(1);
  expect(may(await ask(gate, right))).toContain("admin");
});

test("who was right before is not slowed by who guesses beside them", async () => {
  const gate = kit.use({ anonymous: [] });
  await ask(gate, right);
  for (let guess = 0; guess < 8; guess += 1) await ask(gate, basic("ann", `guess ${guess}`));
  kit.clock += 61_000;
  for (let guess = 0; guess < 8; guess += 1) await ask(gate, basic("ann", `more ${guess}`));
  expect((await ask(gate, basic("ann", "another"))).cause).toMatchObject({ kind: "tooMany" });
  expect(may(await ask(gate, right))).toContain("admin");
  await kit.auth.admin.setPassword(theServer, "ann", "another horse");
  expect((await ask(gate, right)).fault).not.toBeNull();
});

test("what a token may not be used for is told to the audit log, and its secret is not", async () => {
  const token = await kit.auth.admin.issueToken(
    theServer,
    "ann",
    wish({ cidrs: ["192.0.2.0/24"] }),
  );
  const gate = kit.use({ anonymous: [] });
  for (let time = 0; time < 3; time += 1) await ask(gate, `Bearer ${token.secret}`);
  const rows = await failures();
  expect(rows.map(({ address, detail }) => [address, detail])).toEqual([
    [
      "10.0.0.1",
      {
        token: token.id,
        name: "laptop",
        owner: "ann",
        why: 'The token "laptop" may not be used from 10.0.0.1',
      },
    ],
  ]);
});

test("a token for a part may what anonymous callers may, and no more beside its part", async () => {
  const scope = { repositories: ["npm"], packages: null, actions: ["publish" as const] };
  const { secret } = await kit.auth.admin.issueToken(theServer, "ann", wish({ scope }));
  const open = await ask(kit.use(), `Bearer ${secret}`);
  expect([open.may("pypi", "read", "x"), open.may("pypi", "publish", "x")]).toEqual([true, false]);
  const closed = await ask(kit.use({ anonymous: [] }), `Bearer ${secret}`);
  expect([closed.may("pypi", "read", "x"), closed.may("npm", "publish", "x")]).toEqual([
    false,
    true,
  ]);
});

test("no password is kept as it came", async () => {
  const known = createKnown(() => 0);
  const grant = await ask(kit.use({ anonymous: [] }), null);
  known.remember("Basic one", "10.0.0.1", true, { grant, until: 1 });
  expect(known.find("Basic one", "10.0.0.1")).toBe(grant);
  expect(known.find("Basic one", "10.0.0.2")).toBeUndefined();
  expect(known.find("Basic two", "10.0.0.1")).toBeUndefined();
  known.prove("Basic one", "stored");
  expect(known.isProven("Basic one", "stored")).toBe(true);
  expect(known.isProven("Basic one", "changed")).toBe(false);
  known.forget();
  expect(known.find("Basic one", "10.0.0.1")).toBeUndefined();
});
