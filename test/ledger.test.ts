// A data directory whose database or log was taken back to before, as whoever can write its files does it: told at the next start, served all the same,
// and accepted by a command.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { noteText, parseCheckpoint } from "../src/proof/checkpoint.ts";
import { configText } from "./support/config.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { run } from "./support/run.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const main = new URL("../src/main.ts", import.meta.url).pathname;
const DATABASE = ["holdfast.db", "holdfast.db-wal"];
const FIRST = "/npm/kelp/-/kelp-2.0.0.tgz";
const SECOND = "/go/example.test/anchor/@v/v1.1.0.zip";

let upstream: FakeUpstream;
let server: ServerProcess;
let kept: string;
beforeEach(async () => {
  kept = tempFolder("ledger");
  upstream = await startUpstream();
  server = await startProcess({ config: configText(upstream) });
  await get(FIRST);
  await crash();
  for (const name of [...DATABASE, "log"])
    if (existsSync(at(name))) cpSync(at(name), join(kept, name), { recursive: true });
  await server.restart();
  await get(SECOND);
}, 60_000);
afterEach(async () => {
  await server.stop();
  await upstream.stop();
  removeTemp(kept);
}, 60_000);

const at = (name: string) => join(server.data, name);
const holdfast = (...words: string[]) =>
  run([process.execPath, main, ...words, "--config", server.config, "--data", server.data], {
    cwd: server.data,
  });
const ready = async () => (await fetch(`${server.url}/-/health/ready`)).json();
const kinds = () => server.events().map(({ kind }) => kind);

async function get(path: string): Promise<void> {
  const response = await fetch(server.url + path);
  await response.arrayBuffer();
  expect([path, response.status]).toEqual([path, 200]);
}

/** As `kill -9` leaves it, with all that happened in the log. */
async function crash(): Promise<void> {
  const { Database } = await import("bun:sqlite");
  const waiting = () => {
    const database = new Database(at("holdfast.db"), { readonly: true });
    try {
      const [row] = database.query("SELECT count(*) AS total FROM log_queue").all();
      return (row as { total: number }).total;
    } finally {
      database.close();
    }
  };
  await waitFor(
    () => waiting() === 0 && size() > 0,
    () => `${waiting()} rows are no leaves yet`,
    20_000,
  );
  process.kill(server.pid, "SIGKILL");
  await server.pause();
}

function size(): number {
  if (!existsSync(at("log/checkpoint"))) return 0;
  return parseCheckpoint(noteText(readFileSync(at("log/checkpoint"), "utf8"))!)!.size;
}

for (const [what, damage] of [
  [
    "an older copy of the database",
    () => {
      for (const name of DATABASE) rmSync(at(name), { force: true });
      for (const name of DATABASE)
        if (existsSync(join(kept, name))) copyFileSync(join(kept, name), at(name));
    },
  ],
  ["no database", () => DATABASE.map((name) => rmSync(at(name)))],
  ["a database without its -wal file", () => rmSync(at("holdfast.db-wal"))],
] as const)
  test(`after kill -9 and ${what}: history-lost, until it is accepted`, async () => {
    await crash();
    damage();
    rmSync(at("holdfast.db-shm"), { force: true });
    await server.restart();

    expect(kinds()).toContain("history-lost");
    await waitFor(
      () => server.output().includes("The database is older than the append-only log"),
      () => `not told in the log: ${server.output()}`,
    );
    expect(await ready()).toEqual({ status: "ready", warnings: ["history-lost"] });
    await get("/pypi/simple/coral-reef/");
    const doctor = await holdfast("doctor", "--offline");
    expect(doctor.output).toMatch(/ledger +The database is older than the append-only log/);
    const audit = await holdfast("ledger", "audit");
    expect(audit).toMatchObject({
      code: 1,
      output: expect.stringMatching(/missing +the event|missing +the fact|missing +the pin/),
    });

    const accepted = await holdfast("ledger", "accept", "--reason", "it was me");
    expect([accepted.code, accepted.output]).toEqual([0, expect.stringContaining("are accepted")]);
    expect(await ready()).toEqual({ status: "ready" });
    const clean = await holdfast("ledger", "audit");
    expect([clean.code, clean.output]).toEqual([0, expect.stringContaining("they say the same")]);
    await server.restart();
    expect(kinds().filter((kind) => kind === "history-lost")).toHaveLength(1);
    expect(await ready()).toEqual({ status: "ready" });
  }, 90_000);

test("after kill -9 and an older copy of the log: log-lost, the log is kept beside, and another one has all rows", async () => {
  await crash();
  rmSync(at("log"), { recursive: true });
  cpSync(join(kept, "log"), at("log"), { recursive: true });
  await server.restart();
  expect(kinds()).toContain("log-lost");
  expect(await ready()).toEqual({ status: "ready", warnings: ["log-lost"] });
  expect(readdirSync(server.data)).toContain("log.1");
  await get(SECOND);
  const audit = await holdfast("ledger", "audit");
  expect([audit.code, audit.output]).toEqual([0, expect.stringContaining("another one is begun")]);
  expect(await holdfast("ledger", "accept", "--reason", "a disk died")).toMatchObject({ code: 0 });
  expect(await ready()).toEqual({ status: "ready" });
}, 90_000);

test("a receipt of what was fetched is checked by the key alone, offline", async () => {
  await crash();
  await server.restart();
  const key = (await holdfast("ledger", "key")).stdout;
  const proven = await holdfast("ledger", "prove", "pkg:npm/kelp@2.0.0");
  expect([proven.code, proven.stdout.split("\n")[0]]).toEqual([0, "c2sp.org/tlog-proof@v1"]);
  const home = tempFolder("receipt");
  writeFileSync(join(home, "kelp.tlog-proof"), proven.stdout);
  writeFileSync(join(home, "server.key"), key);
  writeFileSync(join(home, "kelp.tgz"), await (await fetch(server.url + FIRST)).bytes());
  writeFileSync(join(home, "other.tgz"), "other");
  const verify = (...words: string[]) =>
    run([process.execPath, main, "ledger", "verify", ...words], { cwd: home });
  const bytes = ["kelp.tlog-proof", "--key", "server.key", "--bytes"];
  const held = await verify(...bytes, "kelp.tgz");
  expect([held.code, held.output]).toEqual([0, expect.stringContaining("kelp.tgz is that file")]);
  expect(held.output).toMatch(
    /kelp-2\.0\.0\.tgz of kelp \(npm\) was pinned to sha256 [0-9a-f]{64}/,
  );
  expect(await verify(...bytes, "other.tgz")).toMatchObject({ code: 1 });
  writeFileSync(join(home, "forged.tlog-proof"), proven.stdout.replace("index ", "index 1"));
  expect(await verify("forged.tlog-proof", "--key", key.trim())).toMatchObject({ code: 1 });

  const all = await holdfast(
    "ledger",
    "prove",
    "pkg:golang/example.test/anchor@v1.1.0",
    "--out",
    home,
  );
  expect([all.code, all.output]).toEqual([
    0,
    expect.stringMatching(/v1\.1\.0\.zip\.tlog-proof: leaf \d/),
  ]);
  const none = await holdfast("ledger", "prove", "pkg:npm/kelp@9.0.0");
  expect([none.code, none.output]).toEqual([1, expect.stringContaining("is pinned here")]);
  removeTemp(home);
}, 90_000);
