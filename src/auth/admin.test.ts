import { afterEach, beforeEach, expect, test } from "bun:test";
import { noRules } from "../core/access.ts";
import { addressTest } from "../core/address.ts";
import { theServer } from "../core/principal.ts";
import { readNames, unknownNames } from "./existing.ts";
import { ask, basic, may, openTestAuth, type TestAuth, wish } from "./testkit.ts";

let kit: TestAuth;
beforeEach(async () => {
  kit = await openTestAuth();
});
afterEach(() => kit.close());

const add = (name: string) =>
  kit.auth.admin.addUser(theServer, { name, password: "correct horse" }, true);
const person = {
  issuer: "https://login.example.com",
  subject: "7",
  name: "ann",
  email: "",
  fullName: "",
  groups: null,
};

test("a name that is given again is somebody else's: nothing of who had it before leads to it", async () => {
  await kit.auth.admit(person, {});
  const { id, page } = await kit.auth.pending.begin(wish(), "npm", "");
  await kit.auth.pending.decide(page.split("/").at(-1)!, "ann", true);
  const token = await kit.auth.admin.issueToken(theServer, "ann", wish());
  const cookie = await kit.auth.sessions.begin("ann", {
    origin: "http://x",
    address: "",
    header: () => null,
  });
  await kit.auth.admin.removeUser(theServer, "ann");
  await add("ann");
  const gate = kit.use({ anonymous: [] });
  expect(may(await ask(gate, `Bearer ${token.secret}`))).toEqual([]);
  const page2 = {
    method: "GET",
    path: "/",
    origin: "http://x",
    address: "",
    header: (name: string) => (name === "cookie" ? cookie.split(";")[0]! : null),
  };
  expect(await kit.auth.sessions.find(page2)).toBeNull();
  const anyone = kit.auth.accounts(await ask(gate, null));
  await expect(anyone.endLogin(id)).rejects.toThrow("begin again");
  await expect(kit.auth.admit(person, {})).rejects.toThrow("There is a user ann here already");
});

test("who was removed and comes again by the other system is new here", async () => {
  await kit.auth.admit(person, {});
  await kit.auth.admin.removeUser(theServer, "ann");
  expect((await kit.auth.admit(person, {})).name).toBe("ann");
});

test("a log-in that was approved by who may do nothing any more gives no token", async () => {
  await add("ann");
  const { id, page } = await kit.auth.pending.begin(wish(), "npm", "");
  await kit.auth.pending.decide(page.split("/").at(-1)!, "ann", true);
  await kit.auth.admin.setDisabled(theServer, "ann", true, { isForced: true });
  const anyone = kit.auth.accounts(await ask(kit.use(), null));
  await expect(anyone.endLogin(id)).rejects.toThrow("may do nothing");
});

test("another password ends sessions in browsers", async () => {
  await add("ann");
  const cookie = await kit.auth.sessions.begin("ann", {
    origin: "http://x",
    address: "",
    header: () => null,
  });
  const request = {
    method: "GET",
    path: "/",
    origin: "http://x",
    address: "",
    header: (name: string) => (name === "cookie" ? cookie.split(";")[0]! : null),
  };
  expect((await kit.auth.sessions.find(request))?.name).toBe("ann");
  await kit.auth.admin.setPassword(theServer, "ann", "another horse");
  expect(await kit.auth.sessions.find(request)).toBeNull();
});

test("a token for a part ends itself, and no other of its owner", async () => {
  await add("ann");
  const other = await kit.auth.admin.issueToken(theServer, "ann", wish());
  const scope = { repositories: null, packages: null, actions: ["read" as const] };
  const part = await kit.auth.admin.issueToken(theServer, "ann", wish({ scope }));
  const own = kit.auth.accounts(await ask(kit.use({ anonymous: [] }), `Bearer ${part.secret}`));
  await expect(own.revokeToken(other.id)).rejects.toThrow("cannot end another one");
  expect(await own.revokeToken(part.id)).toBe(true);
});

test("grants are for who is meant, however the name was typed", async () => {
  await kit.auth.admin.addUser(theServer, { name: "ben", password: "correct horse" });
  const every = { actions: ["read" as const], repository: null, package: null };
  await kit.auth.admin.grant(theServer, { holder: "user:Ben", ...every });
  expect(may(await ask(kit.use({ anonymous: [] }), basic("ben", "correct horse")))).toEqual([
    "read",
  ]);
});

test("what is no address range is none, and never a range of everything", async () => {
  await add("ann");
  for (const range of [
    "10.0.0.0/",
    "10.0.0.0/x",
    "10.0.0.0/-1",
    "10.0.0.0/33",
    "10.0.0.0/8/8",
    "10.0.0.0/1e1",
    "::/129",
    "everywhere",
    "",
  ]) {
    expect(() => addressTest([range])).toThrow("Not an IP address");
    const issued = kit.auth.admin.issueToken(theServer, "ann", wish({ cidrs: [range] }));
    await expect(issued).rejects.toThrow("is no IP address or range");
  }
  for (const range of ["0.0.0.0/0", "::/0", "10.0.0.7", "2001:db8::/32"])
    expect(() => addressTest([range])).not.toThrow();
});

test("a password that would be taken for a token is refused", async () => {
  const user = { name: "ann", password: "hf_my very own password" };
  await expect(kit.auth.admin.addUser(theServer, user)).rejects.toThrow("hf_");
});

test("wrong codes do not take the right one away", async () => {
  const code = kit.auth.setup.code()!;
  for (let time = 0; time < 50; time += 1)
    await expect(kit.auth.setup.claim("WRONG", "eve", "correct horse", "")).rejects.toThrow("code");
  await kit.auth.setup.claim(code, "ann", "correct horse", "10.0.0.1");
  expect(kit.auth.setup.code()).toBeNull();
});

test("the last one who may everything is not removed by accident", async () => {
  await add("ann");
  const { admin } = kit.auth;
  await expect(admin.removeUser(theServer, "ann")).rejects.toThrow("the only administrator");
  await add("ben");
  await admin.removeUser(theServer, "ann");
  await expect(admin.removeUser(theServer, "ben")).rejects.toThrow("the only administrator");
  await admin.removeUser(theServer, "ben", { isForced: true });
});

test("what is for nobody who is there is not given", async () => {
  await add("ann");
  const { admin } = kit.auth;
  const { auth } = kit;
  kit.use({ teams: { platform: ["ann", "bne"] }, grants: [] });
  const given = { actions: ["read" as const], repository: null, package: null };
  await admin.grant(theServer, { holder: "team:platform", ...given });
  await expect(admin.grant(theServer, { holder: "team:paltform", ...given })).rejects.toThrow(
    "There is no team paltform; there are: platform",
  );
  const scope = { repositories: ["npm", "nmp"], packages: null, actions: null };
  auth.use({ access: noRules, spelling: () => undefined, repositories: ["npm"] }).close!();
  await expect(admin.issueToken(theServer, "ann", wish({ scope }))).rejects.toThrow(
    "There is no repository nmp; there are: npm",
  );
  await expect(
    admin.grant(theServer, { holder: "user:ann", ...given, repository: "nmp" }),
  ).rejects.toThrow("There is no repository nmp");
  await expect(
    admin.grant(theServer, { holder: "user:ann", ...given, package: "@acme/ *" }),
  ).rejects.toThrow("is no pattern of names");
  await expect(admin.setProfile(theServer, "ann", { email: "ann at home" })).rejects.toThrow(
    "is no mail address",
  );
  await admin.setProfile(theServer, "ann", { email: "" });
});

test("who is there is read beside a server as well", async () => {
  await add("ann");
  await kit.auth.admin.addTeam(theServer, "web");
  const { users, teams } = await readNames(kit.database.read);
  expect([[...users], [...teams]]).toEqual([["ann"], ["web"]]);
});

test("whom the configuration names and nobody knows is told", () => {
  const grant = { actions: ["read" as const], repositories: null, packages: null };
  const told = unknownNames(new Set(["ann"]), new Set(["web"]), {
    ...noRules,
    teams: { platform: ["ann", "bne"] },
    grants: [
      { ...grant, holder: "team:web", source: "one" },
      { ...grant, holder: "team:platform", source: "two" },
      { ...grant, holder: "team:wbe", source: "three" },
      { ...grant, holder: "user:ann", source: "four" },
      { ...grant, holder: "user:cy", source: "five" },
      { ...grant, holder: "everyone", source: "six" },
    ],
  });
  expect(told).toEqual([
    "three is for the team wbe, which is not there: neither in access.teams nor made by a command",
    "five is for the user cy, whom nobody here knows (yet)",
    "access.teams.platform has bne, whom nobody here knows (yet)",
  ]);
});
