// What was unpublished, by pages: shown with until when it can be restored, and restored after a question.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeAccounts } from "./support/accounts.ts";
import { type Browser, openBrowser } from "./support/browser.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { npmPublication } from "./support/npm-package.ts";
import { startServer, type TestServer } from "./support/server.ts";

const TRASH = "/-/operator/trash";
const KEY = { repository: "npm", package: "@harbour/buoy", version: "1.0.0" };
const PASSWORD = "correct horse";

let upstream: FakeUpstream;
let server: TestServer;
let ann: Browser;
let headers: Record<string, string>;
beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, {
    claims: { npm: ["@harbour/*"] },
    access: { anonymous: "read" },
    own: { npm: { hosted: { trash: "10d" } } },
  });
  const [token] = await makeAccounts(server, [
    { user: "ann", actions: ["admin"], password: PASSWORD },
  ]);
  await server.restart();
  headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  ann = openBrowser(server.url);
  await ann.send("/-/login", { name: "ann", password: PASSWORD });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

const tarball = () => fetch(`${server.url}/npm/@harbour/buoy/-/buoy-1.0.0.tgz`);
const api = (method: string, path: string) =>
  fetch(`${server.url}/-/api/v1/repositories/npm/${path}`, { method, headers });

test("a release that was unpublished can be restored until a day that is told, and is asked about first", async () => {
  const { body } = npmPublication("@harbour/buoy", "1.0.0", "1.0.0");
  await fetch(`${server.url}/npm/@harbour%2fbuoy`, { method: "PUT", body, headers });
  const before = await (await tarball()).bytes();
  expect((await ann.open(TRASH)).text).toContain("Nothing that was unpublished");
  await api("DELETE", "packages/@harbour%2fbuoy/releases/1.0.0");
  expect((await tarball()).status).toBe(404);

  const { items } = (await (await api("GET", "trash")).json()) as {
    items: { removedAt: string; endsAt: string }[];
  };
  expect(Date.parse(items[0]!.endsAt) - Date.parse(items[0]!.removedAt)).toBe(10 * 86_400_000);
  const { text } = await ann.open(TRASH);
  for (const want of ["@harbour/buoy", "buoy-1.0.0.tgz", items[0]!.endsAt.slice(0, 10), "ann"])
    expect(text).toContain(want);

  const asked = await ann.send(TRASH, KEY);
  expect(asked.location).toBe(`${TRASH}?${new URLSearchParams(KEY)}`);
  expect((await ann.open(asked.location!)).text).toContain("Restore @harbour/buoy 1.0.0?");
  expect((await tarball()).status).toBe(404);
  const done = await ann.send(TRASH, { ...KEY, sure: "yes" });
  expect((await ann.open(done.location!)).text).toContain("@harbour/buoy 1.0.0 is back as it was.");
  const after = await tarball();
  expect([after.status, await after.bytes()]).toEqual([200, before]);
}, 60_000);

test("what is not in the trash, and what another site sends, is refused on the page", async () => {
  const gone = await ann.send(TRASH, { ...KEY, version: "9.9.9", sure: "yes" });
  expect(gone.status).toBe(404);
  const elsewhere = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const sent = await ann.send(TRASH, { ...KEY, sure: "yes" }, elsewhere);
  expect(sent.location).toStartWith("/-/login");
  expect((await openBrowser(server.url).open(TRASH)).location).toStartWith("/-/login");
}, 60_000);
