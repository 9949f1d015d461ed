// A configuration that changes under a running server: what is taken in, and that nobody notices who is in the middle of something.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { type Running, start } from "../src/server/start.ts";
import { startProcess } from "./support/process.ts";
import { run } from "./support/run.ts";
import { tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const bytes = Buffer.alloc(300_000, "holdfast");
const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
const main = new URL("../src/main.ts", import.meta.url).pathname;

/** Downloads that wait for their second half. */
let halves: ServerResponse[] = [];
const upstream = createServer((request, response) => {
  const name = request.url!.split("/")[1]!;
  if (request.url!.endsWith(".tgz")) {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 200_000));
    halves.push(response);
    return;
  }
  const tarball = `${address}/${name}/-/${name}-1.0.0.tgz`;
  const version = { name, version: "1.0.0", dist: { tarball, integrity } };
  const packument = { name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(packument));
});
let address = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
});
afterAll(() => upstream.close());

let running: Running | null = null;
afterEach(async () => {
  await running?.stop(0);
  running = null;
  halves = [];
});

type Settings = Record<string, unknown>;
const none = { pypi: false, go: false, composer: false, debian: false, "debian-security": false };

function written(npm: Settings = {}, others: Settings = {}, repositories: Settings = {}): string {
  const own = { upstreams: [{ url: `${address}/` }], ...npm };
  return JSON.stringify({ ...others, repositories: { ...none, npm: own, ...repositories } });
}

async function world(text: string) {
  const home = tempFolder("reload");
  const file = join(home, "holdfast.yaml");
  const put = (text: string) => writeFileSync(file, text);
  put(text);
  const flags = { data: join(home, "data"), listen: "127.0.0.1:0" };
  const load = () => loadConfig({ file, formats, flags, env: {} });
  const log: string[] = [];
  const server = await start({
    config: load(),
    load,
    log: createLog("json", (line) => log.push(line)),
  });
  running = server;
  const get = (path: string) => fetch(`${server.url}${path}`, { keepalive: false });
  const status = async (path: string) => (await get(path)).status;
  async function change(text: string) {
    put(text);
    return server.reload();
  }
  return { server, get, status, change, file, log };
}

test("a claim holds for the next request, also for one that repeats", async () => {
  const { status, change } = await world(written());
  expect([await status("/npm/left-pad"), await status("/npm/left-pad")]).toEqual([200, 200]);
  const { lines } = await change(written({ claims: ["left-pad"] }));
  expect(lines).toEqual(["Took the configuration in: npm changed"]);
  expect([await status("/npm/left-pad"), await status("/npm/right-pad")]).toEqual([404, 200]);
  await change(written());
  expect(await status("/npm/left-pad")).toBe(200);
});

test("who may read nothing any more reads nothing, also with a request that repeats", async () => {
  const { status, change } = await world(written());
  expect([await status("/npm/left-pad"), await status("/npm/left-pad")]).toEqual([200, 200]);
  await change(written({}, { access: { anonymous: "none" } }));
  expect(await status("/npm/left-pad")).toBe(401);
});

test("a download goes on over a reload that changes and then removes its repository", async () => {
  const { get, status, change } = await world(written());
  const response = await get("/npm/left-pad/-/left-pad-1.0.0.tgz");
  const body = response.arrayBuffer();
  await change(written({ freshness: "1h" }));
  await change(written({}, {}, { npm: false }));
  expect(await status("/npm/left-pad")).toBe(404);
  expect(halves).toHaveLength(1);
  halves[0]!.end(bytes.subarray(200_000));
  expect(Buffer.from(await body).equals(bytes)).toBe(true);
});

test("requests that run while the configuration changes over and over are all answered", async () => {
  const { server, get, change } = await world(written());
  const stop = new AbortController();
  const failures: unknown[] = [];
  let count = 0;
  const clients = Array.from({ length: 4 }, async (_, client) => {
    while (!stop.signal.aborted) {
      const { status } = await get(`/npm/p${client}-${count % 7}`).catch((error) => ({
        status: error,
      }));
      if (status !== 200) failures.push(status);
      count += 1;
    }
  });
  for (let turn = 0; turn < 20; turn++) {
    const before = count;
    await change(written({ freshness: `${turn + 1}m` }));
    await waitFor(
      () => count > before + 4,
      () => "no request is answered any more",
    );
  }
  stop.abort();
  await Promise.all(clients);
  expect(failures).toEqual([]);
  const page = await (await get("/-/metrics")).text();
  const breakers = page
    .split("\n")
    .filter((line) => line.startsWith("holdfast_upstream_breaker_state{"));
  expect(breakers).toHaveLength(1);
  expect(server.url).toStartWith("http://127.0.0.1:");
});

test("repositories come and go, with ports of their own", async () => {
  const { server, status, change, get } = await world(written());
  expect(await status("/other/left-pad")).toBe(404);
  const other = { format: "npm", upstreams: [{ url: `${address}/` }], listen: "127.0.0.2:0" };
  await change(written({}, {}, { other }));
  expect(await status("/other/left-pad")).toBe(200);
  const own = server.urlOf("other");
  expect((await fetch(`${own}/left-pad`, { keepalive: false })).status).toBe(200);
  await change(written());
  expect(await status("/other/left-pad")).toBe(404);
  await expect(fetch(`${own}/left-pad`, { keepalive: false })).rejects.toThrow();
  expect(await (await get("/-/health/ready")).json()).toEqual({ status: "ready" });
});

test("a wrong file changes nothing, and its mistakes are told as config check tells them", async () => {
  const { status, change, file } = await world(written());
  const { isTaken, lines } = await change(written({ claimz: ["left-pad"] }, { listne: 1 }));
  expect(isTaken).toBe(false);
  const checked = await run([process.execPath, main, "config", "check", "--config", file], {
    cwd: tempFolder("check"),
  });
  expect(checked.output).toBe(`${lines.join("\n")}\n`);
  expect(lines.join("\n")).toContain('did you mean "claims"?');
  expect(await status("/npm/left-pad")).toBe(200);
});

test("a port that is taken keeps all of a configuration out", async () => {
  const { status, change } = await world(written());
  const listen = address.replace("http://", "");
  expect(await change(written({ claims: ["left-pad"], listen }))).toEqual({
    isTaken: false,
    lines: [`cannot listen on ${listen}: the port is taken. \`holdfast doctor\` looks by whom`],
  });
  expect(await status("/npm/left-pad")).toBe(200);
});

test("SIGHUP twice at once, and holdfast reload, take in what is written by then", async () => {
  const server = await startProcess({ config: written() });
  const get = async () => (await fetch(`${server.url}/npm/left-pad`)).status;
  try {
    expect(await get()).toBe(200);
    writeFileSync(server.config, written({ claims: ["left-pad"] }));
    process.kill(server.pid, "SIGHUP");
    process.kill(server.pid, "SIGHUP");
    await waitFor(async () => (await get()) === 404, server.output);
    writeFileSync(server.config, written({}, { listen: "127.0.0.1:1", data: "./other" }));
    const command = ["reload", "--config", server.config, "--data", server.data];
    const reload = () => run([process.execPath, main, ...command], { cwd: tempFolder("cli") });
    expect(await reload()).toMatchObject({
      code: 0,
      output: "Took the configuration in: npm changed\n", // flags stand above the file, here as at the start
    });
    expect(await get()).toBe(200);
    writeFileSync(server.config, written({}, { cache: { memory: "1MiB" } }));
    expect((await reload()).stdout).toContain("cache stays as it is: another one takes a restart");
    writeFileSync(server.config, written({ freshness: "soon" }));
    const wrong = await reload();
    expect(wrong.code).toBe(1);
    expect(wrong.output).toContain("expected a duration");
    expect(await get()).toBe(200);
  } finally {
    await server.stop();
  }
  const gone = await run([process.execPath, main, "reload", "--data", server.data], {
    cwd: tempFolder("cli"),
  });
  expect(gone).toMatchObject({ code: 1 });
  expect(gone.output).toContain("No server runs on");
});
