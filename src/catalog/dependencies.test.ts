// What packages need as it is written down behind, and who needs a package as one caller is told.
import { Database as Sqlite } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DependantPlace } from "../core/catalog.ts";
import type { InsideDependency } from "../core/inside.ts";
import { Problem } from "../core/problem.ts";
import type { Database } from "../store/database.ts";
import { migrate } from "../store/migrate.ts";
import { migrations } from "../store/migrations/index.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { COUNTED, dependantsOf, LOOKED_AT } from "./dependants.ts";
import { type ReadRepository, readDependencies, type StoredFile } from "./dependencies.ts";

const MINUTE = 60_000;
let root: string;
let database: Database;
let read: string[];
/** What a file says, by its name. */
let says: Record<string, string[] | Error>;
let meanwhile: (() => Promise<void>) | null;
let ending: AbortController;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-dependencies-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  read = [];
  says = {};
  meanwhile = null;
  ending = new AbortController();
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

/** "name range kind" */
function told(text: string): InsideDependency {
  const [name = "", range = "", kind = ""] = text.split(" ");
  return { name, range, kind };
}

const repositories: ReadRepository[] = ["one", "two", "other"].map((name) => ({
  name,
  policed: {
    order: (a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10),
    spell: (text) => text.toLowerCase(),
  },
  dependencies:
    name === "other"
      ? null
      : {
          files: [/\.toy\.txt$/, /\.toy$/],
          needs: ({ name: needed, range, kind }) =>
            kind === "development" ? [] : needed.split("|").map((one) => ({ name: one, range })),
        },
  async read({ file }: StoredFile) {
    read.push(file);
    await meanwhile?.();
    const said = says[file] ?? [];
    if (said instanceof Error) throw said;
    return said.map(told);
  },
}));

const round = (now = 0) => readDependencies(database, repositories, now, ending.signal);

async function store(repository: string, name: string, version: string, more: object = {}) {
  const row = {
    file: `${name}-${version}.toy`,
    size: 10,
    purl: `pkg:toy/${name}@${version}`,
    ...more,
  };
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
      VALUES (${repository}, ${name}, ${row.file}, ${version}, ${row.purl}, ${"a".repeat(64)}, ${row.size}, ${1}, ${"up"}, ${"p"}, ${1})`,
  );
}

const remove = (repository: string, file: string) =>
  database.write(
    (sql) => sql`DELETE FROM artifacts WHERE repository = ${repository} AND file = ${file}`,
  );

async function rows(): Promise<string[]> {
  const found =
    await database.read`SELECT * FROM dependencies ORDER BY repository, package, needed, kind`;
  return found.map((row) =>
    [row.repository, row.package, row.version, row.needed, row.kind, row.range].join(" ").trim(),
  );
}

const waiting = async () =>
  (await database.read`SELECT * FROM dependencies_waiting ORDER BY repository, package`).map(
    (row) => row.package,
  );

async function who(
  needed: string,
  {
    count = 10,
    after = null as DependantPlace | null,
    mayRead = (_repository: string, _name: string): boolean => true,
    of = ["two", "one"],
    lookedAt = LOOKED_AT,
  } = {},
) {
  const { items, ...rest } = await dependantsOf(
    database.read,
    { needed, repositories: of, mayRead },
    { count, after, lookedAt },
  );
  return { names: items.map((one) => `${one.repository} ${one.package}`), items, ...rest };
}

test("the newest stored release that tells it is read, and what comes before one only where there is no other", async () => {
  says = {
    "crab-9.toy": ["Kelp ^1", "rope >=2 peer", "knot 1 development", "kelp <2"],
    "young-2rc.toy": ["kelp"],
  };
  for (const version of ["2", "9", "10rc", "7"]) await store("one", "crab", version);
  await store("one", "young", "2rc");
  await store("one", "index", "1", { purl: "pkg:generic/index" });
  await store("other", "crab", "1");
  expect(await round()).toBe(2);
  expect(await rows()).toEqual([
    "one crab 9 kelp  ^1, <2",
    "one crab 9 rope peer >=2",
    "one young 2rc kelp",
  ]);
  expect(read).toEqual(["crab-9.toy", "young-2rc.toy"]);
  // What has been read is not read again; another format's waits for nobody.
  expect([await round(), await waiting()]).toEqual([0, ["crab"]]);
});

test("a file of the first kind is read before others, one that is too large is not, and a package never needs itself", async () => {
  says = { "crab-1.toy.txt": ["crab", "kelp"], "big-1.toy": ["kelp"], "big-2.toy": ["rope"] };
  await store("one", "crab", "1");
  await store("one", "crab", "1", { file: "crab-1.toy.txt" });
  await store("one", "crab", "2", { file: "crab-2.signature" });
  await store("one", "big", "1");
  await store("one", "big", "2", { size: 100 * 2 ** 20 });
  await round();
  expect(await rows()).toEqual(["one big 1 kelp", "one crab 1 kelp"]);
});

test("a newer release takes the place of the one before as a whole, and what has gone is told no more at once", async () => {
  says = { "crab-1.toy": ["kelp", "rope"], "crab-2.toy": ["kelp 2"] };
  await store("one", "crab", "1");
  await round();
  expect(await rows()).toEqual(["one crab 1 kelp", "one crab 1 rope"]);
  await store("one", "crab", "2");
  await round();
  expect(await rows()).toEqual(["one crab 2 kelp  2"]);
  await remove("one", "crab-2.toy");
  expect(await rows()).toEqual([]);
  await round();
  expect(await rows()).toEqual(["one crab 1 kelp", "one crab 1 rope"]);
  await remove("one", "crab-1.toy");
  expect([await rows(), await round(), await rows(), await waiting()]).toEqual([[], 1, [], []]);
});

test("a file that comes while its package is looked at is not missed", async () => {
  says = { "crab-1.toy": ["kelp"], "crab-2.toy": ["rope"] };
  await store("one", "crab", "1");
  meanwhile = async () => {
    meanwhile = null;
    await store("one", "crab", "2");
  };
  await round();
  expect([await rows(), await waiting()]).toEqual([[], ["crab"]]);
  await round();
  expect([await rows(), await waiting()]).toEqual([["one crab 2 rope"], []]);
});

test("of what is no archive nothing is told; what cannot be read now waits, and holds up nobody", async () => {
  says = {
    "bad-1.toy": new Problem("malformed", "It is none"),
    "busy-1.toy": new Problem("internal", "The worker is busy"),
    "crab-1.toy": ["kelp"],
    "bug-1.toy": new TypeError("a bug"),
  };
  for (const name of ["bad", "busy", "bug", "crab"]) await store("one", name, "1");
  await expect(round(MINUTE)).rejects.toThrow("a bug");
  expect([await rows(), await waiting()]).toEqual([["one crab 1 kelp"], ["bug", "busy"]]);
  expect(await round(2 * MINUTE)).toBe(0);
  says = {};
  // A file that comes has it looked at again at once, and all of it comes again later.
  await store("one", "busy", "2");
  expect([await round(2 * MINUTE), await round(12 * MINUTE), await waiting()]).toEqual([1, 1, []]);
});

/** Not two alike in a row: an index of PostgreSQL packs what repeats itself. */
const cjk = (count: number) =>
  Array.from({ length: count }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7919) % 20_000)));

test("a name that no database holds is left out, and hides nothing else of what its package needs", async () => {
  const long = cjk(2_000).join("");
  const longest = cjk(166).join("");
  says = {
    "crab-1.toy": ["ke\0lp", long, "\ud800", longest, `rope >=\0${long}\ud800 ${long}\0\ud800`],
    [`${longest}-1.toy`]: [`kelp 1 ${long}`],
  };
  await store("one", "crab", "1");
  await store("one", longest, "1");
  // Whose own name is longer than that tells nothing: the rest would not fit beside it.
  const longer = cjk(167).join("");
  says[`${longer}-1.toy`] = ["kelp"];
  await store("one", longer, "1");
  expect(await round()).toBe(3);
  const kind = long.slice(0, 200);
  expect(await rows()).toEqual([
    `one crab 1 rope ${kind} >=${long.slice(0, 198)}`,
    `one crab 1 ${longest}`,
    `one ${longest} 1 kelp ${kind} 1`,
  ]);
  expect(await waiting()).toEqual([]);
});

test("where too much waits or the store is away a repository's round ends, and nothing of it is put off", async () => {
  for (const name of ["crab", "eel", "mud"]) await store("one", name, "1");
  await store("two", "crab", "2");
  says = { "crab-1.toy": ["kelp"], "eel-1.toy": new Problem("busy", "The bucket is silent") };
  expect(await round(MINUTE)).toBe(2);
  expect(read).toEqual(["crab-1.toy", "eel-1.toy", "crab-2.toy"]);
  expect([await rows(), await waiting()]).toEqual([["one crab 1 kelp"], ["eel", "mud"]]);
  says = {};
  expect([await round(MINUTE), await waiting()]).toEqual([2, []]);
});

test("a round that is ended begins with no other package, and puts off none", async () => {
  for (const name of ["crab", "eel", "mud"]) await store("one", name, "1");
  await store("two", "crab", "2");
  says = { "eel-1.toy": new Error("ended") };
  meanwhile = async () => {
    if (read.length === 2) ending.abort();
  };
  expect(await round(MINUTE)).toBe(1);
  expect([read.length, await waiting()]).toEqual([2, ["eel", "mud", "crab"]]);
  expect([await round(MINUTE), read.length]).toEqual([0, 2]);
  ending = new AbortController();
  says = {};
  expect([await round(MINUTE), await waiting()]).toEqual([3, []]);
});

test("what was stored before the upgrade waits as well, each package once", () => {
  const path = join(root, "older.db");
  const file = new Sqlite(path);
  file.transaction(() => {
    for (const { version, sql } of migrations) if (version < 50) file.run(sql);
  })();
  file.run("PRAGMA user_version = 49");
  for (const [at, name] of ["crab", "crab", "index"].entries())
    file.run(
      `INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
        VALUES ('one', ?, ?, '1', ?, 'a', 1, 1, 'up', 'p')`,
      [name, `file-${at}`, name === "index" ? "pkg:generic/index" : `pkg:toy/${name}@1`],
    );
  migrate(file, path);
  expect(file.query("SELECT * FROM dependencies_waiting").all()).toEqual([
    { repository: "one", package: "crab", revision: 1, due_at: 0 },
  ]);
  file.close();
});

test("a round is bounded, and the next one goes on", async () => {
  for (let number = 0; number < 130; number += 1) await store("one", `crab-${number}`, "1");
  expect([await round(), await round(), await round()]).toEqual([100, 30, 0]);
});

test("who needs it is told by repository and name, of those repositories that are asked about, page by page", async () => {
  says = {
    "crab-1.toy": ["kelp ^1", "kelp ^2 peer"],
    "eel-1.toy": ["kelp"],
    "mud-1.toy": ["sand|kelp 3"],
  };
  await store("two", "crab", "1");
  await store("one", "eel", "1");
  await store("one", "mud", "1");
  await round();
  expect(await who("kelp")).toEqual({
    names: ["one eel", "one mud", "two crab"],
    items: [
      { repository: "one", package: "eel", version: "1", needs: [{ kind: "", range: "" }] },
      { repository: "one", package: "mud", version: "1", needs: [{ kind: "", range: "3" }] },
      {
        repository: "two",
        package: "crab",
        version: "1",
        needs: [
          { kind: "", range: "^1" },
          { kind: "peer", range: "^2" },
        ],
      },
    ],
    next: null,
    total: 3,
    isMore: false,
    isCut: false,
  });
  const first = await who("kelp", { count: 2 });
  expect([first.names, first.next, first.total]).toEqual([
    ["one eel", "one mud"],
    ["one", "mud"],
    3,
  ]);
  const last = await who("kelp", { count: 2, after: first.next });
  expect([last.names, last.next, last.total]).toEqual([["two crab"], null, 3]);
  expect((await who("kelp", { of: ["two"] })).names).toEqual(["two crab"]);
  expect(await who("nothing")).toMatchObject({ names: [], next: null, total: 0 });
});

/** Rows as a round writes them, without one. */
async function write(
  count: number,
  needed: string,
  named: (number: number) => string,
  kinds = [""],
  repository = "one",
) {
  await database.write(async (sql) => {
    for (let number = 0; number < count; number += 1)
      for (const kind of kinds)
        await sql`INSERT INTO dependencies (repository, package, version, needed, kind, range) VALUES (${repository}, ${named(number)}, ${"1"}, ${needed}, ${kind}, ${""})`;
  });
}

test("what a caller may not read is in no list, no count and no cursor", async () => {
  await write(1_200, "kelp", (number) => `secret-${String(number).padStart(4, "0")}`);
  for (const name of ["a", "secret-0600-not", "z"]) await write(1, "kelp", () => name);
  const mayRead = (_: string, name: string) => !/^secret-\d+$/.test(name);
  const first = await who("kelp", { count: 2, mayRead });
  expect(first).toMatchObject({
    names: ["one a", "one secret-0600-not"],
    next: ["one", "secret-0600-not"],
    total: 3,
    isMore: false,
  });
  expect(await who("kelp", { count: 2, mayRead, after: first.next })).toMatchObject({
    names: ["one z"],
    next: null,
    total: 3,
  });
  expect(await who("kelp", { count: 1, mayRead: () => false })).toMatchObject({
    names: [],
    next: null,
    total: 0,
    isMore: false,
  });
});

test("of very many the first are counted, and the last is reached; one with many kinds stands there once", async () => {
  const many = 1_100;
  await write(many, "kelp", (number) => `crab-${String(number).padStart(4, "0")}`);
  expect(await who("kelp", { count: 1 })).toMatchObject({ total: COUNTED, isMore: true });
  let after: DependantPlace | null = null;
  const seen: string[] = [];
  do {
    const part = await who("kelp", { count: 300, after });
    seen.push(...part.names);
    after = part.next;
  } while (after);
  expect([seen.length, new Set(seen).size]).toEqual([many, many]);
  const kinds = Array.from({ length: 600 }, (_, number) => `extra ${number}`);
  await write(2, "rope", (number) => `crab-${number}`, kinds);
  const found = await who("rope");
  expect(found.names).toEqual(["one crab-0", "one crab-1"]);
  expect(found.items.map(({ needs }) => needs.length)).toEqual([600, 600]);
});

test("who looks at no more than some rows is told that there may be others, and never that there are none", async () => {
  await write(700, "kelp", (number) => `secret-${String(number).padStart(4, "0")}`);
  await write(1, "kelp", () => "zebra");
  await write(1, "kelp", () => "crab", [""], "two");
  const mayRead = (_: string, name: string) => !name.startsWith("secret");
  const cut = { items: [], total: 0, isMore: true, next: null, isCut: true };
  for (const lookedAt of [1, 500, 600, 700])
    expect(await who("kelp", { mayRead, lookedAt })).toMatchObject(cut);
  expect(await who("kelp", { mayRead, lookedAt: 701 })).toMatchObject({
    names: ["one zebra"],
    total: 1,
    isMore: true,
    isCut: true,
    // Behind it somebody can look on.
    next: ["one", "zebra"],
  });
  const rest = await who("kelp", { mayRead, lookedAt: 701, after: ["one", "zebra"] });
  expect(rest).toMatchObject({ names: ["two crab"], total: 1, next: null });
  expect(await who("kelp", { mayRead, lookedAt: 702 })).toMatchObject({
    names: ["one zebra", "two crab"],
    total: 2,
    isMore: false,
    isCut: false,
    next: null,
  });
});

test("rows of one repository after the other count together", async () => {
  for (const of of ["one", "two"]) await write(3, "kelp", (number) => `secret-${number}`, [""], of);
  const mayRead = () => false;
  expect(await who("kelp", { mayRead, lookedAt: 5 })).toMatchObject({ isCut: true });
  expect(await who("kelp", { mayRead, lookedAt: 6 })).toMatchObject({ isCut: false });
});
