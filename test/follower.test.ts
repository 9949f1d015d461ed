// A server in another site that follows the first one: it has what that one has, says what that one says, and goes on when the line is cut.
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { createHash } from "node:crypto";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import {
  bearer,
  openToFollowers,
  type Primary,
  startFollower,
  type TestFollower,
  tokenOf,
} from "./support/follower.ts";
import { type Line, startLine } from "./support/line.ts";
import { npmPublication } from "./support/npm-package.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { waitFor } from "./support/wait.ts";

const off = { go: false, composer: false, debian: false, "debian-security": false };
const LIMIT = 30_000;
setDefaultTimeout(180_000);

let upstream: FakeUpstream;
let primary: TestServer;
let site: Primary;
let ann: string;
let line: Line;
let follower: TestFollower;

beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.stop());
beforeEach(async () => {
  const grants = [
    { to: "user:ann", may: ["publish", "unpublish"] },
    { to: "everyone", may: "read" },
  ];
  primary = await startServer(upstream, {
    access: { anonymous: [{ repositories: ["pypi"] }], grants },
    claims: { npm: ["@acme/*"] },
  });
  site = await openToFollowers(primary);
  await primary.account("user add", { name: "ann" });
  ann = await tokenOf(primary, "ann");
  line = startLine(primary.url);
  follower = await startFollower(line.url, site, off);
});
afterEach(async () => {
  await follower?.stop();
  await line?.stop();
  await primary?.stop();
});

async function publish(name: string, version: string): Promise<void> {
  const { body } = npmPublication(name, version);
  const answer = await fetch(`${primary.url}/npm/${name.replace("/", "%2f")}`, {
    method: "PUT",
    headers: { ...bearer(ann), "content-type": "application/json" },
    body,
  });
  if (!answer.ok) throw new Error(await answer.text());
}

const at = (path: string, token: string | null = ann, init: RequestInit = {}) =>
  fetch(follower.url + path, {
    ...init,
    headers: { ...(token && bearer(token)), ...init.headers },
  });

const versions = async (name: string, token = ann) => {
  const answer = await at(`/npm/${name.replace("/", "%2f")}`, token);
  if (!answer.ok) return answer.status;
  return Object.keys(((await answer.json()) as { versions: object }).versions);
};

const has = (file: string) => follower.files().some((one) => one.file === file);
const until = (done: () => boolean | Promise<boolean>, what: string) =>
  waitFor(
    done,
    () =>
      `${what}: ${follower.log
        .filter((one) => !one.includes('"GET '))
        .slice(-30)
        .join("\n")}`,
    LIMIT,
  );

test("what was published and pinned is brought by the log, and installed while the line is cut", async () => {
  await publish("@acme/ui", "1.0.0");
  await fetch(`${primary.url}/npm/kelp/-/kelp-2.0.0.tgz`, { headers: bearer(ann) });
  await until(() => has("ui-1.0.0.tgz") && has("kelp-2.0.0.tgz"), "not brought");
  await until(async () => (await follower.following()).toBring === 0, "something is still wanted");
  await line.cut();
  expect(await versions("@acme/ui")).toEqual(["1.0.0"]);
  const answer = await at("/npm/@acme%2fui/-/ui-1.0.0.tgz");
  const bytes = await answer.bytes();
  expect(answer.status).toBe(200);
  const { tarball } = npmPublication("@acme/ui", "1.0.0");
  const sha256 = (some: Uint8Array) => createHash("sha256").update(some).digest("hex");
  expect(sha256(bytes)).toBe(sha256(tarball));
  expect((await at("/npm/kelp/-/kelp-2.0.0.tgz")).status).toBe(200);
});

const current = () =>
  until(async () => {
    const { state, behindLeaves, toBring } = await follower.following();
    return state === "following" && behindLeaves === 0 && toBring === 0;
  }, "not current");

/** On the primary, as its operator does it. */
const change = (method: string, path: string, body?: unknown, token = ann) =>
  fetch(primary.url + path, {
    method,
    headers: {
      ...bearer(token),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

test("what is said of a package changes here as it does there", async () => {
  await publish("@acme/ui", "1.0.0");
  await until(async () => String(await versions("@acme/ui")) === "1.0.0", "1.0.0 is not shown");
  await publish("@acme/ui", "1.1.0");
  await until(
    async () => String(await versions("@acme/ui")) === "1.0.0,1.1.0",
    "1.1.0 is not shown",
  );
  const gone = await change(
    "DELETE",
    "/-/api/v1/repositories/npm/packages/@acme%2fui/releases/1.0.0",
  );
  expect(gone.status).toBeLessThan(300);
  await until(async () => String(await versions("@acme/ui")) === "1.1.0", "1.0.0 is still shown");
});

describe("who may read what", () => {
  test("is what the primary says, within seconds, and what it said last while the line is cut", async () => {
    await publish("@acme/ui", "1.0.0");
    await current();
    await until(async () => (await at("/npm/@acme%2fui")).status === 200, "ann may not read");
    expect((await at("/npm/@acme%2fui", null)).status).toBe(401);
    expect((await at("/pypi/simple/brine/", null)).status).toBe(200);
    await primary.account("user add", { name: "ben" });
    const ben = await tokenOf(primary, "ben");
    await until(async () => (await at("/npm/@acme%2fui", ben)).status === 200, "ben may not read");
    const lines = await primary.account("token list", { user: "ben" });
    const id = /\b[0-9a-f]{8}-[0-9a-f-]{27}\b/.exec(lines.join("\n"))![0];
    await primary.account("token revoke", { id });
    await until(async () => (await at("/npm/@acme%2fui", ben)).status === 401, "ben still may");
    expect(await (await at("/npm/@acme%2fui", ben)).text()).toContain("was revoked on");
    await line.cut();
    await until(async () => (await follower.following()).state === "cut", "not known to be cut");
    expect((await at("/npm/@acme%2fui")).status).toBe(200);
    expect((await at("/npm/@acme%2fui", ben)).status).toBe(401);
    await follower.restart();
    expect((await at("/npm/@acme%2fui")).status).toBe(200);
    expect((await at("/npm/@acme%2fui", ben)).status).toBe(401);
  });

  test("is nobody before the primary was heard, and after the time that the operator set", async () => {
    await publish("@acme/ui", "1.0.0");
    await follower.stop();
    await line.cut();
    follower = await startFollower(line.url, site, off, { accessFor: "7d" });
    expect((await at("/npm/@acme%2fui")).status).toBe(401);
    expect((await at("/pypi/simple/brine/", null)).status).toBe(401);
    line.mend();
    await until(async () => (await at("/npm/@acme%2fui")).status === 200, "ann may not read");
    expect((await at("/pypi/simple/brine/", null)).status).toBe(200);
    await current();
    await line.cut();
    await until(async () => (await follower.following()).state === "cut", "not known to be cut");
    follower.advance(8 * 86_400_000);
    const late = await at("/npm/@acme%2fui");
    expect([late.status, await late.text()]).toEqual([
      401,
      expect.stringContaining("too long ago to let anybody in"),
    ]);
    expect((await at("/pypi/simple/brine/", null)).status).toBe(200);
    line.mend();
    await until(async () => (await at("/npm/@acme%2fui")).status === 200, "ann may not read again");
  });
});
