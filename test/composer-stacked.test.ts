// Composer repositories that are built on one another: own packages, packages made from code, and the public ones, at one address.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { archive } from "../src/formats/composer/testdata/archives.ts";
import { formats } from "../src/formats/index.ts";
import { makeRepository, type TestRepository } from "../src/git/testkit.ts";
import { type Running, start } from "../src/server/start.ts";
import { configText } from "./support/config.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";
import { gateOf } from "./support/wire-publish.ts";

const home = tempFolder("stacked");
let upstream: FakeUpstream;
let server: Running;
let code: TestRepository;

beforeAll(async () => {
  upstream = await startUpstream();
  code = makeRepository(join(home, "code", "oak"));
  code.commit({ "composer.json": JSON.stringify({ name: "wood/oak" }), leaf: "green" });
  code.tag("1.0.0");
  const config = JSON.parse(configText(upstream));
  const [at] = config.repositories.composer.upstreams;
  const own = { format: "composer", offline: true, upstreams: [] };
  const built = (...upstreams: object[]) => ({ format: "composer", upstreams });
  Object.assign(config.repositories, {
    acme: own,
    zinc: own,
    wood: {
      format: "composer",
      upstreams: [],
      sources: [{ names: "wood/*", git: `file://${home}/code/{1}` }],
    },
    all: built({ repository: "acme" }, { repository: "wood" }, at),
    both: built({ repository: "acme" }, { repository: "zinc" }),
  });
  const file = join(home, "holdfast.yaml");
  writeFileSync(file, JSON.stringify(config));
  server = await start({
    config: loadConfig({ file, formats, flags: { data: join(home, "data") }, env: {} }),
    log: createLog("json", () => {}),
    gate: gateOf(new Map([["ann", ["read", "publish", "unpublish"]]])),
  });
}, 60_000);
afterAll(async () => {
  await server.stop(0);
  await upstream.stop();
  removeTemp(home);
});

const put = async (path: string, wish: Parameters<typeof archive>[0]) => {
  const headers = { authorization: `Basic ${btoa("ann:ann")}` };
  const body = new Uint8Array(archive(wish));
  return (await fetch(`${server.url}${path}`, { method: "PUT", headers, body })).status;
};
// biome-ignore lint/suspicious/noExplicitAny: JSON as a client reads it
async function get(path: string): Promise<{ status: number; json: any }> {
  const answer = await fetch(path.startsWith("http") ? path : `${server.url}${path}`);
  const isJson = answer.headers.get("content-type") === "application/json";
  return { status: answer.status, json: isJson ? await answer.json() : await answer.bytes() };
}
const versions = async (repository: string, name: string) => {
  const { status, json } = await get(`/${repository}/p2/${name}.json`);
  return status === 200
    ? json.packages[name].map((one: { version: string }) => one.version)
    : status;
};

test("one address has what is uploaded, made from code, and fetched; each change shows at once", async () => {
  expect(await put("/acme/packages/upload/acme/ui/1.0.0", {})).toBe(201);
  expect(await versions("all", "acme/ui")).toEqual(["1.0.0"]);
  expect(await versions("all", "wood/oak")).toEqual(["1.0.0"]);
  expect(await versions("all", "reef/coral")).toContain("1.0.0");
  expect((await get("/all/packages.json")).json).not.toHaveProperty("available-packages");
  expect(await put("/acme/packages/upload/acme/ui/1.1.0", {})).toBe(201);
  expect(await versions("all", "acme/ui")).toEqual(["1.1.0", "1.0.0"]);
  for (const name of ["acme/ui", "wood/oak", "reef/coral"]) {
    const { json } = await get(`/all/p2/${name}.json`);
    const dist = await get(json.packages[name].at(-1).dist?.url ?? json.packages[name][0].dist.url);
    expect([name, dist.status]).toEqual([name, 200]);
    expect(json.packages[name][0].dist.url).toStartWith(`${server.url}/all/dists/${name}/`);
  }
  expect(await versions("all", "wood/none")).toBe(404);
  expect((await get("/all/search.json?q=oak")).json.results[0].name).toBe("wood/oak");
  expect((await get("/all/search.json?q=ui")).json.results[0].name).toBe("acme/ui");
  expect(upstream.requests.filter(({ target }) => /acme|wood/.test(target))).toEqual([]);
});

test("what belongs to a base is published there", async () => {
  expect(await put("/all/packages/upload/acme/ui/2.0.0", {})).toBe(409);
  expect(await put("/wood/packages/upload/wood/oak/2.0.0", { name: "wood/oak" })).toBe(409);
  expect(await put("/wood/?version=2.0.0", { name: "wood/oak" })).toBe(409);
});

test("a repository that is built on private ones alone has theirs, and no is no outage", async () => {
  expect(await put("/zinc/packages/upload/zinc/bar/1.0.0", { name: "zinc/bar" })).toBe(201);
  expect((await get("/both/packages.json")).json["available-packages"]).toEqual([
    "acme/ui",
    "zinc/bar",
  ]);
  expect(await versions("both", "zinc/bar")).toEqual(["1.0.0"]);
  expect(await versions("both", "reef/coral")).toBe(404);
});
