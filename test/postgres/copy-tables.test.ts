// Rows go from one engine to the other and back, and are the same.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { SQL } from "bun";
import { copyTable, digestOf } from "../../src/store/copy-tables.ts";
import { writeMove } from "../../src/store/moves.ts";
import { openPostgres, type PostgresPlace } from "../../src/store/postgres.ts";
import { allTables } from "../../src/store/tables.ts";
import { openPostgresTarget, readPostgresTables } from "../../src/store/tables-postgres.ts";
import { openSqliteTarget, type SqliteTarget } from "../../src/store/tables-sqlite.ts";
import { databaseOfServer } from "../../src/store/testkit.ts";
import { fillEvery, rowOf } from "../support/every-table.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  const tables = allTables();
  const named = (name: string) => tables.find((table) => table.name === name)!;
  let folder: string;
  let here: SqliteTarget;
  let server: { place: PostgresPlace; drop(): Promise<void> };
  beforeEach(async () => {
    folder = tempFolder("copy-tables");
    here = await openSqliteTarget(join(folder, "here.db"));
    server = await databaseOfServer();
  });
  afterEach(async () => {
    await here.close();
    await server.drop();
    removeTemp(folder);
  });
  const nothing = () => {};
  const open = (from = "/data") => openPostgresTarget(server.place, tables, from);

  test("what a file has is in the database, byte for byte, and in the file that is made of that", async () => {
    await fillEvery(tables, here, 30);
    const there = await open();
    for (const table of tables) {
      const copied = await copyTable(table, here, there, nothing);
      expect(copied).toMatchObject({ table: table.name, rows: 30, added: 30, removed: 0 });
      expect({ table, ...(await digestOf(table, there)) }).toMatchObject({
        table,
        rows: 30,
        digest: copied.digest,
      });
      expect(await copyTable(table, here, there, nothing)).toMatchObject({ added: 0, removed: 0 });
    }
    await there.seal();
    const reads = await readPostgresTables(server.place);
    const back = await openSqliteTarget(join(folder, "back.db"));
    for (const table of tables) {
      expect(await copyTable(table, reads, back, nothing)).toMatchObject({ rows: 30, added: 30 });
      expect(await digestOf(table, back)).toEqual(await digestOf(table, here));
    }
    await back.close();
    await reads.close();
  });

  test("a later copy brings what is new, and takes what has gone", async () => {
    await fillEvery(tables, here, 10);
    const there = await open();
    for (const table of tables) await copyTable(table, here, there, nothing);
    for (const table of tables) {
      await here.remove(table, [rowOf(table, 3), rowOf(table, 9)]);
      await here.insert(table, [rowOf(table, 11)]);
      expect(await copyTable(table, here, there, nothing)).toMatchObject({ added: 1, removed: 2 });
      expect(await digestOf(table, there)).toEqual(await digestOf(table, here));
    }
    await there.close();
  });

  test("a database that was sealed fires its triggers, and gives out numbers behind those that are taken", async () => {
    await here.insert(named("events"), [rowOf(named("events"), 100)]);
    const there = await open();
    for (const table of tables) await copyTable(table, here, there, nothing);
    const { place } = server;
    const sql = new SQL({
      adapter: "postgres",
      path: `${place.host}/.s.PGSQL.5432`,
      username: place.user,
      database: place.database,
      max: 1,
    });
    const [before] = await sql`SELECT count(*)::int AS queued FROM log_queue`;
    expect(before.queued).toBe(0);
    await there.seal();
    const [added] =
      await sql`INSERT INTO events (at, kind, repository, package, message, detail) VALUES (1, 'a', 'b', 'c', 'd', 'e') RETURNING id::int AS id`;
    expect(added.id).toBe(302);
    const [after] = await sql`SELECT count(*)::int AS queued FROM log_queue`;
    expect(after.queued).toBe(1);
    await sql.close();
  });

  test("one copy at a time has a database, and a row that it cannot hold is named", async () => {
    const there = await open();
    await expect(open()).rejects.toThrow("another move, is running on the database");
    const absences = named("absences");
    const text = (value: string) => rowOf(absences, 1).with(2, value);
    const rows = Array.from({ length: 20 }, (_, number) => text(`k${number}`));
    await expect(there.insert(absences, [...rows, text("a\0b")])).rejects.toThrow(
      /PostgreSQL does not take a row of absences \(repository ".*", what ".*", key "a\\u0000b"\)/,
    );
    await there.close();
  });

  test("a database with anything else in it is refused, and one that was begun goes on", async () => {
    await (await open()).close();
    await expect(open("/other")).rejects.toThrow("holds the half of a move from /data");
    const there = await open();
    await there.insert(named("users"), [rowOf(named("users"), 1)]);
    await there.seal();
    await there.arrived();
    await there.close();
    await expect(open()).rejects.toThrow("holds what a Holdfast server keeps");
    const served = await openPostgres(server.place);
    await writeMove(served, { state: "left", other: "/back", at: "2026" });
    await expect(open()).rejects.toThrow("was moved to /back, and is out of date");
    await served.write(async (sql) => {
      await sql.unsafe("DROP TABLE schema_version");
    });
    await served.close();
    await expect(open()).rejects.toThrow("The database has tables of something else");
  });

  test("while another process is connected to a database it is not left", async () => {
    const reads = await readPostgresTables(server.place);
    await reads.requireAlone(); // this one has connections of its own
    const other = new SQL({
      adapter: "postgres",
      path: `${server.place.host}/.s.PGSQL.5432`,
      username: server.place.user,
      database: server.place.database,
      connection: { application_name: "holdfast 7 on another" },
      max: 1,
    });
    await other`SELECT 1`;
    await expect(reads.requireAlone()).rejects.toThrow(
      "Servers are running on the database: holdfast 7 on another. Stop them first",
    );
    await other.close();
    await reads.requireAlone();
    await reads.close();
  });
}
