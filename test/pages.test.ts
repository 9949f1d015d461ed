// The pages for people: `/`, and a repository's own where its clients ask for nothing.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { grantOf } from "../src/core/testkit.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
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
const get = (path: string, headers: Record<string, string> = BROWSER) =>
  fetch(`${server.url}${path}`, { headers });
const text = async (path: string) =>
  (await (await get(path)).text()).replace(/<style>.*?<\/style>/s, "").replace(/<[^>]+>/g, " ");

test("what was served is told at once, and only to those who may read it", async () => {
  expect(await text("/")).toContain("Nothing is stored yet");
  for (const _ of [1, 2]) await (await get("/npm/kelp/-/kelp-2.0.0.tgz", {})).arrayBuffer();
  const page = await text("/");
  expect(page).toContain("Serving");
  expect(page).toMatch(/kelp\s+2\.0\.0/);
  expect(page).toMatch(/Answered from the store\s+50 %/);
  expect(await text("/npm/")).toMatch(/kelp\s+2\.0\.0/);
  expect(await text("/go/")).toContain("Nothing is stored yet");
  const stranger = grantOf("stranger", (_repository, _action, name) => name === null);
  await server.restart({ gate: { identify: () => stranger } });
  for (const path of ["/", "/npm/"]) expect(await text(path)).not.toContain("kelp");
});

test("a repository's address has a page for browsers, and for clients what it had", async () => {
  for (const name of ["npm", "go", "composer"])
    for (const path of [`/${name}`, `/${name}/`]) {
      const page = await get(path);
      expect([page.status, page.headers.get("content-type")]).toEqual([
        200,
        "text/html; charset=utf-8",
      ]);
      expect(await page.text()).toContain(`${server.url}/${name}`);
      const plain = await get(path, { accept: "application/json" });
      expect(plain.status).toBe(404);
      expect(plain.headers.get("content-type")).not.toContain("html");
    }
  // Its own redirect, and its own list.
  expect((await get("/pypi/")).url).toEndWith("/pypi/simple/");
  const head = await fetch(`${server.url}/npm/`, { method: "HEAD", headers: BROWSER });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

test("packages are found, and a page of each has what is known of it, without asking anybody", async () => {
  await (await get("/npm/kelp", {})).arrayBuffer();
  await (await get("/npm/kelp/-/kelp-2.0.0.tgz", {})).arrayBuffer();
  await upstream.off();
  const asked = upstream.requests.length;
  expect(await text("/-/packages?q=KEL")).toMatch(/kelp\s+npm\s+stored/);
  const found = await text("/-/packages/npm/kelp");
  for (const want of ["2.0.0", "allowed", "stored", "known", "npm install kelp", "Readme"])
    expect(found).toContain(want);
  const version = await text("/-/packages/npm/kelp/v/2.0.0");
  for (const want of ["kelp-2.0.0.tgz", "told sha512", "bytes sha256", "pkg:npm/kelp@2.0.0"])
    expect(version).toContain(want);
  expect((await get("/-/packages/npm/kelq")).status).toBe(404);
  expect((await get("/-/packages/npm/kelp/v/99.0.0")).status).toBe(404);
  expect((await get("/-/packages/nowhere/kelp")).status).toBe(404);
  for (const odd of [
    "/-/packages/npm/%zz",
    "/-/packages/npm/",
    "/-/packages/npm/kelp/v/",
    "/-/packages/NPM/x",
  ])
    expect([400, 404]).toContain((await get(odd)).status);
  expect(upstream.requests.length).toBe(asked);
});

test("what an author calls versions stands on the page: dist-tags, branches, what Go has as the latest", async () => {
  for (const path of [
    "/npm/kelp",
    "/go/example.test/anchor/@v/list",
    "/go/example.test/anchor/@latest",
    "/composer/packages.json",
    "/composer/p2/isle/palm~dev.json",
    "/composer/dists/isle/palm/dev-main/60abf2e7511bb5d10f132b33de060874e70d929a.zip",
  ])
    await (await get(path, {})).arrayBuffer();
  await upstream.off();
  const labels = async (path: string) => {
    const answer = await fetch(`${server.url}/-/api/v1/catalog/${path}`);
    return ((await answer.json()) as { labels: Record<string, string> }).labels;
  };
  expect(await labels("npm/kelp")).toMatchObject({ latest: "2.0.0" });
  expect(await labels("go/example.test%2Fanchor")).toEqual({ latest: "v1.1.0" });
  expect(await labels("composer/isle%2Fpalm")).toEqual({
    "2.x-dev": "dev-main",
    "default branch": "dev-main",
  });
  expect(await text("/-/packages/npm/kelp")).toMatch(
    /Tags\s+As its author moves them\.\s+latest\s+2\.0\.0/,
  );
});

test("of a package that somebody may not read nothing is told: not by a search, a page, nor their twins", async () => {
  for (const name of ["kelp", "tide"]) await (await get(`/npm/${name}`, {})).arrayBuffer();
  const ann = grantOf("ann", (repository, action, name) => {
    return action === "read" && repository !== "pypi" && name !== "kelp";
  });
  await server.restart({ gate: { identify: () => ann } });
  const paths = [
    ["/-/packages?q=kelp", 200],
    ["/-/packages", 200],
    ["/-/api/v1/catalog?search=kelp", 200],
    ["/-/packages/npm/kelp", 403],
    ["/-/packages/npm/kelp/v/2.0.0", 403],
    ["/-/api/v1/catalog/npm/kelp", 403],
    ["/-/api/v1/catalog/npm/kelp/versions/2.0.0", 403],
  ] as const;
  for (const [path, status] of paths) {
    const answer = await get(path);
    expect([path, answer.status]).toEqual([path, status]);
    const told = (await answer.text())
      .replace(/kelp/, "")
      .replace(/value="kelp"|“kelp”|kelp · /g, "");
    expect([path, /kelp-|2\.0\.0|\/npm\/kelp"/.test(told)]).toEqual([path, false]);
  }
  // What is not there is refused in the same words.
  const words = async (name: string) =>
    (await (await get(`/-/packages/npm/${name}`)).text()).replaceAll(name, "NAME");
  const other = grantOf("ann", (_, action, name) => action === "read" && name === null);
  await server.restart({ gate: { identify: () => other } });
  expect(await words("kelp")).toBe(await words("kelq"));
});
