// What is withheld of some packages, as a server that follows this one asks for it.
import { afterEach, expect, test } from "bun:test";
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
import { withheldOf } from "./followed.ts";

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
