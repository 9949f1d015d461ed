// A PostgreSQL of a test's own with a database of a user who has a password: `tenancy`, of `tenant`, who is let in with "first".
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { type PostgresServer, postgresPrograms, startPostgres, USER } from "./postgres.ts";

export interface Tenancy {
  readonly server: PostgresServer;
  /** The server's administrator, in another database. */
  readonly admin: SQL;
  /** What the administrator does there. */
  say(...statements: string[]): Promise<void>;
  stop(): Promise<void>;
}

/** What the server reads again, that the password is asked for, may come a moment later. */
export async function startTenancy(): Promise<Tenancy> {
  const server = await startPostgres(postgresPrograms()!);
  const path = join(server.folder, ".s.PGSQL.5432");
  const admin = new SQL({
    adapter: "postgres",
    path,
    database: "postgres",
    username: USER,
    max: 1,
  });
  async function say(...statements: string[]): Promise<void> {
    for (const statement of statements) await admin.unsafe(statement);
  }
  const hba = join(server.folder, "data", "pg_hba.conf");
  writeFileSync(hba, `local all tenant scram-sha-256\n${readFileSync(hba, "utf8")}`);
  await say(
    "CREATE ROLE tenant LOGIN PASSWORD 'first'",
    "CREATE DATABASE tenancy OWNER tenant",
    "SELECT pg_reload_conf()",
  );
  return {
    ...{ server, admin },
    say,
    async stop() {
      await admin.close();
      await server.stop();
    },
  };
}
