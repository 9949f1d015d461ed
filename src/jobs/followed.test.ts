// What is withheld of some packages, as a server that follows this one asks for it.
import { afterEach, expect, test } from "bun:test";
import { writeFeed } from "../advisories/rows.ts";
import {
  answer,
  artifact,
  bytesOf,
  index,
  openToy,
  request,
  sri,
  toy as toyFormat,
} from "../cache/testkit.ts";
import type { PolicyRule } from "../core/policy.ts";
import { theServer } from "../core/principal.ts";
import { ruledRepository } from "../policy/rules.ts";
import { openWaivers } from "../policy/waivers.ts";
import { createChanges } from "../store/changes.ts";
import { policyStampOf, withheldOf } from "./followed.ts";

const BYTES = Buffer.from("some bytes");
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const rules: PolicyRule[] = [
  { name: "bad", packages: ["pkg:toy/thing"], repositories: null, versions: "3", block: "malware" },
  {
    name: "cooldown",
    packages: ["pkg:toy/*"],
    repositories: null,
    versions: null,
    minimumAge: 24 * 3_600_000,
  },
];
async function withheld(some: PolicyRule[], names = ["thing", "other"]) {
  const repository = { ...ruledRepository("toy", toyFormat), rules: some };
  const found = await withheldOf(
    toy.database.read,
    repository,
    toy.waivers.all(),
    Date.now(),
    names,
  );
  return [...found].map(([name, all]) => [
    name,
    ...all.map((one) => `${one.version} ${one.verdict} ${one.rule}`),
  ]);
}

test("is told of each release once: of those that documents name, and of those that were fetched", async () => {
  toy = await openToy();
  const files = {
    "a-1": { integrity: sri(BYTES), version: "1" },
    "a-2": { integrity: sri(BYTES), version: "2", publishedAt: new Date().toISOString() },
    "b-2": { integrity: sri(BYTES), version: "2", publishedAt: new Date().toISOString() },
    "a-3": { integrity: sri(BYTES), version: "3" },
  };
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? answer(200, JSON.stringify({ files })) : answer(200, BYTES);
  expect(await withheld(rules)).toEqual([]);
  await toy.repository.read(index, { variant: "all", base: "" });
  expect(await withheld(rules)).toEqual([["thing", "2 hold cooldown", "3 block bad"]]);
  expect(await withheld([])).toEqual([]);
  await bytesOf(await toy.repository.artifact(artifact("a-1"), request()));
  await toy.waivers.add(theServer, {
    repository: null,
    purlType: "toy",
    package: "thing",
    versions: "1",
    reason: "it steals keys",
    until: null,
    isBlock: true,
  });
  expect(await withheld([])).toEqual([["thing", "1 block operator"]]);
  await toy.database.write(
    (
      sql,
    ) => sql`INSERT INTO hosted_packages (repository, package, revision, created_at, created_by, changed_at, state)
      VALUES ('toy', 'thing', 1, 1, 'ann', 1, '{}')`,
  );
  expect(await withheld(rules)).toEqual([]); // its owners take it back
});

test("the stamp of what policy says is the same on each server of one catalog, and another one with all that it may say", async () => {
  toy = await openToy();
  const { database, waivers } = toy;
  const at = 1_000;
  const repositories = [{ ...ruledRepository("toy", toyFormat), rules }];
  const stamp = (now = at, of = waivers.all(), version = "1", some = repositories) =>
    policyStampOf(database.read, version, some, of, now);
  const told = [await stamp()];
  expect(await stamp(at + 1)).toBe(told[0]!);
  await waivers.add(theServer, {
    ...{ repository: "toy", purlType: "toy", package: "thing", versions: "2" },
    ...{ reason: "read by ann", until: 5_000 },
  });
  told.push(await stamp());
  const elsewhere = await openWaivers({
    ...{ database, changes: createChanges(), audit: async () => {}, now: () => at },
  });
  expect(await stamp(at, elsewhere.all())).toBe(told[1]!);
  told.push(await stamp(5_000));
  const feed = {
    ...{ name: "osv", readAt: 1, wholeAt: 1, newestAt: 1, records: 9, skipped: 0 },
    ...{ etag: "a", deltaTo: null, error: null },
  };
  await database.write((sql) => writeFeed(sql, feed));
  told.push(await stamp());
  await database.write((sql) => writeFeed(sql, { ...feed, readAt: 2, error: "away" }));
  expect(await stamp()).toBe(told.at(-1)!);
  await database.write((sql) => writeFeed(sql, { ...feed, etag: "b" }));
  told.push(
    await stamp(),
    await stamp(at, waivers.all(), "2"),
    await stamp(at, waivers.all(), "1", [{ ...repositories[0]!, rules: [] }]),
  );
  expect(new Set(told).size).toBe(7);
});
