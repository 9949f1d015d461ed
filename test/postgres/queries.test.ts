// Every query of the product was run on PostgreSQL by the tests before this one: see test/run.ts and docs/decisions/0024-sql-for-two.md.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { Glob } from "bun";
import { queriesIn } from "../support/queries.ts";

/** Queries that need not run there, and why. */
const excused: Record<string, string> = {
  "SELECT CASE WHEN pg_try_advisory_lock(4653, 1) THEN set_config('holdfast.holds', 'yes', FALSE) END AS held":
    "servers and databases of postgres/{server,database}.test.ts ask it, on connections that note nothing",
  "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE pid = ? AND backend_start::text = ?":
    "the same, of postgres/database.test.ts",
  "SELECT pg_stat_clear_snapshot()": "the same",
  "SELECT pid::text AS pid, backend_start::text AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()":
    "the same",
  "SELECT 1 FROM artifacts UNION ALL SELECT 1 FROM hosted_files UNION ALL SELECT 1 FROM documents LIMIT 1":
    "the same, of postgres/server.test.ts",
  "SELECT name FROM users LIMIT 1": "`doctor` asks it of a data directory, which has SQLite's file",
};

const missing = process.env["HOLDFAST_TEST_POSTGRES_MISSING"];
const noted = process.env["HOLDFAST_TEST_QUERIES"] ?? "";

if (missing) test.skip(`The catalog on PostgreSQL: ${missing}`, () => {});
else {
  const lines = existsSync(noted) ? readFileSync(noted, "utf8").trim().split("\n") : [];
  const ran = new Set(lines.map((line) => JSON.parse(line || '""') as string));
  const sources = [...new Glob("src/**/*.ts").scanSync(".")].sort();
  const product = sources.filter((file) => !/\.test\.ts$|\/testkit\.ts$/.test(file));
  const queries = product.flatMap((file) => queriesIn(file, readFileSync(file, "utf8")));

  test("there are queries, and the catalog's tests ran", () => {
    expect(queries.length).toBeGreaterThan(100);
    expect(ran.size).toBeGreaterThan(100);
  });
  for (const { file, line, text } of queries) {
    const said = text.replaceAll(/\s+/g, " ").trim();
    test(`${file}:${line} ${said.slice(0, 100)}`, () => {
      const why = `No test of the group runs this query on PostgreSQL: ${said}`;
      expect(ran.has(text) || said in excused ? "" : why).toBe("");
    });
  }
  test("what is excused is there", () => {
    const there = queries.map(({ text }) => text.replaceAll(/\s+/g, " ").trim());
    expect(Object.keys(excused).filter((text) => !there.includes(text))).toEqual([]);
  });
}
