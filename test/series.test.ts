// Numbers over time of a whole server: counted once, shown by the metrics, the API and a command, and there after a restart.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { statsCommand } from "../src/cli/stats.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { formats } from "../src/formats/index.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { tempFolder } from "./support/temp.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON as a client reads it
type Json = any;

let upstream: FakeUpstream;
let server: TestServer;
beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

const api = async (path: string): Promise<Json> =>
  (await fetch(`${server.url}/-/api/v1${path}`)).json();

async function metric(name: string): Promise<Json> {
  const page = await (await fetch(`${server.url}/-/metrics`)).text();
  const found = page.split("\n").filter((line) => line.startsWith(`${name}{repository="npm"`));
  return found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function stats(...argv: string[]): Promise<string> {
  const terminal = fakeTerminal({ now: Date.now });
  const config = join(tempFolder("stats"), "holdfast.yaml");
  writeFileSync(config, "repositories: {}\n");
  const args = ["stats", "--config", config, "--data", server.data, ...argv];
  expect([await runCli(args, [statsCommand({ formats })], terminal), terminal.printed.err]).toEqual(
    [0, ""],
  );
  return terminal.printed.out;
}

test("requests of before a restart are told after it, by the API and by the command", async () => {
  const path = `${server.url}/npm/kelp/-/kelp-1.0.0.tgz`;
  const size = (await (await fetch(path)).arrayBuffer()).byteLength;
  for (let nth = 0; nth < 3; nth += 1) await (await fetch(path)).arrayBuffer();
  const etag = (await fetch(path, { method: "HEAD" })).headers.get("etag")!;
  expect((await fetch(path, { headers: { "if-none-match": etag } })).status).toBe(304);
  expect((await fetch(`${server.url}/npm/none-such`)).status).toBe(404);
  const [sent, fetched] = [
    await metric("holdfast_sent_bytes_total"),
    await metric("holdfast_upstream_bytes_total"),
  ];
  await server.restart();

  const { repositories } = await api("/traffic?range=1h&repository=npm");
  const expected = {
    requests: 7,
    hits: 4,
    misses: 1,
    notModified: 1,
    refused: 1,
    unavailable: 0,
    failed: 0,
    sentBytes: sent,
    fetchedBytes: fetched,
    savedBytes: sent - fetched,
  };
  expect(repositories).toMatchObject([
    { repository: "npm", ...expected },
    { repository: "", ...expected },
  ]);
  expect(sent).toBeGreaterThanOrEqual(4 * size);
  expect(repositories[0].p95).toBeGreaterThan(0);

  const { series, meanings } = await api("/series?range=1h&names=memory,upstream-latency,loop-lag");
  const memory = series.find(({ name }: Json) => name === "memory");
  expect(memory.points.filter(Boolean)[0].mean).toBeGreaterThan(1e6);
  expect(Object.keys(meanings)).toEqual(["memory", "upstream-latency", "loop-lag"]);

  const told = JSON.parse(await stats("--range", "2h", "--repository", "npm", "--json"));
  expect(told.traffic.at(-1)).toMatchObject(expected);
  expect(told.disk).toMatchObject({ days: 0, growth: null });
  expect(await stats()).toMatch(
    /npm +7 +80 % .*\nall .*\n\nDisk: .* free. How it grows is told after three days/,
  );
  expect(await stats("--repository", "none")).toStartWith("No requests within 24h.\n");
});

test("what the command is not asked rightly is said", async () => {
  const terminal = fakeTerminal();
  expect(await runCli(["stats", "--range", "1y"], [statsCommand({ formats })], terminal)).toBe(2);
  expect(terminal.printed.err).toContain("--range takes a whole number and a unit");
});
