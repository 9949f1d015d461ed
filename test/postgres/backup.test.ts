// A backup of a server whose catalog is in a PostgreSQL, and its files in the data directory or in a bucket, is one as any other.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../src/cli/index.ts";
import { fakeTerminal } from "../../src/cli/testing.ts";
import { commands } from "../../src/main.ts";
import type { PostgresPlace } from "../../src/store/postgres.ts";
import { databaseOfServer } from "../../src/store/testkit.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { databaseUrl } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let upstream: FakeUpstream;
  let server: TestServer;
  let folder: string;
  let base: { place: PostgresPlace; drop(): Promise<void> };
  beforeEach(async () => {
    folder = tempFolder("backup");
    base = await databaseOfServer();
    upstream = await startUpstream();
    server = await startServer(upstream, { server: { database: databaseUrl(base.place) } });
  });
  afterEach(async () => {
    await server.stop();
    await upstream.stop();
    await base.drop();
    removeTemp(folder);
  });
  async function play(...words: string[]): Promise<{ code: number; printed: string }> {
    const terminal = fakeTerminal({ cwd: folder });
    const code = await runCli(words, commands(), terminal);
    return { code, printed: terminal.printed.out + terminal.printed.err };
  }
  async function status(path: string): Promise<number> {
    const response = await fetch(server.url + path);
    await response.bytes();
    return response.status;
  }
  const KELP = "/npm/kelp/-/kelp-1.0.0.tgz";

  test("it is made beside the server, brought up to date, and served as a data directory or moved to a new database", async () => {
    const database = databaseUrl(base.place);
    expect(await status(KELP)).toBe(200);
    const config = join(folder, "big.yaml");
    writeFileSync(config, JSON.stringify({ database, data: server.data }));
    const copy = join(folder, "copy");
    expect(await play("backup", copy, "--config", config)).toMatchObject({
      code: 0,
      printed: expect.stringContaining(`${database} is backed up to ${copy}`),
    });
    expect(await status("/npm/kelp/-/kelp-2.0.0.tgz")).toBe(200);
    expect((await play("backup", copy, "--config", config)).printed).toContain("1 new file");
    expect(readdirSync(copy).filter((name) => name.startsWith("holdfast.db"))).toEqual([
      "holdfast.db",
    ]);
    expect(await play("backup", "verify", copy)).toMatchObject({ code: 0 });
    const restored = join(folder, "restored");
    expect(await play("restore", copy, "--data", restored)).toMatchObject({ code: 0 });

    const other = await databaseOfServer();
    const to = databaseUrl(other.place);
    try {
      expect(await play("move", "--data", restored, "--to", to, "--finish")).toMatchObject({
        code: 0,
      });
      expect(existsSync(join(restored, "catalog.json"))).toBe(true);
      const back = join(folder, "back.yaml");
      writeFileSync(back, JSON.stringify({ database: to, data: restored }));
      expect(await play("verify", "--config", back)).toMatchObject({
        code: 0,
        printed: expect.stringContaining("all true to their digests"),
      });
    } finally {
      await other.drop();
    }
  });
}
