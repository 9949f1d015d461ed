// The page that a refusal leads to: what it says, and to whom.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { grantOf } from "../src/core/testkit.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";

const policy = [
  { name: "incident", packages: ["pkg:npm/clownfish"], block: "steals <b>tokens</b>" },
  { name: "cooldown", packages: ["pkg:npm/*", "pkg:composer/*"], minimumAge: "5d" },
];
let upstream: FakeUpstream;
let server: TestServer;
beforeEach(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, { server: { policy } });
  upstream.npm.publish({ name: "kelp", version: "2.1.0", time: new Date() });
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

const get = async (path: string, accept = "text/html") => {
  const response = await fetch(`${server.url}${path}`, { headers: { accept } });
  return { status: response.status, text: await response.text() };
};

test("a refusal names the page, which says which rule, until when, and who can lift it", async () => {
  const { text } = await get("/npm/kelp/-/kelp-2.1.0.tgz", "*/*");
  const path = /\/-\/why\/[^\s"]+/.exec(text)?.[0];
  expect(path).toBe("/-/why/pkg:npm/kelp@2.1.0");
  const page = await get(path!);
  expect(page.status).toBe(200);
  expect(page.text).toContain("Held");
  expect(page.text).toContain("cooldown");
  expect(page.text).toContain("holdfast waiver add 'pkg:npm/kelp@2.1.0'");

  await get("/npm/clownfish");
  const blocked = await get("/-/why/pkg:npm/clownfish@0.3.0");
  expect(blocked.text).toContain("steals &lt;b&gt;tokens&lt;/b&gt;");
  const values = { purl: "pkg:npm/kelp@2.1.0", reason: "a fix", until: "fixed", by: "the test" };
  await server.operate("waiver add", "", values);
  const waived = await get(path!);
  expect(waived.text).toContain("Allowed");
  expect(waived.text).toContain("until it is fixed: a fix");
});

test("what is no purl, or of no repository here, is told as that", async () => {
  expect((await get("/-/why/kelp")).status).toBe(400);
  expect((await get("/-/why/pkg:gem/kelp@1")).status).toBe(404);
  expect((await get("/-/why/pkg:npm/%zz@1")).status).toBe(400);
});

test("who may not read a package is told nothing of it", async () => {
  await get("/npm/kelp");
  const mayRead = (name: string | null) => name === null || name === "tide";
  const gate = { identify: () => grantOf("ann", (_, __, name) => mayRead(name)) };
  await server.restart({ gate });
  expect((await get("/-/why/pkg:npm/kelp@2.1.0")).status).toBe(404);
  expect((await get("/-/why/pkg:npm/tide@1.0.0")).status).toBe(200);
  await server.restart({ gate: { identify: () => grantOf("", () => false) } });
  const refused = await get("/-/why/pkg:npm/tide@1.0.0", "*/*");
  expect([401, 403]).toContain(refused.status);
});

test("where the server has an address for all, the page stands there", async () => {
  const publicUrl = "https://packages.example.test";
  await server.restart({ server: { policy, publicUrl } });
  const { text } = await get("/npm/kelp/2.1.0", "*/*");
  expect(text).toContain(`${publicUrl}/-/why/pkg:npm/kelp@2.1.0`);
});
