import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { theServer } from "../core/principal.ts";
import { createChanges } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { type Auth, openAuth } from "./room.ts";
import { findToken, forgetTokens, insertToken } from "./tokens.ts";

let root: string;
let database: Database;
let auth: Auth;
const NOW = Date.UTC(2026, 10, 26);

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-auth-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  const log = createLog("json", () => {});
  auth = await openAuth({ database, changes: createChanges(), log, now: () => NOW });
});
afterEach(async () => {
  await auth.audit.settled();
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const wish = {
  name: "laptop",
  scope: { repositories: null, packages: null, actions: null },
  cidrs: [],
  expiresAt: null,
};
const readAll = { actions: ["read" as const], repository: null, package: null };
const rows = async () => ({
  users: (await database.read`SELECT name FROM users ORDER BY name`).map(({ name }) => name),
  members: (
    await database.read`SELECT team, user_name FROM team_members ORDER BY team, user_name`
  ).map((row) => `${row.team}/${row.user_name}`),
  holders: (await database.read`SELECT holder FROM grants ORDER BY holder`).map(
    ({ holder }) => holder,
  ),
});

test("a user who is removed leaves no membership, no grant and no token that counts", async () => {
  for (const name of ["ann", "ben"]) {
    await auth.admin.addUser(theServer, { name, password: null });
    await auth.admin.grant(theServer, { holder: `user:${name}`, ...readAll });
  }
  await auth.admin.addTeam(theServer, "web");
  for (const name of ["ann", "ben"]) await auth.admin.join(theServer, "web", name);
  const [anns, bens] = await Promise.all(
    ["ann", "ben"].map((name) => auth.admin.issueToken(theServer, name, wish)),
  );
  await auth.admin.removeUser(theServer, "ann");
  expect(await rows()).toEqual({
    users: ["ben"],
    members: ["web/ben"],
    holders: ["user:ben"],
  });
  expect((await findToken(database.read, anns!.secret))?.revokedAt).toBe(NOW);
  expect((await findToken(database.read, bens!.secret))?.revokedAt).toBeNull();
});

test("who leaves a team is in it no more, and a team that is removed takes what it was given along", async () => {
  await auth.admin.addUser(theServer, { name: "ann", password: null });
  for (const team of ["web", "platform"]) {
    await auth.admin.addTeam(theServer, team);
    await auth.admin.join(theServer, team, "ann");
    await auth.admin.grant(theServer, { holder: `team:${team}`, ...readAll });
  }
  await auth.admin.leave(theServer, "web", "ann");
  expect((await rows()).members).toEqual(["platform/ann"]);
  await auth.admin.removeTeam(theServer, "platform");
  expect(await rows()).toEqual({ users: ["ann"], members: [], holders: ["team:web"] });
});

test("a password that was taken over from elsewhere is hashed our way when its user logs in", async () => {
  const hash = `{SHA}${createHash("sha1").update("correct horse").digest("base64")}`;
  await auth.admin.importUsers(theServer, [{ name: "ann", hash }]);
  await auth.logIns.check("ann", "correct horse", "10.0.0.1");
  const stored = async () => (await database.read`SELECT password FROM users`)[0].password;
  for (let turn = 0; (await stored()) === hash && turn < 1000; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5)); // nobody waits for it at the log-in
  expect(await stored()).toStartWith("$argon2id$");
});

test("tokens of jobs go when they are over for long; those of users stay", async () => {
  const over = { ...wish, expiresAt: NOW + 1 };
  await database.write(async (sql) => {
    await insertToken(sql, { kind: "job", name: "ci" }, over, NOW);
    await insertToken(sql, { kind: "job", name: "later" }, { ...over, expiresAt: NOW + 9 }, NOW);
    await insertToken(sql, { kind: "user", name: "ann" }, over, NOW);
    await forgetTokens(sql, NOW + 5);
  });
  const left = await database.read`SELECT owner FROM tokens ORDER BY owner`;
  expect(left.map(({ owner }) => owner)).toEqual(["ann", "later"]);
});
