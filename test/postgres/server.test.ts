// A whole server on a PostgreSQL: what it keeps there, whose files it takes for its own, and what it does while the database is away.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { databaseOfServer } from "../../src/store/testkit.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { databaseUrl, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { cutAtCommit } from "../support/postgres-between.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let server: TestServer;
  beforeEach(async () => {
    upstream = await startUpstream();
  });
  afterEach(async () => {
    await server.stop();
    await upstream.stop();
  });

  const get = (path: string) => fetch(`${server.url}${path}`);
  const status = async (path: string) => (await get(path)).status;

  /** With the right to publish. */
  async function tokenOf(user: string): Promise<string> {
    await server.account("user add", { name: user, password: "correct horse battery" });
    await server.account("grant add", { holder: `user:${user}`, actions: ["read", "publish"] });
    const lines = await server.account("token create", {
      user,
      name: "ci",
      scope: { actions: null, repositories: null, packages: null },
    });
    return lines.join("\n").match(/hf_\w+/)![0];
  }
  const publish = (token: string, name: string) =>
    fetch(`${server.url}/npm/${name}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: npmPublication(name, "1.0.0").body,
    });

  test("a server keeps there what it would keep in its file, over a restart and offline", async () => {
    server = await startServer(upstream, { claims: { npm: ["*-own"] } });
    const token = await tokenOf("ann");
    expect((await publish(token, "ours-own")).status).toBe(201);
    expect(await status("/npm/kelp")).toBe(200);
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    await server.restart({ offline: true, claims: { npm: ["*-own"] } });
    expect(await status("/npm/kelp")).toBe(200);
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    expect(await status("/npm/ours-own")).toBe(200);
    expect(await status("/-/health/ready")).toBe(200);
    expect(server.files().map(({ file }) => file)).toContain("kelp-1.0.0.tgz");
  });

  test("while the database is away what is in memory is served, the rest is refused with words, and nothing is lost", async () => {
    const postgres = await startPostgres(postgresPrograms()!);
    const database = `postgres://holdfast@/postgres?host=${postgres.folder}`;
    server = await startServer(upstream, {
      server: { database },
      freshness: "1m",
      claims: { npm: ["*-own"] },
    });
    const token = await tokenOf("ann");
    expect((await publish(token, "ours-own")).status).toBe(201);
    for (const path of ["/npm/kelp", "/npm/kelp/-/kelp-1.0.0.tgz"])
      expect(await status(path)).toBe(200);

    await postgres.kill();
    const ready = await get("/-/health/ready");
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("database")]);
    expect(await status("/-/health/live")).toBe(200);
    for (const path of ["/npm/kelp", "/npm/kelp/-/kelp-1.0.0.tgz"])
      expect(await status(path)).toBe(200);
    server.advance(10 * 60_000); // what was fresh is stale, and cannot be refreshed
    expect(await status("/npm/kelp")).toBe(200);
    const refused = await publish(token, "more-own");
    expect([refused.status, await refused.text()]).toEqual([
      503,
      expect.stringContaining("The database cannot be reached"),
    ]);
    expect(await status("/npm/tide")).toBe(503);

    await postgres.revive();
    await waitFor(
      async () => (await status("/-/health/ready")) === 200,
      () => "it does not come back",
    );
    expect((await publish(token, "more-own")).status).toBe(201);
    for (const path of ["/npm/tide", "/npm/ours-own", "/npm/more-own"])
      expect(await status(path)).toBe(200);
    await server.stop();
    await postgres.stop();
    server = await startServer(upstream);
  });

  test.each([{ isShared: false }, { isShared: true }])(
    "what was stored without an answer is there without a restart, of several servers: $isShared",
    async ({ isShared }) => {
      const { place, drop } = await databaseOfServer();
      const between = await cutAtCommit(place.host, join(tempFolder("cut"), "between"));
      const database = databaseUrl({ ...place, host: between.folder });
      const claims = { npm: ["*-own"] };
      server = await startServer(upstream, { server: { database }, claims, isShared });
      const token = await tokenOf("ann");
      expect(await status("/npm/ours-own")).toBe(404);
      between.arm("ours-own");
      const refused = await publish(token, "ours-own");
      expect([refused.status, await refused.text()]).toEqual([
        503,
        expect.stringContaining("it may be there or not"),
      ]);
      await waitFor(
        async () => (await status("/npm/ours-own/-/ours-own-1.0.0.tgz")) === 200,
        () => "it is not there",
        10_000,
      );
      expect(await status("/npm/ours-own")).toBe(200);
      await server.stop();
      between.stop();
      await drop();
      server = await startServer(upstream);
    },
  );

  test("one server at a time has a database, and only with its own files", async () => {
    server = await startServer(upstream);
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    const mark = JSON.parse(readFileSync(join(server.data, "catalog.json"), "utf8"));
    await expect(startServer(upstream, { server: { database: mark.url } })).rejects.toThrow(
      "Another Holdfast is running on the database",
    );

    const other = await databaseOfServer();
    await expect(
      server.restart({ server: { database: databaseUrl(other.place) } }),
    ).rejects.toThrow(/The files in .* belong to another database/);
    await other.drop();
    await expect(startServer(upstream, { server: { database: mark.url } })).rejects.toThrow(
      /belongs to another data directory/,
    );
    await expect(server.restart({ server: { database: undefined } })).rejects.toThrow(
      "the configuration must name it",
    );
    await server.restart({ server: {} });
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
  });
}
