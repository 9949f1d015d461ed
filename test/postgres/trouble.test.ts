// A database that answers, and does not do what it is asked for reasons of its own: told as an outage, never as our bug, and used again when that has passed.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { startTenancy, type Tenancy } from "../support/postgres-tenant.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let tenancy: Tenancy;
  let database: Database;
  const passwordFile = join(tempFolder("trouble"), "password");
  beforeAll(async () => {
    tenancy = await startTenancy();
    await waitFor(open, () => "the database does not let us in", 10_000);
  });
  afterAll(async () => {
    await database?.close();
    await tenancy?.stop();
  });

  async function open(): Promise<boolean> {
    const place = {
      ...{
        host: tenancy.server.folder,
        port: 5432,
        database: "tenancy",
        user: "tenant",
        tls: null,
      },
      connections: 3,
      ...{ password: "first", passwordFile },
    };
    database = await openPostgres(place, { isAlone: true });
    return true;
  }
  /** Whoever is connected learns of the rest when it connects again. */
  const cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant'";
  const asks = {
    read: () => database.read`SELECT count(*) AS total, pg_sleep(0.01) FROM absences`,
    write: () =>
      database.write(
        (sql) => sql`INSERT INTO absences (repository, what, key, said, status, at)
          SELECT 'r', ${randomUUID()}, 'k', '', 404, count(pg_sleep(0.01))`,
      ),
  };
  const said = (how: keyof typeof asks) =>
    asks[how]().then(
      () => "done",
      ({ kind, message }) => `${kind}: ${message}`,
    );
  /** Until it says that, and in no other words than those of an outage. */
  async function comesTo(words: string, how: keyof typeof asks): Promise<void> {
    let last = "";
    await waitFor(
      async () => {
        last = await said(how);
        expect(last).toMatch(/^(done$|busy: )/);
        return last === words;
      },
      () => `${how}: ${last}`,
      10_000,
    );
  }

  const notLetIn =
    "busy: The database does not let this server in: user or password are not those it knows";

  test.each([
    {
      title: "its password was changed",
      begin: ["ALTER ROLE tenant PASSWORD 'second'", cut],
      end: ["ALTER ROLE tenant PASSWORD 'first'"],
      read: notLetIn,
      write: notLetIn,
    },
    {
      title: "its user may not log in any more",
      begin: ["ALTER ROLE tenant NOLOGIN", cut],
      end: ["ALTER ROLE tenant LOGIN"],
      read: notLetIn,
      write: notLetIn,
    },
    {
      title: "its user may not use it any more",
      begin: [
        "ALTER DATABASE tenancy OWNER TO holdfast",
        "REVOKE CONNECT ON DATABASE tenancy FROM PUBLIC",
        cut,
      ],
      end: ["ALTER DATABASE tenancy OWNER TO tenant"],
      read: "busy: The database does not allow its user to do this",
      write: "busy: The database does not allow its user to do this",
    },
    {
      title: "it has another name",
      begin: [
        "ALTER DATABASE tenancy ALLOW_CONNECTIONS false",
        cut,
        "ALTER DATABASE tenancy RENAME TO elsewhere",
      ],
      end: [
        "ALTER DATABASE elsewhere RENAME TO tenancy",
        "ALTER DATABASE tenancy ALLOW_CONNECTIONS true",
      ],
      read: "busy: There is no database of that name on its server",
      write: "busy: There is no database of that name on its server",
    },
    {
      title: "it has too many connections",
      begin: ["ALTER ROLE tenant CONNECTION LIMIT 0", cut],
      end: ["ALTER ROLE tenant CONNECTION LIMIT -1"],
      read: "busy: The database takes no more connections",
      write: "busy: The database takes no more connections",
    },
    {
      title: "it gives no statement its time",
      begin: ["ALTER ROLE tenant SET statement_timeout = 5", cut],
      end: ["ALTER ROLE tenant RESET statement_timeout", cut],
      read: "busy: The database ended what it was asked, by a limit of its own",
      write: "busy: The database ended what it was asked, by a limit of its own",
    },
    {
      title: "it is read-only",
      begin: ["ALTER ROLE tenant SET default_transaction_read_only = on", cut],
      end: ["ALTER ROLE tenant RESET default_transaction_read_only"],
      read: "done",
      write: "busy: The database takes no writes now: it can only be read",
    },
  ])("$title", async ({ begin, end, read, write }) => {
    await tenancy.say(...begin);
    await comesTo(read, "read");
    await comesTo(write, "write");
    await tenancy.say(...end);
    await comesTo("done", "write");
    await comesTo("done", "read");
    const again = await Promise.all([said("write"), said("write"), said("read")]);
    expect(again).toEqual(["done", "done", "done"]);
  });

  test("a password that was changed in its file is used with the next connection", async () => {
    writeFileSync(passwordFile, "second\n");
    await tenancy.say("ALTER ROLE tenant PASSWORD 'second'", cut);
    await comesTo("done", "read");
    await comesTo("done", "write");
  });
}
