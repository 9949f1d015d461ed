import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { nobody } from "../core/principal.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createRefused } from "./refused.ts";
import { countTold, pageOfTold, type ToldHolding } from "./withheld.ts";

let root: string;
let database: Database;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-refused-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  for (const [at, name, verdict, rule] of [
    [1, "kelp", "hold", "cooldown"],
    [2, "wrack", "block", "malware"],
    [2, "dulse", "hold", "cooldown"],
  ] as const)
    await database.write(
      (
        sql,
      ) => sql`INSERT INTO withheld_told (repository, package, version, verdict, rule, ends_at, told_at)
        VALUES ('npm', ${name}, '1.0.0', ${verdict}, ${rule}, ${verdict === "hold" ? 9 : null}, ${at})`,
    );
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const page = (asked: object) =>
  pageOfTold(database.read, { repositories: ["npm"], before: null, limit: 10, ...asked });
const names = (rows: readonly ToldHolding[]) => rows.map((row) => row.package);

test("what is withheld is listed the newest first, by rule, verdict and package, in pages", async () => {
  const all = await page({});
  expect(names(all)).toEqual(["wrack", "dulse", "kelp"]);
  expect(all[2]).toMatchObject({ verdict: "hold", rule: "cooldown", endsAt: 9, asked: null });
  expect(names(await page({ rule: "cooldown" }))).toEqual(["dulse", "kelp"]);
  expect(names(await page({ verdict: "block" }))).toEqual(["wrack"]);
  expect(names(await page({ package: "kelp" }))).toEqual(["kelp"]);
  expect(names(await page({ repositories: ["pypi"] }))).toEqual([]);
  expect(names(await page({ before: all[0] }))).toEqual(["dulse", "kelp"]);
  expect(names(await page({ before: all[1], limit: 1 }))).toEqual(["kelp"]);
  expect(await countTold(database.read)).toEqual([
    { rule: "cooldown", verdict: "hold", count: 2 },
    { rule: "malware", verdict: "block", count: 1 },
  ]);
});

test("who was refused it last stands beside it, and what is not told of is no trouble", async () => {
  let now = 5;
  const refused = createRefused(
    database,
    createLog("json", () => {}),
    () => now,
  );
  const kelp = { package: "kelp", version: "1.0.0" };
  refused.note(nobody, "10.0.0.1", "npm", kelp);
  now = 6;
  const token = { id: "t", name: "ci", isWhole: true };
  refused.note({ kind: "user", name: "ann", token, address: "" }, "10.0.0.2", "npm", kelp);
  refused.note(nobody, "10.0.0.1", "npm", { package: "none", version: "1" });
  await refused.settled();
  expect((await page({ package: "kelp" }))[0]!.asked).toEqual({
    at: 6,
    by: "ann (token ci)",
    from: "10.0.0.2",
  });
});
