// A database that lets the server in no more: it is not asked again for each question, since whoever fails too often is locked out.
import { afterAll, afterEach, beforeAll, beforeEach, expect, spyOn, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import type { Database } from "../../src/store/database.ts";
import { type OpenNews, openNews } from "../../src/store/news.ts";
import { askPostgres, openPostgres } from "../../src/store/postgres.ts";
import { type Watch, watchPostgres } from "../../src/store/postgres-watch.ts";
import { type Counted, countConnections } from "../support/postgres-between.ts";
import { startTenancy, type Tenancy } from "../support/postgres-tenant.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let tenancy: Tenancy;
  let counted: Counted;
  let database: Database;
  let lone: ReturnType<typeof askPostgres>;
  let watch: Watch;
  let news: OpenNews;
  const folder = tempFolder("logins");
  const passwordFile = join(folder, "password");
  const warned: string[] = [];
  beforeAll(async () => {
    tenancy = await startTenancy();
    counted = await countConnections(tenancy.server.folder, join(folder, "counted"));
    await waitFor(
      async () => (await who("wrong")) === "refused",
      () => "everybody is let in",
    );
  });
  beforeEach(async () => {
    writeFileSync(passwordFile, "first\n");
    await tenancy.say("ALTER ROLE tenant PASSWORD 'first'");
    const place = {
      ...{ host: counted.folder, port: 5432, database: "tenancy", user: "tenant", tls: null },
      ...{ connections: 4, password: "first", passwordFile },
    };
    database = await openPostgres(place);
    lone = askPostgres(place);
    const warn = (message: string) => void warned.push(message);
    watch = watchPostgres(place, { replaced: async () => {}, decided: async () => {}, warn });
    news = await openNews({ database, place, warn: () => {} });
    await news.follow(async () => {});
    warned.length = 0;
  });
  afterEach(async () => {
    await news.close();
    await watch.close();
    await lone.close();
    await database.close();
  });
  afterAll(async () => {
    counted?.stop();
    await tenancy?.stop();
  });

  async function who(password: string): Promise<string> {
    const path = join(tenancy.server.folder, ".s.PGSQL.5432");
    const sql = new SQL({
      ...{ adapter: "postgres", path, database: "tenancy", username: "tenant", max: 1 },
      password,
    });
    const said = await sql`SELECT 1`.then(
      () => "let in",
      () => "refused",
    );
    await sql.close();
    return said;
  }
  const cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant'";
  const listeners = async () => {
    const [{ total }] =
      await tenancy.admin`SELECT count(*)::int AS total FROM pg_stat_activity WHERE usename = 'tenant' AND query LIKE 'LISTEN%'`;
    return total;
  };

  async function askAll(): Promise<string[]> {
    const asked = await Promise.allSettled([
      database.read`SELECT 1 AS one`,
      database.read`SELECT 2 AS two`,
      database.write((sql) => sql`DELETE FROM absences`),
      lone.ask`SELECT 3 AS three`,
      watch.look(),
    ]);
    return asked.map((one) =>
      one.status === "fulfilled" ? "done" : `${one.reason.kind}: ${one.reason.message}`,
    );
  }
  /** All that is asked is answered again, and what others change is told to it. */
  async function isBack(): Promise<boolean> {
    return (await askAll()).every((said) => said === "done") && (await listeners()) === 1;
  }
  async function comesBack(): Promise<void> {
    await waitFor(isBack, () => "it does not come back", 20_000);
  }
  /** What was said, and how often it was tried to log in for that. */
  async function askOften(times: number) {
    const before = counted.made;
    const said = new Set<string>();
    for (let time = 0; time < times; time += 1)
      for (const one of await askAll()) if (one !== "done") said.add(one);
    return { said: [...said], tried: counted.made - before };
  }

  const notLetIn =
    "busy: The database does not let this server in: user or password are not those it knows";

  test("a refused password is not tried for each question, and another one in its file at once", async () => {
    const printed = spyOn(console, "warn").mockImplementation(() => {});
    await tenancy.say("ALTER ROLE tenant PASSWORD 'second'", cut);
    await waitFor(
      async () => (await askAll()).every((said) => said === notLetIn),
      () => "it is let in",
    );
    const { said, tried } = await askOften(200);
    expect(said).toEqual([notLetIn]);
    expect(tried).toBeLessThan(20); // of 1000 questions
    writeFileSync(passwordFile, "second\n");
    await comesBack();
    expect(printed.mock.calls).toEqual([]);
    printed.mockRestore();
  });

  test.each([
    {
      title: "a password that is right again",
      begin: ["ALTER ROLE tenant PASSWORD 'second'", cut],
      end: ["ALTER ROLE tenant PASSWORD 'first'"],
      words: notLetIn,
    },
    {
      title: "a user that may log in again",
      begin: ["ALTER ROLE tenant NOLOGIN", cut],
      end: ["ALTER ROLE tenant LOGIN"],
      words: notLetIn,
    },
    {
      title: "a user that may use the database again",
      begin: [
        "ALTER DATABASE tenancy OWNER TO holdfast",
        "REVOKE CONNECT ON DATABASE tenancy FROM PUBLIC",
        cut,
      ],
      end: ["ALTER DATABASE tenancy OWNER TO tenant"],
      words: "busy: The database does not allow its user to do this",
    },
  ])(
    "$title is found by itself, and few are the attempts until then",
    async ({ begin, end, words }) => {
      await tenancy.say(...begin);
      await waitFor(
        async () => (await askAll()).every((said) => said === words),
        () => "it is let in",
      );
      const { said, tried } = await askOften(100);
      expect(said).toEqual([words]);
      expect(tried).toBeLessThan(20);
      await tenancy.say(...end);
      await comesBack();
    },
  );

  test("what is connected goes on where the next connection is refused", async () => {
    const asks = async () => [
      await database.read`SELECT 1 AS one`,
      await database.write((sql) => sql`SELECT 2 AS two`),
    ];
    await asks();
    await tenancy.say("ALTER ROLE tenant PASSWORD 'second'");
    await expect(lone.ask`SELECT 3 AS three`).rejects.toThrow("does not let this server in");
    expect(await asks()).toEqual([[{ one: 1 }], [{ two: 2 }]]);
  });

  test("a connection that listens is made anew, also while it is not let in at first", async () => {
    await askAll(); // all others are connected
    const ended = `${cut} AND query LIKE 'LISTEN%'`;
    await tenancy.say("ALTER ROLE tenant PASSWORD 'second'", ended);
    await waitFor(
      async () => (await listeners()) === 0,
      () => "it still listens",
    );
    const { said, tried } = await askOften(200);
    expect(said).toEqual([]);
    expect(tried).toBeLessThan(20);
    await tenancy.say("ALTER ROLE tenant PASSWORD 'first'");
    await comesBack();
  });

  test("a file of the password that is gone is told once, and the password that was there is used", async () => {
    rmSync(passwordFile);
    await tenancy.say(cut);
    await comesBack();
    await tenancy.say(cut);
    await comesBack();
    expect(warned).toEqual([
      `The database's password is the one of the start or the last reload: ${passwordFile} cannot be read, or is empty`,
    ]);
    writeFileSync(passwordFile, "first");
    await tenancy.say(cut);
    await comesBack();
    rmSync(passwordFile);
    await tenancy.say(cut);
    await comesBack();
    expect(warned).toHaveLength(2);
  });
}
