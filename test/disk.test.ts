// Room on the disk, over HTTP: what goes comes again byte for byte, and what could not come again stays.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { waitFor } from "./support/wait.ts";

const MINUTE = 60_000;
const NPM = ["/npm/kelp/-/kelp-1.0.0.tgz", "/npm/kelp/-/kelp-2.0.0.tgz"];
const GO = ["/go/example.test/anchor/@v/v1.1.0.zip"];
const WHEEL = ["/pypi/files/coral-reef/coral_reef-3.0-py3-none-any.whl"];

let upstream: FakeUpstream;
let server: TestServer;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

async function open(options: Parameters<typeof startServer>[1] = {}): Promise<void> {
  // More than any disk has free: all goes that can.
  server = await startServer(upstream, { ...options, server: { disk: { keepFree: "99%" } } });
}

async function get(path: string): Promise<{ status: number; sha256: string; cache: string }> {
  const response = await fetch(server.url + path);
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    cache: response.headers.get("cache-status") ?? "",
  };
}
const all = (paths: readonly string[]) => Promise.all(paths.map(get));
async function clean(): Promise<string[]> {
  server.advance(2 * MINUTE);
  const { isDone, lines } = await server.operate("disk clean", "");
  expect(isDone).toBe(true);
  return lines;
}
const stored = () => server.files().map(({ file }) => file);

test("files of all formats go, and come again with the digests that they had", async () => {
  await open();
  const paths = [...NPM, ...GO, ...WHEEL];
  await all(["/npm/kelp", "/pypi/simple/coral-reef/"]);
  const before = await all(paths);
  expect(before.map(({ status }) => status)).toEqual(paths.map(() => 200));
  await waitFor(
    () => stored().includes("v1.1.0.info"),
    () => `what comes behind a zip has not come: ${stored()}`,
    20_000,
  );
  const lines = await clean();
  expect(lines).toContainEqual(expect.stringMatching(/^npm: removed 2 files/));
  expect(stored()).toEqual([]);
  const after = await all(paths);
  expect(after.map(({ sha256 }) => sha256)).toEqual(before.map(({ sha256 }) => sha256));
  for (const { cache } of after) expect(cache).toContain("fwd=uri-miss");
  expect(server.events()).toEqual([]);
}, 30_000);

test("a file that comes again with other bytes is refused and told", async () => {
  await open();
  const [first] = await all(NPM);
  await clean();
  upstream.npm.republish("kelp", "1.0.0");
  const again = await get(NPM[0]!);
  expect(again.status).not.toBe(200);
  expect(again.sha256).not.toBe(first!.sha256);
  expect(server.events().map(({ kind }) => kind)).toContain("tampered");
}, 30_000);

test("what went upstream stays", async () => {
  await open();
  await get("/npm/kelp");
  await all(NPM);
  upstream.npm.unpublish("kelp", "1.0.0");
  server.advance(10 * MINUTE);
  await get("/npm/kelp");
  await clean();
  expect(stored()).toEqual(["kelp-1.0.0.tgz"]);
  expect((await get(NPM[0]!)).status).toBe(200);
}, 30_000);

test("nothing of a server that is offline goes", async () => {
  await open();
  await all(NPM);
  await server.restart({ offline: true });
  const lines = await clean();
  expect(lines).toContain("npm: nothing goes: it is offline, and nothing could be fetched again");
  expect(stored()).toHaveLength(2);
}, 30_000);

test("the indices of each release that is shown stay, and packages that the newest one does not name", async () => {
  await open();
  const suite = "/debian/dists/stable";
  const index = `${suite}/main/binary-amd64/Packages.xz`;
  const archive = upstream.apt.archive("debian");
  await archive.publish("stable", { name: "extra", version: "1.0" });
  await archive.publish("stable", { name: "lasting", version: "1.0" });
  await get(`${suite}/InRelease`);
  await get(index);
  const extra = "/debian/pool/main/e/extra/extra_1.0_all.deb";
  const lasting = "/debian/pool/main/l/lasting/lasting_1.0_all.deb";
  const before = await all([extra, lasting]);
  expect(before.map(({ status }) => status)).toEqual([200, 200]);
  await archive.withdraw("stable", "extra", "1.0");
  archive.purge("stable");
  server.advance(10 * MINUTE);
  await get(`${suite}/InRelease`);
  const indices = stored().filter((file) => !file.endsWith(".deb"));
  const lines = await clean();
  expect(stored().filter((file) => !file.endsWith(".deb"))).toEqual(indices);
  expect(indices.length).toBeGreaterThan(1);
  expect(stored().filter((file) => file.endsWith(".deb"))).toEqual([
    "pool/main/e/extra/extra_1.0_all.deb",
  ]);
  expect(lines).toContainEqual(expect.stringMatching(/^debian: removed 1 file,/));
  expect((await all([extra, lasting])).map(({ sha256 }) => sha256)).toEqual(
    before.map(({ sha256 }) => sha256),
  );
}, 30_000);

test("of a mirror nothing goes", async () => {
  const mirror = { suites: ["stable"], components: ["main"], architectures: ["amd64"] };
  await open({ apt: { debian: { mirror } } });
  const { isDone } = await server.operate("mirror run", "debian");
  expect(isDone).toBe(true);
  const before = stored();
  expect(before.length).toBeGreaterThan(0);
  await clean();
  expect(stored()).toEqual(before);
}, 60_000);
