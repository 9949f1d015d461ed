// A database that is put back to an earlier moment by its WAL, beside the files of today: what came since is no garbage until somebody says which one goes on.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../src/cli/index.ts";
import { fakeTerminal } from "../../src/cli/testing.ts";
import { commands } from "../../src/main.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { databaseUrl, type PostgresServer, placeIn } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Archived, startArchived } from "../support/standby.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let archived: Archived;
  let restored: PostgresServer | null;
  let server: TestServer;
  let folder: string;
  beforeEach(async () => {
    folder = tempFolder("recovery");
    restored = null;
    upstream = await startUpstream();
    archived = await startArchived();
    server = await startServer(upstream, on(archived));
  });
  afterEach(async () => {
    await server.stop();
    await restored?.stop();
    await archived.stop();
    await upstream.stop();
    removeTemp(folder);
  });

  const urlOf = (one: PostgresServer) => databaseUrl(placeIn(one.folder));
  const on = (one: PostgresServer) => ({
    claims: { npm: ["*-own"] },
    access: { anonymous: "read" },
    server: { database: urlOf(one) },
  });
  const status = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(server.url + path, init);
    await response.bytes();
    return response.status;
  };
  const installs = (name: string) => status(`/npm/${name}/-/${name}-1.0.0.tgz`);
  const blobs = () =>
    readdirSync(join(server.data, "blobs"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort();

  async function publisher(): Promise<(name: string) => Promise<number>> {
    await server.account("user add", { name: "ann", password: "correct horse battery" });
    await server.account("grant add", { holder: "user:ann", actions: ["read", "publish"] });
    const scope = { actions: null, repositories: null, packages: null };
    const lines = await server.account("token create", { user: "ann", name: "ci", scope });
    const headers = { authorization: `Bearer ${lines.join("\n").match(/hf_\w+/)![0]}` };
    return (name) => {
      const { body } = npmPublication(name, "1.0.0");
      return status(`/npm/${name}`, { method: "PUT", headers, body: body as BodyInit });
    };
  }

  async function takeOver() {
    const config = join(folder, "restored.yaml");
    writeFileSync(config, JSON.stringify({ database: urlOf(restored!), data: server.data }));
    const terminal = fakeTerminal({ cwd: folder });
    const code = await runCli(["move", "--take-over", "--config", config], commands(), terminal);
    expect([code, terminal.printed.err]).toEqual([0, ""]);
  }

  test("a database that was put back by its WAL removes none of what came since, until it is told that it goes on", async () => {
    const publish = await publisher();
    await archived.backup();
    expect(await publish("before-own")).toBe(201);
    await archived.mark("noon");
    expect(await publish("after-own")).toBe(201);
    expect(await installs("kelp")).toBe(200);
    await server.restart(); // it leaves a word beside the files, as it does each minute
    const all = blobs();

    restored = await archived.restore("noon");
    await server.restart(on(restored));
    expect([await installs("before-own"), await installs("after-own")]).toEqual([200, 404]);
    server.advance(48 * 3_600_000);
    await expect(server.operate("gc", "")).rejects.toThrow("nothing is removed");
    expect(blobs()).toEqual(all);
    for (const words of [
      "it was put back to an earlier state",
      "is older than the append-only log",
    ])
      expect(server.log.join("")).toContain(words);

    await server.restart({}, takeOver);
    expect(await server.operate("gc", "")).toMatchObject({ isDone: true });
    expect(blobs().length).toBeLessThan(all.length);
    expect([await installs("before-own"), await installs("kelp")]).toEqual([200, 200]);
    expect(await publish("after-own")).toBe(201);
    expect(await installs("after-own")).toBe(200);
    expect(server.log.filter((line) => line.includes("because of a bug"))).toEqual([]);
  });
}
