// A whole server goes from one PostgreSQL and bucket to another PostgreSQL and bucket, in processes of their own that are killed in the middle.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { type Between, startBetween } from "../support/between.ts";
import { type Gateway, startGateway, storeOptions } from "../support/bucket.ts";
import { holdfastAt } from "../support/command.ts";
import { configText } from "../support/config.ts";
import { ask, askAll, EVERY_FORMAT } from "../support/every-format.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { type PostgresServer, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { type ServerProcess, startOne } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

setDefaultTimeout(240_000);

const program = process.env["HOLDFAST_TEST_GATEWAY"];
// It has databases of its own: once is enough.
if (program && !process.env["HOLDFAST_TEST_POSTGRES"]) define(program);

const main = new URL("../../src/main.ts", import.meta.url).pathname;

function define(program: string): void {
  const home = tempFolder("move-whole");
  let gateway: Gateway;
  let line: Between;
  let postgres: PostgresServer;
  let upstream: FakeUpstream;
  let servers: ServerProcess[] = [];
  beforeAll(async () => {
    gateway = await startGateway(program, ["first", "second"]);
    line = await startBetween(gateway.endpoint);
    postgres = await startPostgres(postgresPrograms()!);
    upstream = await startUpstream();
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    servers = [];
    await upstream.stop();
    await postgres.stop();
    await line.stop();
    await gateway.stop();
    removeTemp(home);
  });

  const url = (database: string) => `postgres://holdfast@/${database}?host=${postgres.folder}`;
  const places = (database: string, bucket: string) => ({
    database: url(database),
    store: storeOptions(line.endpoint, `s3://${bucket}/holdfast`),
  });
  function written(name: string, keys: Record<string, unknown>): string {
    const path = join(home, name);
    const config = JSON.parse(configText(upstream));
    config.repositories.own = { format: "npm", upstreams: [] };
    writeFileSync(path, JSON.stringify({ ...config, ...keys }));
    return path;
  }
  const holdfast = (...words: string[]) => run([process.execPath, main, ...words], { cwd: home });

  test("all formats' files, accounts and the log are there byte for byte, whenever it was killed, and what was left does not start", async () => {
    const admin = new SQL({
      ...({ adapter: "postgres", username: "holdfast", database: "postgres", max: 1 } as const),
      path: `${postgres.folder}/.s.PGSQL.5432`,
    });
    await admin.unsafe("CREATE DATABASE second TEMPLATE template0 ENCODING 'UTF8'");
    await admin.close();
    const [old, next] = [places("postgres", "first"), places("second", "second")];
    const [data, node] = [join(home, "old"), join(home, "next")];
    const [from, to] = [
      written("from.yaml", { ...old, data }),
      written("to.yaml", { ...next, data: node }),
    ];
    const server = await startOne({
      config: configOf(from),
      data,
    });
    servers.push(server);
    const at = { config: from, data };
    const password = { input: "correct horse battery\n" };
    await holdfastAt(at, ["user", "add", "ann", "--password-stdin"], password);
    await holdfastAt(at, ["team", "add", "reef"]);
    await holdfastAt(at, ["team", "join", "reef", "ann"]);
    await holdfastAt(at, ["grant", "add", "user:ann", "publish", "--repository", "own"]);
    const token = (await holdfastAt(at, ["token", "create", "ann", "--name", "ci"])).trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const publish = async (at: string, version: string) => {
      const { body } = npmPublication("shell", version, "x".repeat(20_000));
      return (await fetch(`${at}/own/shell`, { method: "PUT", headers, body })).status;
    };
    expect(await publish(server.url, "1.0.0")).toBe(201);
    const coral = await fetch(`${server.url}/composer/p2/reef/coral.json`);
    const { packages } = (await coral.json()) as {
      packages: Record<string, { dist: { url: string } }[]>;
    };
    const dist = new URL(packages["reef/coral"]![0]!.dist.url).pathname;
    const paths = [...EVERY_FORMAT, dist];
    await ask(server.url, dist); // what is pinned of it stands in the document from then on
    const before = await askAll(server.url, paths);
    expect(before.map(([path, status]) => [path, status])).toEqual(
      paths.map((path) => [path, 200]),
    );
    const published = () => ask(server.url, "/own/shell/-/shell-1.0.0.tgz", headers);
    const shell = await published();

    const moving = ["move", "--config", from, "--to", to];
    /** Kills the command as soon as it asks a bucket that, which is never answered. */
    async function killedAt(step: RegExp, nth: number, ...words: string[]): Promise<void> {
      let seen = 0;
      const reached = Promise.withResolvers<void>();
      line.set((head) => {
        if (!step.test(head)) return "pass";
        seen += 1;
        if (seen < nth) return "pass";
        reached.resolve();
        return "hold";
      });
      const child = spawn(process.execPath, [main, ...moving, ...words], { cwd: home });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => {
          output += chunk;
        });
      const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
      await Promise.race([
        reached.promise,
        ended.then((code) => {
          throw new Error(`it ended with ${code} before ${step}: ${output}`);
        }),
      ]);
      child.kill("SIGKILL");
      await ended;
      line.set(() => "pass");
    }
    /** The database may hold what the one that was killed had for a moment more. */
    async function moved(...words: string[]): Promise<string> {
      let last = await holdfast(...moving, ...words);
      const isHeld = /running on the database|has it open|another (move|server)/i;
      await waitFor(
        async () => {
          if (last.code === 0 || !isHeld.test(last.output)) return true;
          last = await holdfast(...moving, ...words);
          return false;
        },
        () => last.output,
        30_000,
      );
      expect([last.code, last.output]).toEqual([0, expect.any(String)]);
      return last.output;
    }

    await killedAt(/^PUT \/second\/holdfast\/blobs\//, 3);
    expect((await holdfast("doctor", "--config", to)).output).toMatch(
      /is the half of a move|Was a move there begun\?/,
    );
    expect(await moved()).toContain("Nothing has changed hands");
    expect(await publish(server.url, "1.1.0")).toBe(201);
    expect((await holdfast(...moving, "--finish")).output).toContain("running");

    const key = (await holdfast("ledger", "key", "--config", from)).stdout;
    await server.pause();
    await killedAt(/^PUT \/first\/holdfast\/holdfast\.json/, 1, "--finish");
    // Nothing was handed over: the first one goes on.
    await server.restart();
    expect(await publish(server.url, "1.2.0")).toBe(201);
    await server.pause();
    await killedAt(/^PUT \/second\/holdfast\/holdfast\.json/, 1, "--finish");
    // The first one has left, and the second is not there yet.
    expect((await holdfast("serve", "--config", from)).output).toContain("was moved to");
    expect((await holdfast("serve", "--config", to)).output).toContain("has not come to its end");
    expect(await moved("--finish")).toContain(`${next.database} has taken over`);
    expect((await holdfast("serve", "--config", from)).output).toContain("was moved to");

    const other = await startOne({ config: configOf(to), data: node, flags: ["--offline"] });
    servers.push(other);
    expect(await askAll(other.url, paths)).toEqual(before);
    const shells = [shell];
    for (const version of ["1.1.0", "1.2.0"]) {
      const { tarball } = npmPublication("shell", version, "x".repeat(20_000));
      const digest = new Bun.CryptoHasher("sha256").update(tarball).digest("hex");
      shells.push([`/own/shell/-/shell-${version}.tgz`, 200, digest]);
    }
    for (const [path, status, digest] of shells)
      expect(await ask(other.url, path, headers)).toEqual([path, status, digest]);
    expect(await publish(other.url, "1.3.0")).toBe(201);
    const there = { config: to, data: node };
    expect(await holdfastAt(there, ["team", "list"])).toContain("reef");
    expect(await holdfastAt(there, ["token", "list", "ann"])).toContain("ci");
    await other.pause();
    const audit = await holdfast("ledger", "audit", "--config", to);
    expect([audit.code, audit.output]).toEqual([0, expect.stringContaining("say the same")]);
    expect((await holdfast("ledger", "key", "--config", to)).stdout).toBe(key);
    const verify = await holdfast("verify", "--config", to);
    expect([verify.code, verify.output]).toEqual([0, expect.any(String)]);
  });
}

const configOf = (file: string) => readFileSync(file, "utf8");
