// The scan for queries that test/postgres/queries.test.ts relies on.
import { expect, test } from "bun:test";
import { queriesIn } from "./support/queries.ts";

test("queries are found as they are written, wherever they stand", () => {
  const source = [
    "/** `` sql`SELECT 1` `` is a comment. */",
    "// as is sql`SELECT 2`",
    "const a = await database.read`SELECT a",
    "  FROM t WHERE b = §{`x§{'`'}` + { c: `}` }.c} ESCAPE '\\\\'`;",
    "const b = tx`DELETE FROM §{table} WHERE d = §{d}`;",
    "const c = html`<b>§{sql`WITH x AS (SELECT 1) SELECT 1`}</b>`;",
    "const d = sql`begin`; // whatever stands in it",
  ]
    .join("\n")
    .replaceAll("§", "$");
  expect(queriesIn("f.ts", source)).toEqual([
    { file: "f.ts", line: 3, text: "SELECT a\n  FROM t WHERE b = ? ESCAPE '\\\\'" },
    { file: "f.ts", line: 5, text: "DELETE FROM ? WHERE d = ?" },
    { file: "f.ts", line: 6, text: "WITH x AS (SELECT 1) SELECT 1" },
    { file: "f.ts", line: 7, text: "begin" },
  ]);
});
