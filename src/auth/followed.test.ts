// Who may read what, handed from a server to one that follows it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { noRules } from "../core/access.ts";
import { theServer } from "../core/principal.ts";
import { readAccess, stampOfAccess, takeAccess } from "./followed.ts";
import { ask, may, openTestAuth, type TestAuth, wish } from "./testkit.ts";

let there: TestAuth;
let here: TestAuth;
beforeEach(async () => {
  there = await openTestAuth();
  here = await openTestAuth();
});
afterEach(async () => {
  await there.close();
  await here.close();
});

const rules = { ...noRules, anonymous: [], teams: { web: ["ben"] } };
const stamp = () => stampOfAccess(there.database.read, there.auth.directory.current(), rules);
async function hand(): Promise<void> {
  const { auth, database, clock } = there;
  const given = await readAccess(database.read, auth.directory.current(), rules, clock);
  expect(JSON.stringify(given)).not.toContain("argon2");
  const { rules: _, ...access } = JSON.parse(JSON.stringify(given));
  await takeAccess(here.auth.directory, access, async () => {});
}

test("users, teams, grants and tokens hold there as they do here, and passwords stay where they are", async () => {
  const { admin } = there.auth;
  for (const name of ["ann", "ben", "cat"])
    await admin.addUser(theServer, { name, password: "correct horse", email: `${name}@x.test` });
  await admin.addTeam(theServer, "core");
  await admin.join(theServer, "core", "ann");
  await admin.grant(theServer, {
    holder: "team:core",
    actions: ["read"],
    repository: "npm",
    package: "@acme/*",
  });
  const ann = await admin.issueToken(theServer, "ann", wish());
  const ben = await admin.issueToken(theServer, "ben", wish());
  const cat = await admin.issueToken(theServer, "cat", wish());
  await admin.setDisabled(theServer, "cat", true);
  await admin.revokeToken(theServer, ben.id);
  await here.auth.admin.addUser(theServer, { name: "old", password: null });
  await hand();
  const gate = here.use(rules);
  const grant = async (token: { secret: string }) => ask(gate, `Bearer ${token.secret}`);
  expect(may(await grant(ann))).toEqual(["read"]);
  expect((await grant(ben)).fault).toContain("was revoked on");
  expect((await grant(cat)).fault).toContain("may do nothing here");
  const { users, teams } = here.auth.directory.current();
  expect([[...users.keys()], Object.fromEntries(teams)]).toEqual([
    ["ann", "ben", "cat"],
    { core: ["ann"] },
  ]);
  expect([...users.values()].map(({ password, email }) => [password, email])).toEqual([
    [null, ""],
    [null, ""],
    [null, ""],
  ]);
});

test("one that was ended long ago is told of no more", async () => {
  await there.auth.admin.addUser(theServer, { name: "ann", password: null });
  const token = await there.auth.admin.issueToken(theServer, "ann", wish());
  await there.auth.admin.revokeToken(theServer, token.id);
  there.clock += 40 * 86_400_000;
  await hand();
  const grant = await ask(here.use(rules), `Bearer ${token.secret}`);
  expect(grant.fault).toContain("not one of this server's");
});

test("the stamp is another one after each change, and the same without one", async () => {
  const { admin } = there.auth;
  const seen = [await stamp()];
  const changes: (() => Promise<unknown>)[] = [
    () => admin.addUser(theServer, { name: "ann", password: null }),
    () => admin.addTeam(theServer, "core"),
    () => admin.join(theServer, "core", "ann"),
    () => admin.issueToken(theServer, "ann", wish()),
    () => admin.issueToken(theServer, "ann", wish()),
    async () => {
      const token = await admin.issueToken(theServer, "ann", wish());
      await admin.revokeToken(theServer, token.id);
    },
    () => admin.setDisabled(theServer, "ann", true),
  ];
  for (const change of changes) {
    there.clock += 1000;
    await change();
    seen.push(await stamp());
    expect(await stamp()).toBe(seen.at(-1)!);
  }
  expect(new Set(seen).size).toBe(seen.length);
});

test("where accounts are another server's matter nothing of them is changed but by what it says", async () => {
  const closed = await openTestAuth("go elsewhere");
  try {
    const { admin, setup, accounts, directory } = closed.auth;
    expect(setup.code()).toBe(null);
    const grant = await ask(closed.use(), null);
    for (const refused of [
      () => admin.addUser(theServer, { name: "ann", password: null }),
      () => admin.addTeam(theServer, "core"),
      () => accounts(grant).logIn("ann", "x", wish(), ""),
      () => accounts(grant).beginLogin(wish(), "npm", ""),
    ])
      await expect(refused()).rejects.toThrow("go elsewhere");
    const access = { users: [], teams: {}, grants: [], tokens: [] };
    await takeAccess(directory, access, async () => {});
  } finally {
    await closed.close();
  }
});

test("while a gate is shut nobody is who they say, and others are let in as ever", async () => {
  const { admin } = there.auth;
  await admin.addUser(theServer, { name: "ann", password: null }, true);
  const token = await admin.issueToken(theServer, "ann", wish());
  let why: string | null = null;
  const gate = there.auth.use({ access: rules, spelling: () => undefined, shut: () => why });
  const grant = async () => ask(gate, `Bearer ${token.secret}`);
  expect(may(await grant())).toContain("admin");
  why = "the line is cut";
  expect([may(await grant()), (await grant()).fault]).toEqual([[], "the line is cut"]);
  why = null;
  expect(may(await grant())).toContain("admin");
  gate.close!();
});
