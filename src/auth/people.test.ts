import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Person } from "../core/identity.ts";
import { theServer } from "../core/principal.ts";
import { openTestAuth, type TestAuth } from "./testkit.ts";

let kit: TestAuth;
beforeEach(async () => {
  kit = await openTestAuth();
});
afterEach(() => kit.close());

const ann: Person = {
  issuer: "https://login.example.test",
  subject: "7",
  name: "ann",
  email: "ann@example.test",
  fullName: "Ann",
  groups: ["developers", "unheard of"],
};
const teams = { developers: "web", operators: "platform" };
const members = async () =>
  (
    await kit.database.read`SELECT team, user_name, source FROM team_members ORDER BY team, source`
  ).map((row) => [row.team, row.user_name, row.source]);

test("a person is one user for ever, whatever they are called later", async () => {
  expect((await kit.auth.admit(ann, teams)).name).toBe("ann");
  expect((await kit.auth.admit({ ...ann, name: "anna" }, teams)).name).toBe("ann");
  const other = kit.auth.admit({ ...ann, subject: "8" }, teams);
  await expect(other).rejects.toThrow("There is a user ann here already");
});

test("groups of a system are teams here, which leave what others gave alone", async () => {
  await kit.auth.admit({ ...ann, groups: null }, teams);
  expect(await members()).toEqual([]);
  await kit.auth.admin.addTeam(theServer, "platform");
  await kit.auth.admit(ann, teams);
  await kit.auth.admin.join(theServer, "platform", "ann");
  expect(await members()).toEqual([
    ["platform", "ann", ""],
    ["web", "ann", ann.issuer],
  ]);
  await kit.auth.admit({ ...ann, groups: ["operators"] }, teams);
  expect(await members()).toContainEqual(["platform", "ann", ""]);
  expect(await members()).not.toContainEqual(["web", "ann", ann.issuer]);
  await kit.auth.admit({ ...ann, groups: null }, teams);
  expect(await members()).toContainEqual(["platform", "ann", ""]);
});
