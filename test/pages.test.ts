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
