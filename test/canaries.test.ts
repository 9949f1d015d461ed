// Canaries in a real server: what they prove is told, and nothing of them is to be seen elsewhere.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { checkCanaries } from "../src/cli/check-canaries.ts";
import { formats } from "../src/formats/index.ts";
import { canaryNames } from "../src/jobs/canaries.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { waitFor } from "./support/wait.ts";

let upstream: FakeUpstream;
let server: TestServer;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

const text = async (path: string) => (await fetch(server.url + path)).text();
const json = async (path: string) => JSON.parse(await text(path));

async function enforcing(): Promise<boolean> {
  return (await fetch(`${server.url}/-/health/enforcing`)).ok;
}

const proven = () => waitFor(enforcing, () => "no round turned out green", 120_000);

/** What the catalog says of canaries, in any column of any table. */
function traces(): string[] {
  const catalog = new Database(join(server.data, "holdfast.db"), { readonly: true });
  const tables = catalog.query("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const found = (tables as { name: string }[]).flatMap(({ name }) =>
    catalog
      .query(`SELECT * FROM "${name}"`)
      .all()
      .map((row) => `${name} ${JSON.stringify(row)}`)
      .filter((row) => /canary/i.test(row)),
  );
  catalog.close();
  return found;
}

const files = () =>
  readdirSync(server.data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** Beside the journals of databases, the empty one that canaries begin with, and the log, which is written behind, of rows. */
const isKept = (path: string) => !/-(wal|shm)$|\/incoming\/canary\.db$|\/data\/log\//.test(path);

test("a server calls itself enforcing when all canaries of all repositories are green, and nothing of them is anywhere else", async () => {
  server = await startServer(upstream);
  await text("/npm/kelp");
  const before = files().filter(isKept);
  await server.restart({ hasCanaries: true });
  const asked = upstream.requests.length;
  await proven();
  expect(await json("/-/health/ready")).toEqual({ status: "ready", enforcing: "yes" });

  const metrics = await text("/-/metrics");
  const shown = metrics.split("\n").filter((line) => line.startsWith("holdfast_canary_ok{"));
  const names = JSON.parse(await text("/-/api/v1/repositories")).items.map(
    ({ name }: { name: string }) => name,
  );
  expect(new Set(shown.map((line) => /repository="([^"]+)"/.exec(line)![1]!))).toEqual(
    new Set(names),
  );
  expect(shown.filter((line) => !line.endsWith(" 1"))).toEqual([]);
  expect(shown.length).toBe(names.length * canaryNames.length);
  expect(metrics.split("\n").filter((line) => /holdfast-canary/.test(line))).toEqual([]);

  // No upstream, no row, no file, no line of the log, no page, no list.
  expect(upstream.requests.length).toBe(asked);
  expect(traces()).toEqual([]);
  expect(files().filter(isKept)).toEqual(before);
  expect(existsSync(join(server.data, "incoming", "canary"))).toBe(false);
  expect(server.log.filter((line) => line.includes("holdfast-canary"))).toEqual([]);
  for (const path of ["/", ...names.map((name: string) => `/-/api/v1/packages?q=canary&r=${name}`)])
    expect(await text(path)).not.toContain("holdfast-canary");
  expect(server.events()).toEqual([]);

  await server.restart({ offline: true, hasCanaries: false });
  expect(await server.operate("canary run", "")).toMatchObject({ isDone: true });
  expect(existsSync(join(server.data, "incoming", "canary"))).toBe(false);
}, 180_000);

test("until the first round has ended a server is ready, and not yet enforcing", async () => {
  server = await startServer(upstream, { hasCanaries: true });
  const seen = await json("/-/health/ready");
  expect(seen.status).toBe("ready");
  // The round may have ended on a fast machine.
  if (seen.enforcing !== "yes")
    expect(seen).toEqual({
      status: "ready",
      enforcing: "not yet",
      reason: "no round of canaries has ended yet",
    });
  await server.restart({ hasCanaries: false });
  expect(await json("/-/health/ready")).toEqual({ status: "ready" });
  const response = await fetch(`${server.url}/-/health/enforcing`);
  expect([response.status, await response.json()]).toEqual([503, { enforcing: "unknown" }]);
});

test("commands run a round and show the last one, and doctor has a line", async () => {
  server = await startServer(upstream, { hasControl: true });
  expect(await checkCanaries(server)).toMatchObject([
    { state: "warning", text: "no round has ended yet" },
  ]);
  const run = await server.operate("canary run", "");
  expect(run).toMatchObject({ isDone: true });
  expect(run.lines.length).toBe(1);
  expect(await server.operate("canary show", "")).toEqual(run);
  expect(await checkCanaries(server)).toMatchObject([
    { state: "good", text: expect.stringMatching(/^\d+ of \d+ are green in \d+ repositories$/) },
  ]);
  const count = Number(/^\d+ of \d+ are green in (\d+)/.exec(run.lines[0]!)![1]);
  expect(count).toBeGreaterThanOrEqual(formats.length);
}, 60_000);
