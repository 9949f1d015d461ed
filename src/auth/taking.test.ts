// What is taken away from people: said why, and never so that nobody is left who may everything.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { theServer } from "../core/principal.ts";
import type { Taking } from "./admin.ts";
import { readAudit } from "./audit.ts";
import { openTestAuth, type TestAuth, wish } from "./testkit.ts";

let kit: TestAuth;
let grant: string;
beforeEach(async () => {
  kit = await openTestAuth();
  const { admin } = kit.auth;
  for (const name of ["ann", "ben"])
    await admin.addUser(theServer, { name, password: "correct horse" });
  await admin.addTeam(theServer, "root");
  await admin.join(theServer, "root", "ann");
  const given = { holder: "team:root", repository: null, package: null };
  grant = await admin.grant(theServer, { ...given, actions: ["admin"] });
});
afterEach(() => kit.close());

const ways: [what: string, take: (how: Taking) => Promise<unknown>, told: string][] = [
  [
    "a user is removed",
    (how) => kit.auth.admin.removeUser(theServer, "ann", how),
    "ann is the only administrator",
  ],
  [
    "a user is disabled",
    (how) => kit.auth.admin.setDisabled(theServer, "ann", true, how),
    "ann is the only administrator",
  ],
  [
    "a member leaves a team",
    (how) => kit.auth.admin.leave(theServer, "root", "ann", how),
    "ann is the only administrator, by the team root",
  ],
  [
    "a team is removed",
    (how) => kit.auth.admin.removeTeam(theServer, "root", how),
    "All administrators are in the team root",
  ],
  [
    "a grant is taken back",
    (how) => kit.auth.admin.ungrant(theServer, grant, how),
    "Nobody else administers all, and team:root does by this",
  ],
];
for (const [what, take, told] of ways)
  test(`${what}: not where nobody would administer all, unless forced; and the reason is in the audit log`, async () => {
    const reason = "  they have left ";
    await expect(take({ reason })).rejects.toThrow(`${told}: make another one first, or force it`);
    const all = { holder: "user:ben", actions: ["admin" as const] };
    await kit.auth.admin.grant(theServer, { ...all, repository: null, package: null });
    await take({ reason });
    const [row] = await readAudit(kit.database.read, { limit: 1 });
    expect(row!.detail).toMatchObject({ reason: "they have left" });
  });

for (const [what, take] of ways)
  test(`${what}: forced, also where nobody is left who administers all`, async () => {
    await take({ isForced: true });
    const [row] = await readAudit(kit.database.read, { limit: 1 });
    expect(row!.detail).not.toHaveProperty("reason");
  });

test("a reason that no terminal could show, or no line hold, changes nothing", async () => {
  const { admin } = kit.auth;
  const { id } = await admin.issueToken(theServer, "ben", wish());
  for (const reason of ["a\u001b[2J", "x".repeat(501)])
    await expect(admin.revokeToken(theServer, id, { reason })).rejects.toThrow("500 characters");
  await admin.revokeToken(theServer, id, { reason: "lost on a train" });
  const [row] = await readAudit(kit.database.read, { action: "revoke token", limit: 1 });
  expect(row!.detail).toEqual({ id, owner: "ben", name: "laptop", reason: "lost on a train" });
  await admin.setPassword(theServer, "ben", null, { reason: "through the other system" });
  const [password] = await readAudit(kit.database.read, { action: "user", limit: 1 });
  expect(password!.detail).toMatchObject({ reason: "through the other system" });
});
