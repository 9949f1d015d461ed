// Everything stored goes from a folder to a PostgreSQL and back, beside a running server and at last without it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkMove } from "../../src/cli/check-move.ts";
import { runCli } from "../../src/cli/index.ts";
import { fakeTerminal } from "../../src/cli/testing.ts";
import { commands } from "../../src/main.ts";
import { openSource } from "../../src/server/move-places.ts";
import { digestOf } from "../../src/store/copy-tables.ts";
import { layoutOf } from "../../src/store/layout.ts";
import { readMove } from "../../src/store/moves.ts";
import { type PostgresPlace, readPostgres } from "../../src/store/postgres.ts";
import { allTables } from "../../src/store/tables.ts";
import { readSqliteTables } from "../../src/store/tables-sqlite.ts";
import { databaseOfServer } from "../../src/store/testkit.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { databaseUrl } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let upstream: FakeUpstream;
  let server: TestServer;
  let folder: string;
  let base: { place: PostgresPlace; drop(): Promise<void> };
  let url: string;
  const EMBEDDED = { server: { database: undefined } };
  const claims = { npm: ["*-own"] };

  beforeEach(async () => {
    folder = tempFolder("move");
    base = await databaseOfServer();
    url = databaseUrl(base.place);
    upstream = await startUpstream();
    server = await startServer(upstream, { ...EMBEDDED, claims, hasControl: true });
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
  const there = (...words: string[]) => play("move", "--data", server.data, "--to", url, ...words);
  /** From the database, by a configuration that names it. */
  async function back(...words: string[]) {
    const config = join(folder, "big.yaml");
    writeFileSync(config, `database: ${url}\ndata: ${server.data}\n`);
    return play("move", "--config", config, ...words);
  }
  const get = (path: string) => fetch(`${server.url}${path}`);
  const status = async (path: string) => (await get(path)).status;
  const bytes = async (path: string) => Buffer.from(await (await get(path)).arrayBuffer());

  async function tokenOf(user: string): Promise<string> {
    await server.account("user add", { name: user, password: "correct horse battery" });
    await server.account("grant add", { holder: `user:${user}`, actions: ["read", "publish"] });
    const scope = { actions: null, repositories: null, packages: null };
    const lines = await server.account("token create", { user, name: "ci", scope });
    return lines.join("\n").match(/hf_\w+/)![0];
  }
  async function publish(token: string, name: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    const { body } = npmPublication(name, "1.0.0");
    return (await fetch(`${server.url}/npm/${name}`, { method: "PUT", headers, body })).status;
  }
  const WANTED = ["/npm/kelp/-/kelp-1.0.0.tgz", "/npm/ours-own/-/ours-own-1.0.0.tgz"];

  /** A digest of each table in a folder that no server runs on. */
  async function digests(data: string): Promise<Record<string, string>> {
    const tables = await readSqliteTables(layoutOf(data).database);
    const all: Record<string, string> = {};
    for (const table of allTables()) {
      const { rows, digest } = await digestOf(table, tables);
      all[table.name] = `${rows} ${digest}`;
    }
    await tables.close();
    return all;
  }
  /** What is in a folder's folders, by name; without tiles that are not full: which of them are still there is a matter of how the log grew. */
  const contents = (root: string) =>
    Object.fromEntries(
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .filter((path) => !path.includes(".p/"))
        .map((path) => [path.slice(root.length), readFileSync(path).toString("base64")]),
    );

  test("what was stored is served from the database, published beside the move or before, and then from the folder again", async () => {
    const token = await tokenOf("ann");
    expect(await publish(token, "ours-own")).toBe(201);
    const before = [];
    for (const path of WANTED) before.push(await bytes(path));
    const first = await there();
    expect(first).toMatchObject({ code: 0, printed: expect.stringContaining("Run it again") });
    expect(await publish(token, "more-own")).toBe(201);
    expect(await there("--finish")).toMatchObject({
      code: 1,
      printed: expect.stringContaining("Another Holdfast is running on the data directory"),
    });
    await expect(startServer(upstream, { server: { database: url } })).rejects.toThrow(
      "has not come to its end",
    );
    const node = { data: join(folder, "node"), database: base.place, store: null };
    expect(await checkMove(node)).toEqual([
      expect.objectContaining({ text: expect.stringContaining("is the half of a move from ") }),
    ]);

    await server.restart({ server: { database: url } }, async () => {
      const last = await there("--finish");
      expect(last.printed).toContain(`${url} has taken over`);
      expect(last.printed).toMatch(/hosted_files +2 rows +1 new/);
      expect(last.code).toBe(0);
    });
    for (const [at, path] of WANTED.entries()) expect(await bytes(path)).toEqual(before[at]!);
    expect(await status("/npm/more-own")).toBe(200);
    expect(await publish(token, "third-own")).toBe(201);
    expect(existsSync(layoutOf(server.data).database)).toBe(false);
    await expect(server.restart(EMBEDDED)).rejects.toThrow("the configuration must name it");
    await server.restart({ server: { database: url } });

    expect(await back("--to", server.data)).toMatchObject({ code: 0 });
    await server.restart(EMBEDDED, async () => {
      const last = await back("--to", server.data, "--finish");
      expect(last.printed).toContain(`${server.data} has taken over`);
      expect(last.code).toBe(0);
    });
    for (const [at, path] of WANTED.entries()) expect(await bytes(path)).toEqual(before[at]!);
    expect(await status("/npm/third-own")).toBe(200);
    expect(await publish(token, "fourth-own")).toBe(201);
    await expect(server.restart({ server: { database: url } })).rejects.toThrow(
      "has a catalog of its own",
    );
    await server.restart(EMBEDDED);
    const audit = await play("ledger", "audit", "--data", server.data);
    expect(audit).toMatchObject({ code: 0 });
  });

  test("there and back to another folder everything is the same: rows, files and the log", async () => {
    const token = await tokenOf("ann");
    expect(await publish(token, "ours-own")).toBe(201);
    for (const path of [...WANTED, "/npm/kelp"]) expect(await status(path)).toBe(200);
    const copy = join(folder, "copy");
    await server.restart(EMBEDDED, async () => {
      // Makes the catalog's identity, which is copied with all else.
      await (await openSource({ data: server.data, database: null, store: null }, true)).close();
      const before = await digests(server.data);
      expect((await there("--finish")).code).toBe(0);
      expect(await back("--to", copy, "--finish", "--verify")).toMatchObject({ code: 0 });
      for (const part of ["blobs", "log"])
        expect(contents(join(copy, part))).toEqual(contents(join(server.data, part)));
      expect(readdirSync(copy).sort()).toEqual(
        expect.arrayContaining(["blobs", "holdfast.db", "log"]),
      );
      for (const gone of ["move.json", "catalog.json", "holdfast.db-wal", "holdfast.db.arriving"])
        expect(readdirSync(copy)).not.toContain(gone);
      expect(await digests(copy)).toEqual(before);
      // And once more, from folder to folder, to where it was.
      expect((await play("move", "--data", copy, "--to", server.data, "--finish")).code).toBe(0);
      expect(await digests(server.data)).toEqual(before);
    });
    for (const path of WANTED) expect(await status(path)).toBe(200);
    expect(await there()).toMatchObject({
      code: 1,
      printed: expect.stringContaining(`was moved to ${copy}, and is out of date`),
    });
  });

  test("one that is killed anywhere goes on, and nothing is served of the half", async () => {
    const token = await tokenOf("ann");
    for (let number = 0; number < 20; number += 1)
      expect(await publish(token, `ours${number}-own`)).toBe(201);
    const state = async () => {
      const catalog = await readPostgres(base.place);
      return readMove(catalog.read).finally(catalog.close);
    };
    /** Ends at once, without a word, as soon as the move has begun there; or when it is through. */
    async function killed(...words: string[]): Promise<void> {
      const main = new URL("../../src/main.ts", import.meta.url).pathname;
      const flags = ["--data", server.data, "--to", url, ...words];
      const child = spawn(process.execPath, [main, "move", ...flags], { stdio: "ignore" });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await waitFor(
        async () => child.exitCode !== null || (await state()) !== null,
        () => "it does not begin",
        60_000,
      );
      child.kill("SIGKILL");
      await ended;
    }
    await killed();
    expect(await state()).toMatchObject({ state: "arriving", other: server.data });
    await waitFor(
      async () => (await there()).code === 0,
      () => "the database is not let go",
      20_000,
    );
    await server.restart({ server: { database: url } }, async () => {
      await killed("--finish");
      let last = await there("--finish");
      await waitFor(
        async () => {
          last = await there("--finish");
          return last.code === 0 || last.printed.includes("was moved to");
        },
        () => last.printed,
        20_000,
      );
      expect(await state()).toBeNull();
    });
    for (let number = 0; number < 20; number += 1)
      expect(await status(`/npm/ours${number}-own/-/ours${number}-own-1.0.0.tgz`)).toBe(200);
  });

  test("what was cut when the one had left and the other was not there yet is ended by the same command", async () => {
    const token = await tokenOf("ann");
    expect(await publish(token, "ours-own")).toBe(201);
    await server.restart(EMBEDDED, async () => {
      expect(await there()).toMatchObject({ code: 0 });
      const [embedded, inPostgres] = [null, base.place].map((database) => ({
        ...{ data: server.data, store: null },
        database,
      }));
      await (await openSource(embedded!, true)).leave(inPostgres!);
      expect(await there("--finish")).toMatchObject({
        code: 0,
        printed: expect.stringContaining("has taken over"),
      });
      expect((await there("--finish")).printed).toContain("was moved to");
      // And back.
      expect(await back("--to", server.data)).toMatchObject({ code: 0 });
      await (await openSource(inPostgres!, true)).leave(embedded!);
      expect(await back("--to", server.data, "--finish")).toMatchObject({ code: 0 });
    });
    expect(await status("/npm/ours-own")).toBe(200);
  });

  test("places that hold something else are refused, and so is a place that is there already", async () => {
    const other = join(folder, "other");
    writeFileSync(join(folder, "file.txt"), "mine");
    const refused: [to: string, why: string][] = [
      [server.data, "is known is in"],
      [folder, "is not empty"],
      ["https://example.com", "--to takes a postgres:// URL"],
      ["postgres://ann:secret@db.example.com/x", "a password does not belong in here"],
      ["missing.yaml", "missing.yaml"],
      ["postgres://holdfast@/nowhere?host=/nowhere", "cannot be reached"],
    ];
    for (const [to, why] of refused) {
      const { code, printed } = await play("move", "--data", server.data, "--to", to);
      expect([to, printed]).toEqual([to, expect.stringContaining(why)]);
      expect(code).toBeGreaterThan(0);
      expect(printed).not.toContain("secret@");
    }
    expect((await play("move", "--data", server.data, "--to", other)).code).toBe(0);
    expect((await play("move", "--data", other, "--to", url)).printed).toContain(
      "has not come to its end",
    );
    expect((await play("move", "--data", join(folder, "none"), "--to", url)).printed).toContain(
      "holds no Holdfast data",
    );
    expect((await play("move", "--data", server.data)).code).toBe(2);
  });
}
