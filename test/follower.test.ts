// A server in another site that follows the first one: it has what that one has, says what that one says, and goes on when the line is cut.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
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
  fetch(follower.url + path, { ...init, headers: { ...(token && bearer(token)), ...init.headers } });

const versions = async (name: string, token = ann) => {
  const answer = await at(`/npm/${name.replace("/", "%2f")}`, token);
  if (!answer.ok) return answer.status;
  return Object.keys(((await answer.json()) as { versions: object }).versions);
};

const has = (file: string) => follower.files().some((one) => one.file === file);
const until = (done: () => boolean | Promise<boolean>, what: string) =>
  waitFor(done, () => `${what}: ${follower.log.slice(-30).join("\n")}`, LIMIT);

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
