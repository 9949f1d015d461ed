// What a failover of the database is to servers on it: a primary that dies, its standby that takes over, and an address that leads to one after the other.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { haveHeard, rowsOf } from "../support/catalog.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import {
  databaseUrl,
  type PostgresServer,
  placeIn,
  postgresPrograms,
  startPostgres,
} from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Front, type Standby, startFront, startStandby } from "../support/standby.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let primary: PostgresServer;
  let standby: Standby;
  let front: Front;
  let servers: TestServer[] = [];
  beforeEach(async () => {
    upstream = await startUpstream();
    primary = await startPostgres(postgresPrograms()!);
    standby = await startStandby(primary);
    front = await startFront(primary);
  });
  afterEach(async () => {
    front.lead(standby, "cut"); // where a test failed: without a database a server takes its time to end
    for (const server of servers.toReversed()) await server.stop();
    const log = servers.flatMap((server) => server.log);
    servers = [];
    await front.stop();
    await standby.stop();
    await primary.stop();
    await upstream.stop();
    expect(log.filter((line) => line.includes("because of a bug"))).toEqual([]);
  });

  /** Behind the address; several are nodes. */
  async function start(count: number): Promise<TestServer[]> {
    for (let nth = 0; nth < count; nth += 1) {
      const [beside] = servers;
      const options = {
        isShared: count > 1,
        claims: { npm: ["*-own"] },
        access: { anonymous: "read" },
        server: { database: databaseUrl(placeIn(front.folder)) },
        ...(beside && { beside }),
      };
      servers.push(await startServer(upstream, options));
    }
    return servers;
  }
  const say = (to: PostgresServer, ...statements: string[]) =>
    to.run("psql", [
      ...["-X", "-q", "-h", to.folder, "-U", "holdfast", "-d", "postgres"],
      ...statements.flatMap((statement) => ["-c", statement]),
    ]);
  const ask = (server: TestServer, path: string, token?: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, {
      ...init,
      ...(token && { headers: { authorization: `Bearer ${token}` } }),
    });
  async function answer(...asked: Parameters<typeof ask>): Promise<[number, string]> {
    const response = await ask(...asked);
    return [response.status, await response.text()];
  }
  const status = async (...asked: Parameters<typeof ask>) => (await answer(...asked))[0];
  const ready = (server: TestServer) => answer(server, "/-/health/ready");
  const installs = (server: TestServer, name: string) =>
    status(server, `/npm/${name}/-/${name}-1.0.0.tgz`);
  const publishing = (server: TestServer, token: string, name: string) => {
    const body = npmPublication(name, "1.0.0").body as BodyInit;
    return answer(server, `/npm/${name}`, token, { method: "PUT", body });
  };
  const publish = async (...given: Parameters<typeof publishing>) =>
    (await publishing(...given))[0];
  async function tokenOf(server: TestServer, user: string): Promise<{ token: string; id: string }> {
    await server.account("user add", { name: user, password: "correct horse battery" });
    await server.account("grant add", { holder: `user:${user}`, actions: ["read", "publish"] });
    const scope = { actions: null, repositories: null, packages: null };
    const lines = await server.account("token create", { user, name: "ci", scope });
    const listed = await server.account("token list", { user });
    return {
      token: lines.join("\n").match(/hf_\w+/)![0],
      id: listed.join("\n").match(/[0-9a-f]{8}-[0-9a-f-]{27}/)![0],
    };
  }
  const whoami = (server: TestServer, token: string) => status(server, "/npm/-/whoami", token);
  /** What was asked for before goes on, whatever the database does. */
  async function warm(): Promise<void> {
    for (const server of servers)
      for (const path of ["/npm/kelp", "/npm/kelp/-/kelp-1.0.0.tgz"])
        expect(await status(server, path)).toBe(200);
  }
  async function until(condition: () => Promise<boolean>, why: string): Promise<void> {
    await waitFor(condition, () => why, 30_000);
  }
  /** The standby has on its disk what the primary has. */
  const isFollowed = () =>
    until(async () => {
      const query = "SELECT flush_lsn >= pg_current_wal_lsn() AS has FROM pg_stat_replication";
      return rowsOf<{ has: boolean }>(placeIn(primary.folder), query)[0]?.has === true;
    }, "the standby does not follow");
  const isLogged = (to: PostgresServer) =>
    until(
      async () => rowsOf(placeIn(to.folder), "SELECT 1 FROM log_queue").length === 0,
      "the append-only log does not go on",
    );
  const isReady = () =>
    until(async () => {
      const all = await Promise.all(servers.map(ready));
      return all.every(([is]) => is === 200);
    }, "it does not come back");

  test("a server goes on with the standby that took over: until then it reads there, says that nothing is written, and after that two cannot both have the database", async () => {
    // As in containers, where processes of two servers may have one number.
    await say(
      primary,
      "CREATE FUNCTION pg_backend_pid() RETURNS int LANGUAGE sql AS 'SELECT 7'",
      "ALTER DATABASE postgres SET search_path = public, pg_catalog",
    );
    const [server] = await start(1);
    const { token } = await tokenOf(server!, "ann");
    expect(await publish(server!, token, "ours-own")).toBe(201);
    await warm();
    await isFollowed();

    front.lead(standby, "cut");
    await primary.kill();
    await until(
      async () => (await ready(server!))[1].includes("The database takes no writes now"),
      "it says that it is ready",
    );
    expect((await ready(server!))[0]).toBe(503);
    expect(await publishing(server!, token, "more-own")).toEqual([
      503,
      expect.stringContaining("The database takes no writes now"),
    ]);
    expect([await status(server!, "/npm/tide"), await installs(server!, "ours-own")]).toEqual([
      503, 200,
    ]);
    await warm();

    await standby.promote();
    await isReady();
    expect(await publish(server!, token, "more-own")).toBe(201);
    for (const name of ["ours-own", "more-own"]) expect(await installs(server!, name)).toBe(200);
    await warm();
    const beside = { server: { database: databaseUrl(placeIn(standby.folder)) } };
    await expect(startServer(upstream, beside)).rejects.toThrow(
      "Another Holdfast is running on the database",
    );
  });

  /** What is changed at one is so at the others, at once. */
  async function areOne(token: string, name: string): Promise<void> {
    const [first, ...others] = servers;
    const { token: other, id } = await tokenOf(first!, `user-of-${name}`);
    for (const server of servers) expect(await whoami(server, other)).toBe(200);
    for (const [nth, server] of servers.entries()) {
      expect(await publish(server, token, `${name}${nth}-own`)).toBe(201);
      for (const one of servers) expect(await installs(one, `${name}${nth}-own`)).toBe(200);
    }
    await first!.account("token revoke", { id });
    for (const server of [first!, ...others]) expect(await whoami(server, other)).toBe(401);
  }
  /** Connections of servers there, and how many of them listen. */
  const connected = (to: PostgresServer) =>
    rowsOf<{ total: number; listening: number }>(
      placeIn(to.folder),
      `SELECT count(*) AS total, count(*) FILTER (WHERE query LIKE 'LISTEN%') AS listening
      FROM pg_stat_activity WHERE application_name LIKE 'holdfast %'`,
    )[0]!;

  test("nodes go on with the standby that took over: what was acknowledged is there, each is called, and they know of each other", async () => {
    await say(
      primary,
      "ALTER SYSTEM SET synchronous_standby_names = '*'",
      "SELECT pg_reload_conf()",
    );
    await start(3);
    const { token } = await tokenOf(servers[0]!, "ann");
    const { token: revoked, id } = await tokenOf(servers[0]!, "ben");
    await areOne(token, "before");
    await warm();
    await servers[1]!.account("token revoke", { id });
    // What is found out behind a fetch has memory read once more, and each is told of it.
    await until(async () => {
      const known = `SELECT 1 FROM changes WHERE kind = 'provenance' AND key LIKE '%kelp%'`;
      const place = placeIn(primary.folder);
      return rowsOf(place, known).length > 0 && haveHeard(place);
    }, "something is still found out");
    await warm();
    await primary.kill();
    await warm();
    front.lead(standby, "cut");
    await standby.promote();
    await isReady();
    for (const server of servers) {
      expect(await whoami(server, revoked)).toBe(401);
      for (const nth of [0, 1, 2]) expect(await installs(server, `before${nth}-own`)).toBe(200);
    }
    await until(
      async () => connected(standby).listening === 3,
      "nobody calls them where they listen",
    );
    await areOne(token, "after");
    const held = rowsOf<{ alive: boolean }>(
      placeIn(standby.folder),
      "SELECT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = leases.node) AS alive FROM leases",
    );
    expect(held.map(({ alive }) => alive)).not.toContain(false);
    expect(rowsOf(placeIn(standby.folder), "SELECT id FROM nodes")).toHaveLength(3);
    await warm();
  });

  test("connections that stay open to a primary that only reads any more are left by all nodes, also by those that only read and listen", async () => {
    await start(3);
    const { token } = await tokenOf(servers[0]!, "ann");
    await areOne(token, "before");
    await warm();
    await isFollowed();
    await say(
      primary,
      "ALTER SYSTEM SET default_transaction_read_only = on",
      "SELECT pg_reload_conf()",
    );
    await standby.promote();
    front.lead(standby, "leftOpen");
    await until(async () => connected(primary).total === 0, "somebody stays at the old one");
    await isReady();
    expect(connected(standby).listening).toBe(3);
    await areOne(token, "after");
    await warm();
  });

  test.each([1, 3])(
    "%d go on with the standby of a primary whose machine is gone without a word",
    async (count) => {
      await start(count);
      const { token } = await tokenOf(servers[0]!, "ann");
      expect(await publish(servers[0]!, token, "kept-own")).toBe(201);
      await warm();
      await isFollowed();
      front.lead(standby, "silent");
      await primary.kill();
      await standby.promote();
      expect(await publish(servers[0]!, token, "lost-own")).toBe(503);
      await isReady();
      await areOne(token, "after");
      for (const server of servers) expect(await installs(server, "kept-own")).toBe(200);
      await warm();
    },
  );

  test.each([1, 3])(
    "what a standby had not got when it took over nobody of %d goes by any more",
    async (count) => {
      await start(count);
      const { token, id } = await tokenOf(servers[0]!, "ann");
      const { token: other } = await tokenOf(servers[0]!, "ben");
      expect(await publish(servers[0]!, token, "kept-own")).toBe(201);
      await isFollowed();
      await standby.kill();
      expect(await publish(servers[0]!, token, "lost-own")).toBe(201);
      for (const server of servers) expect(await installs(server, "lost-own")).toBe(200);
      await servers[0]!.account("token revoke", { id });
      for (const server of servers) expect(await whoami(server, token)).toBe(401);
      await isLogged(primary);
      await primary.kill();
      await standby.revive();
      front.lead(standby, "cut");
      await standby.promote();
      await isReady();
      for (const server of servers) {
        await until(
          async () => (await installs(server, "lost-own")) === 404,
          "it goes on with what is lost",
        );
        expect(await whoami(server, token)).toBe(200); // to be revoked again: docs/scale.md
        expect(await installs(server, "kept-own")).toBe(200);
      }
      expect(await publish(servers[0]!, other, "lost-own")).toBe(201);
      for (const server of servers) expect(await installs(server, "lost-own")).toBe(200);
      await isLogged(standby);
      const log = servers.flatMap((server) => server.log);
      expect(log.filter((line) => line.includes('"event":"history-lost"'))).toHaveLength(1);
    },
  );
}
