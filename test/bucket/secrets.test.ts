// Database and bucket that take another password and another key from some day on: the server that runs is told by a reload.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { databaseOfServer, onPostgres } from "../../src/store/testkit.ts";
import { type Gateway, startGateway, storeOptions } from "../support/bucket.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { databaseUrl } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

setDefaultTimeout(60_000);
const READY = "/-/health/ready";

const program = process.env["HOLDFAST_TEST_GATEWAY"];
if (program) define(program);

function define(program: string): void {
  let gateway: Gateway;
  let upstream: FakeUpstream;
  let server: TestServer | null = null;
  const home = tempFolder("secrets");
  beforeAll(async () => {
    gateway = await startGateway(program, ["packages"]);
    upstream = await startUpstream();
  });
  afterAll(async () => {
    await server?.stop();
    await upstream.stop();
    await gateway.stop();
  });

  const status = async (path: string) => {
    const response = await fetch(`${server!.url}${path}`);
    await response.arrayBuffer();
    return response.status;
  };

  test("another key of the bucket, and another password of the database, are taken in by a reload", async () => {
    const store = storeOptions(gateway.endpoint, "s3://packages/secrets");
    const database = onPostgres ? await withPassword() : null;
    server = await startServer(upstream, {
      server: { store, ...(database && { database: database.written }) },
    });
    expect(await status("/npm/kelp")).toBe(200);

    await gateway.kill();
    await gateway.revive("another secret of the key");
    await database?.change("second");
    expect(await status("/pypi/simple/coral-reef/")).toBe(503);
    writeFileSync(String(store["secretKeyFile"]), "another secret of the key");
    const reload = await server.operate("reload", "");
    expect(reload).toEqual({
      isDone: true,
      lines: [`Took the configuration in: ${onPostgres ? "database changed, " : ""}store changed`],
    });
    // The database ended each connection that there was; whoever meets one that is not known to be gone is told to come again.
    for (const path of ["/pypi/simple/coral-reef/", "/npm/kelp/-/kelp-1.0.0.tgz", READY])
      await waitFor(
        async () => (await status(path)) === 200,
        () => `${path} is not served`,
        20_000,
      );
  });

  /** A user of the test's own, who needs a password where all others need none. */
  async function withPassword() {
    const { place } = await databaseOfServer();
    const role = `renewed_${process.pid}`;
    const hba = join(place.host, "data", "pg_hba.conf");
    writeFileSync(hba, `local all ${role} scram-sha-256\n${readFileSync(hba, "utf8")}`);
    const { host, port, user, database } = place;
    const path = `${host}/.s.PGSQL.${port}`;
    const admin = new SQL({ adapter: "postgres", path, database, username: user, max: 1 });
    const passwordFile = join(home, "password");
    writeFileSync(passwordFile, "first");
    await admin.unsafe(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'first'`);
    await admin`SELECT pg_reload_conf()`;
    return {
      written: { url: databaseUrl({ ...place, user: role }), passwordFile },
      /** All connections that there are end by it. */
      async change(password: string) {
        await admin.unsafe(`ALTER ROLE ${role} PASSWORD '${password}'`);
        await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${role}`;
        writeFileSync(passwordFile, password);
        await admin.close();
      },
    };
  }
}
