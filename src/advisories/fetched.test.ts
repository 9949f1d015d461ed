import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { nobody } from "../core/principal.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { type FetchQuestion, markOf, searchFetches } from "./fetched.ts";
import { createFetches } from "./fetches.ts";

const DAY = 86_400_000;
let root: string;
let database: Database;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-fetched-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  let now = 0;
  const fetches = createFetches(
    database,
    createLog("json", () => {}),
    () => now,
  );
  const ann = { kind: "user", name: "ann", token: null, address: "" } as const;
  const kelp = { package: "kelp", version: "1.0.0" };
  for (let day = 1; day <= 3; day += 1) {
    now = day * DAY + 5;
    fetches.note(ann, "10.0.0.1", "npm", kelp);
    fetches.note(nobody, "10.0.0.2", "npm", kelp);
    fetches.note(ann, "10.0.0.1", "pypi", { package: "brine", version: `${day}.0` });
    await fetches.settled();
  }
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
      VALUES ('pypi', 'brine', 'b.whl', '2.0', 'pkg:pypi/brine@2.0', 'ab', 1, 1, '', '')`,
  );
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const ask = (asked: Partial<FetchQuestion>) =>
  searchFetches(database.read, {
    repositories: ["npm", "pypi"],
    before: null,
    limit: 50,
    ...asked,
  });
const found = async (asked: Partial<FetchQuestion>) =>
  (await ask(asked)).map(
    ({ package: name, version, principal, address, firstAt }) =>
      `${Math.floor(firstAt / DAY)} ${name} ${version} ${principal || address}`,
  );

test("by package, version, digest, caller, address and day, the newest day first", async () => {
  expect(await found({ packages: ["kelp"] })).toEqual([
    "3 kelp 1.0.0 ann",
    "3 kelp 1.0.0 10.0.0.2",
    "2 kelp 1.0.0 ann",
    "2 kelp 1.0.0 10.0.0.2",
    "1 kelp 1.0.0 ann",
    "1 kelp 1.0.0 10.0.0.2",
  ]);
  expect(await found({ packages: ["kelp"], address: "10.0.0.2", since: 2 * DAY })).toHaveLength(2);
  expect(await found({ packages: ["kelp"], version: "2.0.0" })).toEqual([]);
  expect(
    await found({ packages: ["Brine", "brine"], principal: "ann", version: "2.0" }),
  ).toHaveLength(1);
  expect(await found({ digest: "AB" })).toEqual(["2 brine 2.0 ann"]);
  expect(await found({ digest: "AB", principal: "ben" })).toEqual([]);
  expect(await found({ digest: "AB", packages: ["kelp"] })).toEqual([]);
  expect(await found({ digest: "cd" })).toEqual([]);
  expect(await found({ principal: "ann", until: DAY + 7 })).toEqual([
    "1 brine 1.0 ann",
    "1 kelp 1.0.0 ann",
  ]);
  expect(await found({ address: "10.0.0.2", since: 3 * DAY })).toEqual(["3 kelp 1.0.0 10.0.0.2"]);
  expect(await found({ since: 3 * DAY, until: 3 * DAY })).toHaveLength(3);
  expect(await found({ repositories: ["pypi"] })).toHaveLength(3);
  expect(await found({ repositories: [] })).toEqual([]);
});

test("pages hold each row once", async () => {
  for (const asked of [{}, { packages: ["kelp"] }, { principal: "ann" }, { address: "10.0.0.1" }]) {
    const all = await ask(asked);
    const paged = [];
    for (let before: FetchQuestion["before"] = null; ; ) {
      const page = await ask({ ...asked, before, limit: 2 });
      paged.push(...page);
      if (page.length < 2) break;
      before = markOf(page.at(-1)!);
    }
    expect(paged).toEqual(all);
  }
});
