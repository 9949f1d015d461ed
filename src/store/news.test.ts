// What servers on one PostgreSQL tell each other. In the group on PostgreSQL of test/run.ts.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import { waitFor } from "../../test/support/wait.ts";
import { type Change, createChanges, type Hub } from "./changes.ts";
import type { Database } from "./database.ts";
import { type NewsTimes, type OpenNews, openNews } from "./news.ts";
import { onPostgres, openTestDatabase, placeOf } from "./testkit.ts";

if (onPostgres) define();

/** Nothing is found by looking: only who is called, or asked to look. */
const NEVER = 24 * 60 * 60_000;

interface Node {
  news: OpenNews;
  changes: Hub;
  heard: (string | null)[];
  /** Resolves when it has heard of the change, or of this many in all. */
  until(key: string | null): Promise<void>;
}

function define(): void {
  let root: string;
  let database: Database;
  let nodes: Node[];
  let warned: string[];
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "holdfast-news-"));
    database = await openTestDatabase(join(root, "holdfast.db"));
    nodes = [];
    warned = [];
  });
  afterEach(async () => {
    for (const { news } of nodes) await news.close();
    await database.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function node(times: Partial<NewsTimes> = {}, on = database): Promise<Node> {
    const place = await placeOf(join(root, "holdfast.db"));
    const warn = (message: string) => void warned.push(message);
    const all = { look: NEVER, wait: 60_000, deaf: NEVER, tidy: NEVER, ...times };
    const news = await openNews({ database: on, place, warn, times: all });
    const changes = createChanges(news);
    const heard: (string | null)[] = [];
    let look = Promise.withResolvers<void>();
    const note = (key: string | null) => {
      heard.push(key);
      look.resolve();
      look = Promise.withResolvers();
    };
    for (const kind of ["document", "hosted"] as const)
      changes.on(
        kind,
        ({ key }, from) => from === "elsewhere" && note(key),
        () => note(null),
      );
    const made = {
      news,
      changes,
      heard,
      async until(key: string | null) {
        while (!heard.includes(key)) await look.promise;
      },
    };
    nodes.push(made);
    return made;
  }

  async function following(times: Partial<NewsTimes> = {}): Promise<Node> {
    const one = await node(times);
    await one.news.follow(one.changes.hear);
    return one;
  }

  async function connect(): Promise<SQL> {
    const { host, port, database: name, user } = await placeOf(join(root, "holdfast.db"));
    const path = `${host}/.s.PGSQL.${port}`;
    return new SQL({ adapter: "postgres", path, database: name, username: user, max: 1 });
  }

  const change = (key: string, kind: Change["kind"] = "document"): Change => ({
    kind,
    repository: "npm",
    key,
  });

  test("what is noted in a transaction is heard on every other server once it is committed, and never of one that was rolled back", async () => {
    const [a, b, c] = [await following(), await following(), await following()];
    const undone = database.write(async (sql) => {
      await a.changes.note(sql, change("undone"));
      throw new Error("changed its mind");
    });
    await expect(undone).rejects.toThrow("changed its mind");
    const key = "left-pad\0left-pad-1.0.0.tgz";
    await database.write((sql) => a.changes.note(sql, change(key)));
    await Promise.all([b.until(key), c.until(key)]);
    await a.news.look();
    expect([a.heard, b.heard, c.heard]).toEqual([[], [key], [key]]);
  });

  test("a transaction that began before others and ends after them is heard of, and nothing twice", async () => {
    const [a, b] = [await node(), await node()];
    await b.news.follow(b.changes.hear);
    const slow = await connect();
    await slow.unsafe("BEGIN");
    await slow.unsafe(
      "INSERT INTO changes (origin, kind, repository, key) VALUES ('c', 'document', 'npm', '\"slow\"')",
    );
    for (const key of ["one", "two"])
      await database.write((sql) => a.changes.note(sql, change(key)));
    await b.until("two");
    await slow.unsafe("COMMIT");
    await b.until("slow");
    await database.write((sql) => a.changes.note(sql, change("three")));
    await b.until("three");
    expect(b.heard).toEqual(["one", "two", "slow", "three"]);
    await slow.close();
  });

  test("who publishes is answered once every other server has heard of it", async () => {
    const [a, b] = [await following(), await following()];
    const published = change("ours", "hosted");
    await database.write((sql) => a.changes.note(sql, published));
    await a.changes.everywhere(published);
    expect(b.heard).toEqual(["ours"]);
    expect(warned).toEqual([]);
  });

  test("a server that does not say that it hears is waited for once, told of, and waited for again when it has spoken", async () => {
    const [a, b] = [await following({ wait: 1 }), await node()];
    let isStuck = false;
    const stuck = Promise.withResolvers<void>();
    await b.news.follow(async (changes) => {
      if (isStuck) await stuck.promise;
      await b.changes.hear(changes);
    });
    isStuck = true;
    const publish = async (key: string) => {
      await database.write((sql) => a.changes.note(sql, change(key, "hosted")));
      await a.changes.everywhere(change(key, "hosted"));
    };
    await publish("one");
    await publish("two");
    expect([b.heard, warned.length]).toEqual([[], 1]);
    expect(warned[0]).toContain("does not say that it hears");
    stuck.resolve();
    await b.until("two");
  });

  test("a server that is dead is waited for by nobody, and one that lives all the same is waited for again", async () => {
    const [a, b, c] = [await following(), await following(), await following()];
    const publish = async (key: string) => {
      await database.write((sql) => a.changes.note(sql, change(key, "hosted")));
      await a.changes.everywhere(change(key, "hosted"));
    };
    nodes.splice(nodes.indexOf(c), 1);
    await c.news.close(); // it hears nothing more, and its row goes: as of one that was killed it is put back
    await database.write(
      (sql) =>
        sql`INSERT INTO listeners (origin, heard) SELECT ${c.news.origin}, pg_current_snapshot()::text`,
    );
    const waiting = publish("one");
    await b.until("one");
    await b.news.gone(c.news.origin); // by another survivor than the one that waits
    await waiting;
    await publish("two");
    expect(warned).toEqual([]);
    await a.news.gone(b.news.origin);
    await b.news.again();
    // And so is one that was back before it was said that it is gone.
    await database.write(
      (sql) =>
        sql`INSERT INTO nodes (id, host, version, since, beat, origin)
          VALUES ('back', 'here', '0', 0, 1, ${b.news.origin})`,
    );
    await a.news.gone(b.news.origin);
    const rows = await database.read`SELECT origin FROM listeners`;
    expect(rows.map(({ origin }) => origin).toSorted()).toEqual(
      [a.news.origin, b.news.origin].toSorted(),
    );
  });

  test("more than are told one by one are told as anything", async () => {
    const b = await node();
    const psql = await connect();
    await psql.unsafe(`INSERT INTO changes (origin, kind, repository, key)
      SELECT 'c', 'document', 'npm', '"p' || nth || '"' FROM generate_series(1, 2001) AS nth`);
    await psql.close();
    await b.news.follow(b.changes.hear);
    await b.until(null);
    await b.news.look();
    expect(b.heard).toEqual([null, null]); // once for each kind
  });

  test("what a call was lost for is found by looking, also after the connection that listens was ended", async () => {
    const [a, b] = [await node(), await node()];
    await b.news.follow(b.changes.hear);
    await b.news.look();
    await database.write((sql) => sql.unsafe("ALTER TABLE changes DISABLE TRIGGER USER"));
    await database.write((sql) => a.changes.note(sql, change("unheard")));
    await b.news.look();
    await database.write((sql) => sql.unsafe("ALTER TABLE changes ENABLE TRIGGER USER"));
    expect(b.heard).toEqual(["unheard"]);
    await database.read`SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%'`;
    await database.write((sql) => a.changes.note(sql, change("after")));
    await b.news.look();
    expect(b.heard).toEqual(["unheard", "after"]);
  });

  test("who catches up has heard of all that was committed before, though nobody called, and once", async () => {
    const [a, b] = [await node(), await node()];
    await b.news.follow(b.changes.hear);
    await database.write((sql) => sql.unsafe("ALTER TABLE changes DISABLE TRIGGER USER"));
    await database.write((sql) => a.changes.note(sql, change("first")));
    await Promise.all(Array.from({ length: 50 }, () => b.changes.catchUp()));
    expect(b.heard).toEqual(["first"]);
    await database.write((sql) => a.changes.note(sql, change("second")));
    await b.changes.catchUp();
    expect(b.heard).toEqual(["first", "second"]);
    await database.write((sql) => sql.unsafe("ALTER TABLE changes RENAME TO away"));
    await b.changes.catchUp(); // never fails
    await database.write((sql) => sql.unsafe("ALTER TABLE away RENAME TO changes"));
  });

  test("who has not looked for as long as others wait looks before it answers; what cannot be had is waited for once", async () => {
    const a = await following();
    expect(a.changes.behind()).toBeNull();
    const away = Promise.withResolvers<never>();
    let isAway = false;
    const read = (...query: Parameters<Database["read"]>) =>
      isAway ? away.promise : database.read(...query);
    const b = await node({ wait: 100 }, { ...database, read } as Database);
    await b.news.follow(b.changes.hear);
    await database.write((sql) => sql.unsafe("ALTER TABLE changes DISABLE TRIGGER USER"));
    await database.write((sql) => a.changes.note(sql, change("meanwhile")));
    await Bun.sleep(150);
    expect(await b.changes.behind()).toBe(0);
    expect(b.heard).toEqual(["meanwhile"]);
    isAway = true;
    await Bun.sleep(150);
    await b.changes.behind();
    expect(b.changes.behind()).toBeNull();
    isAway = false;
    away.reject(new Error("the database is back"));
    await b.news.look();
    await Bun.sleep(150);
    expect(b.changes.behind()).not.toBeNull();
  });

  test("who hears does not wait until it can say so", async () => {
    const a = await following();
    const written = Promise.withResolvers<never>();
    let isBusy = false;
    const write: Database["write"] = (...work) =>
      isBusy ? written.promise : database.write(...work);
    const b = await node({}, { ...database, write } as Database);
    await b.news.follow(b.changes.hear);
    isBusy = true;
    for (const key of ["one", "two"]) {
      await database.write((sql) => a.changes.note(sql, change(key)));
      await b.until(key);
    }
    isBusy = false;
    written.reject(new Error("The database is busy"));
    await b.news.look();
    await database.write((sql) => a.changes.note(sql, change("three")));
    await a.changes.everywhere(change("three"));
    expect(b.heard).toEqual(["one", "two", "three"]);
  });

  test("a server that meets a newer one's database hears and writes nothing any more, and says so once", async () => {
    const b = await node({ look: 1, deaf: 1 });
    await b.news.follow(b.changes.hear);
    await database.write((sql) => sql.unsafe("UPDATE schema_version SET version = version + 1"));
    await expect(b.news.look()).rejects.toThrow("A newer Holdfast has brought the database");
    await waitFor(
      () => warned.length > 0 && !b.changes.isHearing(),
      () => "it goes on",
    );
    await expect(database.write(async () => {})).rejects.toThrow("it writes nothing any more");
    expect(warned).toHaveLength(1);
    const psql = await connect();
    await psql.unsafe("UPDATE schema_version SET version = version - 1");
    await psql.close();
  });

  test("what is old goes, with the listeners that spoke long ago", async () => {
    const [a, b] = [await node(), await node()];
    for (const one of [a, b]) await one.news.follow(one.changes.hear);
    for (const key of ["old", "new"])
      await database.write((sql) => a.changes.note(sql, change(key)));
    await b.until("new");
    const psql = await connect();
    await psql.unsafe("UPDATE changes SET at = at - interval '1 hour' WHERE key LIKE '%old%'");
    await psql.unsafe(
      "INSERT INTO listeners (origin, heard, at) VALUES ('gone', '1:1:', now() - interval '1 hour')",
    );
    const c = await node({ tidy: 0 });
    await c.news.follow(c.changes.hear);
    expect(await psql.unsafe("SELECT key FROM changes").values()).toEqual([['"new"']]);
    expect(await psql.unsafe("SELECT origin FROM listeners")).toHaveLength(3);
    await psql.close();
    await a.news.look();
    expect(a.heard).toEqual([]);
  });

  test("what cannot be told is told later, and nothing is missed", async () => {
    const [a, b] = [await node(), await node()];
    let isAway = true;
    await b.news.follow(async (changes) => {
      if (isAway) throw new Error("The database is away");
      await b.changes.hear(changes);
    });
    await database.write((sql) => sql.unsafe("ALTER TABLE changes DISABLE TRIGGER USER"));
    await database.write((sql) => a.changes.note(sql, change("kept")));
    await expect(b.news.look()).rejects.toThrow("away");
    isAway = false;
    await b.news.look();
    expect(b.heard).toEqual(["kept"]);
  });
}
