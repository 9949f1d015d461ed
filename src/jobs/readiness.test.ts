import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import type { Lock } from "../core/lock.ts";
import type { PolicyRule } from "../core/policy.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import type { PolicedRepository } from "./policy.ts";
import { badInLock, checkLock, countReady } from "./readiness.ts";

let root: string;
let database: Database;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-readiness-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  for (const [name, version, file, sha256] of [
    ["kelp", "1.0.0", "kelp-1.0.0.tgz", "aa"],
    ["wrack", "1.0.0", "wrack-1.0.0.tgz", "bb"],
    ["brine", "1.0", "brine-1.0.tar.gz", "cc"],
    ["pair", "1.0.0", "one", "dd"],
  ] as const)
    await database.write(
      (
        sql,
      ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
        VALUES ('toy', ${name}, ${file}, ${version}, ${`pkg:toy/${name}@${version}`}, ${sha256}, 1, 1, '', '')`,
    );
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const lock = (
  ...releases: [name: string, version: string, files?: string[], sha256?: string[]][]
): Lock => ({
  releases: releases.map(([name, version, files = [], sha256 = []]) => ({
    package: name,
    version,
    files,
    sha256,
  })),
  elsewhere: [],
});
const check = async (asked: Lock, rules: PolicyRule[] = [], mayRead = (_: string) => true) => {
  const repository: PolicedRepository = { name: "toy", purlType: "toy", order: null, rules };
  const report = await checkLock(database.read, repository, [], 1_000, asked, mayRead);
  return { report, states: report.releases.map(({ state }) => state) };
};

test("what is there by its files, or by any file with a digest of the lock, is present", async () => {
  const { states, report } = await check(
    lock(
      ["kelp", "1.0.0", ["kelp-1.0.0.tgz"]],
      ["kelp", "2.0.0", ["kelp-2.0.0.tgz"]],
      ["brine", "1.0"],
      ["brine", "1.0", [], ["cc", "xx"]],
      ["brine", "1.0", [], ["xx"]],
      ["pair", "1.0.0", ["one", "two"]],
      ["none", "1.0.0"],
    ),
  );
  expect(states).toEqual([
    "present",
    "missing",
    "present",
    "present",
    "missing",
    "missing",
    "missing",
  ]);
  expect(report.releases[5]!.stored).toBe(1);
  expect(countReady(report)).toEqual({ present: 3, missing: 4, held: 0, blocked: 0 });
});

test("what is blocked is not sent, though it is there; what the caller may not read is missing", async () => {
  const rule = {
    name: "bad",
    packages: ["pkg:toy/wrack", "pkg:toy/none"],
    repositories: null,
    versions: null,
    block: "it is bad",
  };
  const asked = lock(["kelp", "1.0.0"], ["none", "1.0.0"], ["wrack", "1.0.0"]);
  const { states, report } = await check(asked, [rule]);
  expect(states).toEqual(["present", "blocked", "blocked"]);
  expect(report.releases[2]!.why).toContain("it is bad");
  expect((await check(asked, [rule], (name) => name !== "wrack")).states).toEqual([
    "present",
    "blocked",
    "missing",
  ]);
});

test("of thousands each is told", async () => {
  const many = Array.from({ length: 1_001 }, (_, at): [string, string] => [`p${at}`, "1"]);
  expect((await check(lock(...many))).states).toHaveLength(1_001);
});

test("of a lock file that is known which feeds tell of, but for what the caller may not read", async () => {
  const ecosystem = { ecosystem: "Toys", purlType: "toy" };
  const affected = ["kelp", "wrack"].map((name) => ({
    package: { ecosystem: "Toys", name },
    versions: ["1.0.0"],
  }));
  const raw = deflateRawSync(
    JSON.stringify({ id: "T-1", modified: "2026-01-01T00:00:00Z", affected }),
  );
  await database.write(async (sql) => {
    await sql`INSERT INTO advisories (feed, id, mark, modified_at, withdrawn, raw) VALUES ('osv', 'T-1', '', 1, 0, ${raw})`;
    for (const name of ["kelp", "wrack"])
      await sql`INSERT INTO advisory_packages (purl_type, name, feed, id) VALUES ('toy', ${name}, 'osv', 'T-1')`;
  });
  const order = (a: string, b: string) => Number(a > b) - Number(a < b);
  const repository = { name: "toy", purlType: "toy", order, ecosystem, rules: [] };
  const asked = lock(["kelp", "1.0.0"], ["kelp", "2.0.0"], ["wrack", "1.0.0"], ["none", "1.0.0"]);
  const bad = (mayRead: (name: string) => boolean, of: object = repository) =>
    badInLock(database.read, of as PolicedRepository, asked, mayRead);
  expect(await bad(() => true)).toEqual([
    { package: "kelp", version: "1.0.0" },
    { package: "wrack", version: "1.0.0" },
  ]);
  expect(await bad((name) => name !== "kelp")).toEqual([{ package: "wrack", version: "1.0.0" }]);
  expect(await bad(() => true, { ...repository, ecosystem: undefined })).toEqual([]);
});
