import { afterEach, beforeEach, expect, test } from "bun:test";
import { theServer } from "../core/principal.ts";
import { readAudit } from "./audit.ts";
import { ask, basic, may, openTestAuth, type TestAuth, wish } from "./testkit.ts";

const DAY = 86_400_000;

let kit: TestAuth;
beforeEach(async () => {
  kit = await openTestAuth();
  await kit.auth.admin.addUser(theServer, { name: "ann", password: "correct horse" }, true);
  await kit.auth.admin.addUser(theServer, { name: "ben", password: null });
});
afterEach(() => kit.close());

async function invite(days = 3): Promise<string> {
  const { path } = await kit.auth.admin.invite(theServer, "BEN", days * DAY);
  expect(path).toMatch(/^\/-\/invitation\?code=hf_invite_[\w-]{43}$/);
  return path.split("=")[1]!;
}
const use = (code: string, password = "battery staple") =>
  kit.auth.invitations.use(code, password, "10.0.0.9");
const letIn = async (password: string) => {
  const gate = kit.use({ grants: [] });
  return Promise.resolve(ask(gate, basic("ben", password))).then(
    ({ principal }) => principal.name,
    ({ message }) => message,
  );
};

test("a link sets the password of its user, once, and only its hash is stored", async () => {
  const code = await invite();
  expect(await kit.auth.invitations.find(code)).toEqual({
    user: "ben",
    createdAt: kit.clock,
    createdBy: "the server",
    until: kit.clock + 3 * DAY,
  });
  const stored = JSON.stringify(await kit.database.read`SELECT * FROM invitations`);
  expect(stored).not.toContain(code);
  await expect(use(code, "short")).rejects.toThrow("8 to 1024 characters");
  expect(await use(code)).toBe("ben");
  expect(await letIn("battery staple")).toBe("ben");
  await expect(use(code, "another one")).rejects.toThrow("This link was used, is over, or another");
  expect(await kit.auth.invitations.of("ben")).toBeNull();
  const rows = await readAudit(kit.database.read, { action: "user", limit: 2 });
  expect(rows.map(({ principal, address, detail }) => [principal, address, detail])).toEqual([
    ["ben", "10.0.0.9", { what: "password", name: "ben", invitedBy: "the server" }],
    ["the server", "", { what: "invite", name: "ben", until: "2026-11-29T00:00:00.000Z" }],
  ]);
  expect(JSON.stringify(rows)).not.toContain(code);
});

test("two who use one link at a time set one password", async () => {
  const code = await invite();
  const told = await Promise.allSettled([use(code, "the first one"), use(code, "the other one")]);
  expect(told.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

const endings: [what: string, end: () => Promise<unknown>][] = [
  ["time", async () => Object.assign(kit, { clock: kit.clock + 3 * DAY })],
  ["another link", () => invite()],
  ["whoever made it", () => kit.auth.admin.uninvite(theServer, "ben", { reason: "a mistake" })],
  ["another password", () => kit.auth.admin.setPassword(theServer, "ben", "from elsewhere")],
  ["that its user may do nothing", () => kit.auth.admin.setDisabled(theServer, "ben", true)],
  ["the end of its user", () => kit.auth.admin.removeUser(theServer, "ben")],
];
for (const [what, end] of endings)
  test(`a link is ended by ${what}`, async () => {
    const code = await invite();
    await end();
    expect(await kit.auth.invitations.find(code)).toBeNull();
    await expect(use(code)).rejects.toThrow("This link was used, is over, or another");
  });

test("what is no link leads nowhere, and nobody is invited who is not there or may do nothing", async () => {
  for (const code of ["", "x", "hf_invite_", "hf_invite_\u0000", "a".repeat(10_000)])
    await expect(use(code)).rejects.toThrow("This link was used, is over, or another");
  const { admin } = kit.auth;
  await expect(admin.invite(theServer, "nobody", DAY)).rejects.toThrow("There is no user nobody");
  await admin.setDisabled(theServer, "ben", true);
  await expect(admin.invite(theServer, "ben", DAY)).rejects.toThrow("let them in again first");
  expect(await admin.uninvite(theServer, "ben")).toBe(false);
});

test("a token for a part of what its user may makes no link", async () => {
  const part = wish({ scope: { repositories: null, packages: null, actions: ["admin"] } });
  const { secret } = await kit.auth.admin.issueToken(theServer, "ann", part);
  const grant = await ask(kit.use(), `Bearer ${secret}`);
  expect(may(grant)).toContain("admin");
  await expect(kit.auth.admin.invite(grant.principal, "ben", DAY)).rejects.toThrow(
    "cannot invite anybody",
  );
});
