import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createSecrets, readSecret } from "./secrets.ts";

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = tempFolder("secrets");
  database = await openTestDatabase(join(folder, "holdfast.db"));
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

test("a secret is made once, and who only reads makes none", async () => {
  expect(await readSecret(database, "one")).toBeNull();
  const made = await createSecrets(database, Date.now)("one");
  expect(made).toHaveLength(32);
  expect(await createSecrets(database, Date.now)("one")).toEqual(made);
  expect(await readSecret(database, "one")).toEqual(made);
  expect(await readSecret(database, "two")).toBeNull();
});
