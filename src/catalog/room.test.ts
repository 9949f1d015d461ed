import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Grant } from "../core/grant.ts";
import type { Inside } from "../core/inside.ts";
import { Problem } from "../core/problem.ts";
import { grantOf } from "../core/testkit.ts";
import type { PolicedRepository } from "../jobs/policy.ts";
import type { Database } from "../store/database.ts";
import { tuples } from "../store/several.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createInsides } from "./insides.ts";
import { createLabels } from "./labels.ts";
import { catalogFor, tidyNames } from "./room.ts";

const NOW = Date.UTC(2026, 10, 27);
const DAY = 86_400_000;
const SHA = "a".repeat(64);
const inside: Inside = {
  description: "A buoy",
  licence: "MIT",
  homepage: null,
  readme: "<p>Read me</p>",
  dependencies: [],
  scripts: {},
  files: [{ path: "package/index.js", size: 3, mark: 1 }],
  count: 1,
  size: 3,
};

let root: string;
let database: Database;
let looked: string[];
let work: (file: { file: string }) => Promise<Inside>;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-catalog-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  looked = [];
  work = async () => inside;
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const everything = grantOf("ann", () => true);

function open(grant: Grant = everything, reader = 1) {
  const repositories = ["one", "two"].map((name) => {
    const policed: PolicedRepository = {
      name,
      purlType: "toy",
      order: (a, b) => Number(a) - Number(b),
      spell: (text) => text.toLowerCase(),
      rules: [
        {
          name: "cooldown",
          packages: ["pkg:toy/*"],
          repositories: null,
          versions: null,
          minimumAge: 7 * DAY,
        },
      ],
      ecosystem: { ecosystem: "toy", purlType: "toy" },
    };
    const insides = createInsides({
      database,
      format: "toy",
      reader,
      files: /\.toy$/,
      now: () => NOW,
      work: (file) => {
        looked.push(file.file);
        return work(file);
      },
    });
    const labels = createLabels({
      sql: database.read,
      repository: name,
      labels: { documents: (key) => [{ kind: "index", key }], hosted: () => ({ next: "9" }) },
      work: async (_name, sha256) => {
        if (sha256 === "bad") throw new Problem("malformed", "It is none");
        looked.push(sha256);
        return { latest: "2", odd: "<b>" };
      },
    });
    return { name, format: "toy", policed, insides, labels };
  });
  const isPublic = (repository: string) => repository === "one";
  return catalogFor({ database, repositories, waivers: () => [], isPublic, now: () => NOW }, grant);
}

async function document(repository: string, name: string): Promise<void> {
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO documents (repository, kind, key, package, status, ref, overlay, checked_at, fresh_until, changed_at, revision)
      VALUES (${repository}, ${"index"}, ${name}, ${name}, ${200}, ${"{}"}, ${"{}"}, ${1}, ${1}, ${1}, ${1})`,
  );
}

async function artifact(repository: string, name: string, version: string, more: object = {}) {
  const row = { size: 10, at: NOW - DAY, purl: `pkg:toy/${name}@${version}`, sha256: SHA, ...more };
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
      VALUES (${repository}, ${name}, ${`${name}-${version}.toy`}, ${version}, ${row.purl}, ${row.sha256}, ${row.size}, ${row.at}, ${"up.example.test"}, ${"p"}, ${1})`,
  );
}

async function fact(repository: string, name: string, version: string, publishedAt: number) {
  const at = new Date(publishedAt).toISOString();
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO facts (repository, package, file, version, integrity, is_grown, published_at, revision)
      VALUES (${repository}, ${name}, ${`${name}-${version}.toy`}, ${version}, ${"sha256-AAAA"}, ${0}, ${at}, ${1})`,
  );
}

const names = async (query: string, page = 1, grant = everything) =>
  (await open(grant).search(query, page)).items.map((one) => `${one.repository} ${one.package}`);

test("names are found whether stored, published or only named, by their beginning, a word or a part", async () => {
  await document("one", "@Harbour/Buoy_Chain");
  await artifact("one", "chain", "1");
  await artifact("two", "supply-chain", "1");
  await artifact("two", "unchained", "1");
  await artifact("two", "index-file", "1", { purl: "pkg:generic/index" });
  expect(await names("CHAIN")).toEqual([
    "one chain",
    "two supply-chain",
    "one @Harbour/Buoy_Chain",
    "two unchained",
  ]);
  expect(await names("buoy.chain")).toEqual(["one @Harbour/Buoy_Chain"]);
  expect(await names("harbour/buoy")).toEqual(["one @Harbour/Buoy_Chain"]);
  expect(await names("index-file")).toEqual([]);
  expect(await names("100%")).toEqual([]);
  expect(await names("nothing")).toEqual([]);
});

test("no name has a NUL", async () => {
  await artifact("one", "buoy", "1");
  expect(await names("bu\0oy")).toEqual([]);
  expect(await names("\0")).toEqual([]);
});

test("nothing is told of what a caller may not read, and pages are of what they may", async () => {
  for (let number = 0; number < 70; number += 1) await artifact("one", `crab-${100 + number}`, "1");
  await artifact("two", "crab", "1");
  const ben = grantOf("ben", (repository, _, name) => repository === "one" && name !== "crab-100");
  expect((await open(ben).search("crab", 1)).items).toHaveLength(30);
  const last = await open(ben).search("crab", 3);
  expect([last.items.length, last.hasMore]).toEqual([9, false]);
  const all = [1, 2, 3].map((page) => names("crab", page, ben));
  const told = (await Promise.all(all)).flat();
  expect(told).not.toContain("two crab");
  expect(told).not.toContain("one crab-100");
  expect(await names("", 1, ben)).not.toContain("two crab");
  const refusal = async (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error) => (error instanceof Problem ? error.kind : error),
    );
  // What is there and what is not look the same.
  for (const name of ["crab", "no-crab"])
    for (const asked of [open(ben).package("two", name), open(ben).version("two", name, "1")])
      expect(await refusal(asked)).toBe("forbidden");
  expect(await refusal(open(ben).package("one", "no-crab"))).toBe("notFound");
  expect(await refusal(open().package("nowhere", "crab"))).toBe("notFound");
});

test("without a query: what came last", async () => {
  await artifact("one", "older", "1", { at: 1000 });
  await artifact("two", "newer", "1", { at: 2000 });
  await artifact("one", "older", "2", { at: 3000 });
  expect(await names("")).toEqual(["one older", "two newer"]);
  const { items } = await open().search("", 1);
  expect(items[0]).toMatchObject({ files: 2, bytes: 20, newestAt: 3000, isHosted: false });
});

test("names of before, of which nobody wrote the parts, are found when that was done", async () => {
  for (let number = 0; number < 600; number += 1) await document("one", `name-${number}`);
  await tidyNames(database);
  const [{ left }] =
    await database.read`SELECT count(*) AS left FROM catalog_names WHERE folded = ''`;
  expect(Number(left)).toBe(0);
  expect(await names("name-599")).toEqual(["one name-599"]);
});

test("a package has its versions in their order, with what is stored, published and decided", async () => {
  await fact("one", "buoy", "9", NOW - 100 * DAY);
  await fact("one", "buoy", "10", NOW - DAY);
  await artifact("one", "buoy", "9");
  await database.write(async (sql) => {
    await sql`INSERT INTO provenance (repository, package, file, version, state, checked_at)
      VALUES (${"one"}, ${"buoy"}, ${"buoy-9.toy"}, ${"9"}, ${"unverified"}, ${1})`;
    await sql`UPDATE facts SET tampered_at = ${"2026-01-01T00:00:00Z"}, tampered_shown = ${"sha256-BBBB"} WHERE version = ${"9"}`;
  });
  const view = await open().package("one", "BUOY");
  expect(view.versions.map(({ version }) => version)).toEqual(["10", "9"]);
  expect(view).toMatchObject({
    package: "buoy",
    isPublic: true,
    hasFeeds: false,
    newest: { version: "10", withheld: { verdict: "hold", rule: "cooldown" }, stored: 0 },
    shown: { version: "9", stored: 1, provenance: "unverified", isTampered: true },
    about: { version: "9", inside: { description: "A buoy" } },
  });
  expect(looked).toEqual(["buoy-9.toy"]);
});

test("what is published here tells who did, and what is yanked is not the newest", async () => {
  for (const [version, yanked] of [
    ["1", null],
    ["2", "leaks"],
  ]) {
    await artifact("one", "raft", version!);
    await database.write(
      (
        sql,
      ) => sql`INSERT INTO hosted_releases (repository, package, version, place, published_at, published_by, metadata, yanked)
        VALUES (${"one"}, ${"raft"}, ${version}, ${1}, ${NOW - 30 * DAY}, ${"ann"}, ${"{}"}, ${yanked})`,
    );
  }
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO hosted_packages (repository, package, revision, created_at, created_by, changed_at, state)
      VALUES (${"one"}, ${"raft"}, ${1}, ${1}, ${"ann"}, ${1}, ${"{}"})`,
  );
  const view = await open().package("one", "raft");
  expect(view).toMatchObject({ isHosted: true, shown: { version: "1", publishedBy: "ann" } });
  expect(view.versions[0]).toMatchObject({ version: "2", yanked: "leaks" });
  expect((await open().search("raft", 1)).items).toMatchObject([{ isHosted: true }]);
});

test("a version has its files with both digests, its advisories, and what changed since the one before", async () => {
  await fact("one", "buoy", "1", NOW - 100 * DAY);
  await fact("one", "buoy", "2", NOW - 50 * DAY);
  await artifact("one", "buoy", "1", { sha256: "b".repeat(64) });
  await artifact("one", "buoy", "2");
  await database.write(
    (sql) => sql`INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream)
      VALUES (${"one"}, ${"buoy"}, ${"buoy-2.toy"}, ${SHA}, ${10}, ${1}, ${"up.example.test"})`,
  );
  work = async ({ file }) =>
    file === "buoy-1.toy"
      ? { ...inside, scripts: { install: "old" }, files: [{ path: "package/a", size: 1, mark: 1 }] }
      : { ...inside, dependencies: [{ name: "rope", range: "^1", kind: "" }] };
  const view = await open().version("one", "buoy", "2");
  expect(view.filesOf).toEqual([
    {
      file: "buoy-2.toy",
      size: 10,
      sha256: SHA,
      told: "sha256-AAAA",
      isStored: true,
      storedAt: NOW - DAY,
      upstream: "up.example.test",
      path: "p",
      provenance: null,
      isGone: false,
      isTampered: false,
    },
  ]);
  expect(view).toMatchObject({ purl: "pkg:toy/buoy@2", older: "1", newer: null });
  expect(view.difference).toMatchObject({
    before: "1",
    added: ["index.js"],
    removed: ["a"],
    dependencies: [{ name: "rope", before: null, after: "^1" }],
    scripts: [{ name: "install", before: "old", after: null }],
  });
  await expect(open().version("one", "buoy", "3")).rejects.toThrow("has no version 3");
});

test("a file is looked into once; what is no archive is told as that, and what fails otherwise is tried again", async () => {
  await artifact("one", "buoy", "1");
  for (let time = 0; time < 3; time += 1) await open().version("one", "buoy", "1");
  expect(looked).toEqual(["buoy-1.toy"]);
  await open(everything, 2).version("one", "buoy", "1");
  expect(looked).toHaveLength(2);

  await artifact("one", "raft", "1", { sha256: "c".repeat(64) });
  work = () => Promise.reject(new Problem("busy", "Too much waits"));
  expect((await open().version("one", "raft", "1")).whyNotInside).toContain("ask again");
  work = () => Promise.reject(new Problem("malformed", "no archive"));
  for (const _ of [1, 2])
    expect((await open().version("one", "raft", "1")).whyNotInside).toBe("raft-1.toy: no archive");
  expect(looked).toHaveLength(4);

  await artifact("one", "ship", "1", { sha256: "d".repeat(64), size: 2 ** 30 });
  expect((await open().version("one", "ship", "1")).whyNotInside).toContain("too large");
});

test("what an author calls versions is read of the stored document, once while that is the same", async () => {
  await document("one", "buoy");
  await artifact("one", "buoy", "2");
  const reader = open();
  const labels = async () => (await reader.package("one", "buoy")).labels;
  expect(await labels()).toEqual({});
  const put = (blob: string) =>
    database.write((sql) => sql`UPDATE documents SET blob = ${blob} WHERE package = ${"buoy"}`);
  await put("first");
  expect([await labels(), await labels()]).toEqual([
    { latest: "2", odd: "<b>" },
    { latest: "2", odd: "<b>" },
  ]);
  expect(looked.filter((one) => one === "first")).toHaveLength(1);
  await put("bad");
  expect(await labels()).toEqual({});
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO hosted_packages (repository, package, revision, created_at, created_by, changed_at, state)
      VALUES (${"one"}, ${"buoy"}, ${1}, ${1}, ${"ann"}, ${1}, ${"{}"})`,
  );
  expect(await labels()).toEqual({ next: "9" });
});

test("a part of the versions comes with what is to be said of all", async () => {
  for (const version of ["1", "2", "3"]) await fact("one", "buoy", version, NOW - 90 * DAY);
  await artifact("one", "buoy", "2");
  const view = await open().package("one", "buoy", { from: 1, count: 1 });
  expect(view.versions.map(({ version }) => version)).toEqual(["2"]);
  expect(view.totals).toEqual({ versions: 3, stored: 1, files: 1, bytes: 10 });
  expect([view.newest?.version, view.shown?.version]).toEqual(["3", "3"]);
  expect((await open().package("one", "buoy", { from: 9, count: 9 })).versions).toEqual([]);
});

test("a package's pages look at the first alone of very many that need it, and who needs it at more", async () => {
  await artifact("one", "kelp", "1");
  await database.write(async (sql) => {
    for (let from = 0; from < 2_001; from += 667) {
      const rows = Array.from({ length: 667 }, (_, at) => {
        const name = `secret-${String(from + at).padStart(4, "0")}`;
        return ["one", name, "1", "kelp", "", ""];
      });
      await sql`INSERT INTO dependencies (repository, package, version, needed, kind, range) VALUES ${tuples(rows)}`;
    }
    await sql`INSERT INTO dependencies (repository, package, version, needed, kind, range) VALUES ${tuples([["two", "crab", "1", "kelp", "", ""]])}`;
  });
  const reader = open(grantOf("ben", (_, __, name) => !name?.startsWith("secret")));
  const cut = { items: [], next: null, total: 0, isMore: true, isCut: true };
  expect((await reader.package("one", "kelp")).dependants).toEqual(cut);
  expect((await reader.version("one", "kelp", "1")).dependants).toEqual(cut);
  const all = await reader.dependants("one", "kelp", { count: 10, after: null });
  expect(all).toMatchObject({ items: [{ package: "crab" }], total: 1, isMore: false });
});
