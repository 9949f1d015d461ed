// A path cannot forget to ask: every route that the wire scripts know, asked by a caller who may nothing, with all of it stored.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Glob } from "bun";
import { grantOf } from "../src/core/testkit.ts";
import { formats } from "../src/formats/index.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { parseWire } from "./support/wire-script.ts";

const nothing = grantOf("", () => false);

interface Asked {
  method: string;
  path: string;
  body: string;
}

/** The requests of all scripts that hold nothing which only the script knows. */
const requests = new Map<string, Asked>();
for (const script of [...new Glob("src/formats/*/testdata/*.wire").scanSync(".")].sort())
  for (const step of parseWire(readFileSync(script, "utf8")))
    if (step.do === "request" && !/[{}]/.test(step.path))
      requests.set(`${step.method} ${step.path}`, step);

let upstream: FakeUpstream;
let server: TestServer;

beforeEach(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

const ask = ({ method, path, body }: Asked) =>
  fetch(`${server.url}${path}`, {
    method,
    redirect: "manual",
    ...(method === "POST" && { body }),
  });

/** The kind of the route that the format of this path's repository takes it for, or null. */
function routeOf({ method, path }: Asked): string | null {
  const [, name = "", rest = "/"] = /^\/([^/?]+)([^?]*)/.exec(path) ?? [];
  const format = formats.find((one) => name.startsWith(one.name) || one.name === "apt");
  const kind = format?.parse(method, rest || "/")?.kind;
  return kind === undefined ? null : `${format!.name} ${kind}`;
}

test("who may nothing is told nothing, on no route of any format, and no upstream is asked", async () => {
  expect(requests.size).toBeGreaterThan(200);
  for (const request of requests.values()) await (await ask(request)).arrayBuffer();
  await server.restart({ gate: { identify: () => nothing } });
  upstream.requests.length = 0;
  const routes = new Set<string>();
  const wrong: string[] = [];
  for (const request of requests.values()) {
    const answer = await ask(request);
    const text = await answer.text();
    if (answer.status === 401) routes.add(routeOf(request) ?? "the site");
    else if (answer.status === 400) expect(text).toContain("Refused");
    else if (answer.status !== 404 || !/is nothing that|Nothing stands/.test(text))
      wrong.push(`${request.method} ${request.path}: ${answer.status}`);
  }
  expect(wrong).toEqual([]);
  expect(upstream.requests).toEqual([]);
  expect(routes.size).toBeGreaterThan(25);
}, 120_000);

test("the site asks as well; only its health is for everybody", async () => {
  await server.restart({ gate: { identify: () => nothing } });
  const status = async (path: string) => (await fetch(`${server.url}${path}`)).status;
  expect(await status("/")).toBe(401);
  expect(await status("/-/metrics")).toBe(401);
  expect(await status("/-/health/live")).toBe(200);
  expect(await status("/-/health/ready")).toBe(200);
});

test("who may use one repository is told of no other by any page, nor by what is nowhere", async () => {
  const may = (repository: string | null) => repository === null || repository === "npm";
  const grant = grantOf("ann", may);
  await server.restart({ gate: { identify: () => grant } });
  const page = (path: string) =>
    fetch(`${server.url}${path}`, { headers: { accept: "text/html" } });
  expect((await page("/npm/")).status).toBe(200);
  const refused = await page("/go/");
  expect(refused.status).toBe(403);
  expect(await refused.text()).not.toContain("Set up a client");
  for (const path of ["/", "/nowhere/"]) {
    const text = await (await page(path)).text();
    expect(text).toContain("/npm/");
    expect(text).not.toContain("/go/");
  }
});

test("a reply that repeats is not given to another audience", async () => {
  let grant = grantOf("ann", () => true);
  await server.restart({ gate: { identify: () => grant } });
  const get = async () => (await fetch(`${server.url}/npm/kelp`)).status;
  for (let time = 0; time < 3; time += 1) expect(await get()).toBe(200);
  grant = grantOf("ben", () => false);
  expect(await get()).toBe(403);
});
