// What only PostgreSQL can do to us: other servers on the same rows, a connection that is lost, and a schema that is not quite the same.
import { Database as Sqlite } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pin, readPin } from "../../src/ledger/pins.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { CURRENT } from "../../src/store/migrate.ts";
import { openPostgres, type PostgresPlace } from "../../src/store/postgres.ts";
import { hurryLinks } from "../../src/store/postgres-link.ts";
import { placeOf } from "../../src/store/testkit.ts";
import { cutAtCommit, mutable } from "../support/postgres-between.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let root: string;
  let place: PostgresPlace;
  let one: Database;
  let other: Database;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "holdfast-pg-"));
    place = await placeOf(join(root, "holdfast.db"));
    [one, other] = await Promise.all([openPostgres(place), openPostgres(place)]);
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close()]);
    rmSync(root, { recursive: true, force: true });
  });

  const count = async (what: string) =>
    (await one.read`SELECT count(*) AS total FROM absences WHERE what = ${what}`)[0].total;
  /** Each adds one where it sees none: on a database that looks away both do. */
  const addFirst = (database: Database, what: string, meet: () => Promise<void>) =>
    database.write(async (sql) => {
      const [{ total }] = await sql`SELECT count(*) AS total FROM absences WHERE what = ${what}`;
      await meet();
      if (total > 0) return false;
      await sql`INSERT INTO absences (repository, what, key, said, status, at) VALUES ('r', ${what}, ${crypto.randomUUID()}, '', 404, 1)`;
      return true;
    });

  test("of two servers that would each change what the other has read, one is done after the other", async () => {
    const both = Promise.withResolvers<void>();
    let read = 0;
    const meet = async () => {
      read += 1;
      if (read === 2) both.resolve();
      await both.promise;
    };
    const won = await Promise.all([addFirst(one, "skew", meet), addFirst(other, "skew", meet)]);
    expect(won.sort()).toEqual([false, true]);
    expect(read).toBeGreaterThan(2);
    expect(await count("skew")).toBe(1);
  });

  test("of two servers that fetch other bytes of a file at once, the first decides for both", async () => {
    const key = { repository: "r", package: "p", file: "f" };
    const both = Promise.withResolvers<void>();
    let began = 0;
    const fetched = (database: Database, sha256: string) =>
      database.write(async (sql) => {
        await sql`SELECT count(*) AS total FROM absences`;
        began += 1;
        if (began === 2) both.resolve();
        await both.promise;
        const found = {
          sha256,
          size: 1,
          firstSeen: 1,
          upstream: "u",
          digests: null,
          content: null,
        };
        return (await pin(sql, key, found)).sha256;
      });
    const pinned = await Promise.all([fetched(one, "aa"), fetched(other, "bb")]);
    expect(pinned[0]).toBe(pinned[1]!);
    expect((await readPin(one.read, key))?.sha256).toBe(pinned[0]);
  });

  test("a lost connection fails the write that was on it, and the next one is done", async () => {
    const lost = one.write(async (sql) => {
      await sql`INSERT INTO absences (repository, what, key, said, status, at) VALUES ('r', 'lost', 'k', '', 404, 1)`;
      await sql.unsafe("SELECT pg_terminate_backend(pg_backend_pid())");
    });
    await expect(lost).rejects.toThrow();
    expect(await count("lost")).toBe(0);
    expect(await one.write(async () => "done")).toBe("done");
  });

  test("a commit whose answer is lost is told as that, and nothing of it is done twice", async () => {
    const between = await cutAtCommit(place.host, join(root, "between"));
    const cut = await openPostgres({ ...place, host: between.folder });
    between.arm("INSERT INTO absences");
    const add = () =>
      cut.write(
        (sql) =>
          sql`INSERT INTO absences (repository, what, key, said, status, at) VALUES ('r', 'cut', ${crypto.randomUUID()}, '', 404, 1)`,
      );
    const failed = await Promise.allSettled([add(), add()]);
    expect(failed.map((result) => result.status === "rejected" && result.reason.message)).toEqual(
      Array(2).fill("The database was lost while it stored this: it may be there or not"),
    );
    expect(await count("cut")).toBe(2);
    await cut.close();
    between.stop();
  });

  test("a database that falls silent is given up, and asked again on connections of its own", async () => {
    const between = await mutable(place.host, join(root, "silent"));
    const database = await openPostgres({ ...place, host: between.folder }, { silenceMs: 500 });
    between.isMute = true;
    await expect(database.read`SELECT 1 AS one`).rejects.toThrow("The database does not answer");
    await expect(database.write((sql) => sql`SELECT 1 AS one`)).rejects.toThrow(
      "The database does not answer",
    );
    between.isMute = false;
    expect(await database.read`SELECT 1 AS one`).toEqual([{ one: 1 }]);
    expect(await database.write((sql) => sql`SELECT 2 AS two`)).toEqual([{ two: 2 }]);
    await database.close();
    between.stop();
  });

  test("who is about to end waits less for a silent database, and for nothing more once that was in vain", async () => {
    const between = await mutable(place.host, join(root, "ending"));
    const own = { ...place, host: between.folder };
    const database = await openPostgres(own, { silenceMs: 600_000 });
    between.isMute = true;
    const asked = [database.read`SELECT 1`, database.write((sql) => sql`SELECT 1`)];
    hurryLinks(own);
    // In other words where a connection was still to be made.
    const kindOf = (work: PromiseLike<unknown>) =>
      work.then(
        () => "done",
        ({ kind }) => kind,
      );
    expect(await Promise.all(asked.map(kindOf))).toEqual(["busy", "busy"]);
    expect(await kindOf(database.read`SELECT 2`)).toBe("busy");
    await database.close();
    between.stop();
  });

  test("of two that would have it for themselves the first has it, until its connection ends", async () => {
    const own = await placeOf(join(root, "alone.db"));
    const first = await openPostgres(own, { isAlone: true });
    const second = () => openPostgres(own, { isAlone: true });
    await expect(second()).rejects.toThrow("Another Holdfast is running on the database");
    // A connection that was lost is nobody's: the first takes it again, or comes too late.
    const end = (database: Database) =>
      database.write((sql) => sql.unsafe("SELECT pg_terminate_backend(pg_backend_pid())"));
    await expect(end(first)).rejects.toThrow();
    expect(await first.write(async () => "again")).toBe("again");
    await expect(end(first)).rejects.toThrow();
    const next = await second();
    await expect(first.write(async () => "late")).rejects.toThrow("Another Holdfast is running");
    await Promise.all([first.close(), next.close()]);
  });

  test("a connection that was given up, and for which the database still works, keeps its own server from nothing", async () => {
    const own = await placeOf(join(root, "given-up.db"));
    const database = await openPostgres(own, { isAlone: true, silenceMs: 500 });
    const slow = database.write((sql) => sql`SELECT pg_sleep(600)`);
    await expect(slow).rejects.toThrow("The database does not answer");
    const said = () =>
      database.write(async () => "done").catch(({ kind }: { kind: string }) => kind);
    await waitFor(
      async () => {
        const word = await said();
        expect(["busy", "done"]).toContain(word);
        return word === "done";
      },
      () => "it keeps itself out",
      20_000,
    );
    const second = openPostgres(own, { isAlone: true });
    await expect(second).rejects.toThrow("Another Holdfast is running on the database");
    await database.close();
  });

  test("a write that goes on after a statement of it has failed stores nothing, and is told so", async () => {
    const looking = one.write(async (sql) => {
      await sql`INSERT INTO absences (repository, what, key, said, status, at) VALUES ('r', 'half', 'k', '', 404, 1)`;
      await sql.unsafe("SELECT nothing").catch(() => {});
    });
    await expect(looking).rejects.toThrow("A statement of this transaction had failed");
    expect(await count("half")).toBe(0);
  });

  test("a text with a NUL is told as what was asked, in a read and in a write, and other writes are kept", async () => {
    const add = (what: string) =>
      one.write(
        (sql) =>
          sql`INSERT INTO absences (repository, what, key, said, status, at) VALUES ('r', ${what}, 'nul', '', 404, 1)`,
      );
    const wrong = { kind: "badRequest", message: expect.stringContaining("holds a NUL") };
    await expect(count("a\0b")).rejects.toMatchObject(wrong);
    const [kept, refused] = await Promise.allSettled([add("beside a NUL"), add("a\0b")]);
    expect(kept.status).toBe("fulfilled");
    expect(refused).toMatchObject({ status: "rejected", reason: wrong });
    expect(await count("beside a NUL")).toBe(1);
  });

  test("a database of a newer program is refused", async () => {
    const newer = await placeOf(join(root, "newer.db"));
    const database = await openPostgres(newer);
    await database.write((sql) => sql.unsafe(`UPDATE schema_version SET version = ${CURRENT + 1}`));
    await database.close();
    await expect(openPostgres(newer)).rejects.toThrow("written by a newer Holdfast");
  });

  test("tables, columns, keys and indexes are those of SQLite, and text is sorted by its bytes", async () => {
    const path = join(root, "sqlite.db");
    await (await openDatabase(path)).close();
    const sqlite = new Sqlite(path, { readonly: true });
    const columns = sqlite
      .query(
        `SELECT m.name || '.' || c.name || ' ' || upper(replace(c.type, 'INTEGER', 'BIGINT')) ||
         CASE WHEN c."notnull" OR (c.pk AND c.type = 'INTEGER') THEN ' NOT NULL' ELSE '' END AS said
         FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'`,
      )
      .all() as { said: string }[];
    const indexes = sqlite
      .query("SELECT name AS said FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
      .all() as { said: string }[];
    const triggers = sqlite
      .query("SELECT name AS said FROM sqlite_master WHERE type = 'trigger'")
      .all() as { said: string }[];
    sqlite.close();
    const said = (rows: { said: string }[]) => rows.map((row) => row.said).sort();
    const here = async (text: string) => said((await one.read.unsafe(text)) as { said: string }[]);
    expect(
      await here(
        `SELECT table_name || '.' || column_name || ' ' || replace(replace(upper(data_type), 'BYTEA', 'BLOB'), 'DOUBLE PRECISION', 'REAL') ||
         CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END AS said
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT IN ${AMONG_SERVERS}`,
      ),
    ).toEqual(said(columns).map((column) => primary(column)));
    expect(
      await here(
        `SELECT c.relname AS said FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisprimary
         AND i.indrelid NOT IN (SELECT oid FROM pg_class WHERE relname IN ${AMONG_SERVERS})`,
      ),
    ).toEqual(said(indexes));
    expect(
      await here(
        `SELECT tgname AS said FROM pg_trigger WHERE NOT tgisinternal
         AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relname IN ${AMONG_SERVERS})`,
      ),
    ).toEqual(said(triggers));
    expect(
      await here(
        `SELECT table_name || '.' || column_name AS said FROM information_schema.columns
         WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`,
      ),
    ).toEqual([]);
  });
}

/** Tables of servers that share a database: a file of SQLite has one server. */
const AMONG_SERVERS = "('schema_version', 'changes', 'listeners')";

/** SQLite lets a key of text be null unless it is said otherwise; PostgreSQL does not. */
function primary(column: string): string {
  return column === "totals.repository TEXT" ? `${column} NOT NULL` : column;
}
