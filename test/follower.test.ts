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
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { contentType, uploadForm, wheel } from "../src/formats/pypi/testdata/distributions.ts";
import { readReceipt } from "../src/ledger/log/prove.ts";
import { commands } from "../src/main.ts";
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
import { removeTemp, tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const off = { go: false, composer: false, debian: false, "debian-security": false };
const LIMIT = 30_000;
setDefaultTimeout(180_000);

let upstream: FakeUpstream;
let primary: TestServer;
let site: Primary;
let ann: string;
/** Of the primary's administrator. */
let root: string;
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
  await primary.account("user add", { name: "root", admin: true });
  root = await tokenOf(primary, "root");
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

test("nothing is published, changed or made here, and each client is told where", async () => {
  await publish("@acme/ui", "1.0.0");
  await current();
  const { body } = npmPublication("@acme/ui", "2.0.0");
  const json = { "content-type": "application/json" };
  const shell = wheel();
  const form = { "content-type": contentType };
  const asked: [what: string, path: string, init: RequestInit, token?: string][] = [
    ["npm publish", "/npm/@acme%2fui", { method: "PUT", headers: json, body }],
    [
      "npm dist-tag",
      "/npm/-/package/@acme%2fui/dist-tags/next",
      { method: "PUT", headers: json, body: '"1.0.0"' },
    ],
    [
      "twine upload",
      "/pypi/legacy/",
      { method: "POST", headers: form, body: new Uint8Array(uploadForm(shell)) },
    ],
    [
      "npm login",
      "/npm/-/user/org.couchdb.user:ann",
      { method: "PUT", headers: json, body: '{"name":"ann","password":"correct horse"}' },
    ],
    ["a new user", "/-/api/v1/users/zoe", { method: "PUT", headers: json, body: "{}" }, root],
    [
      "a block",
      "/-/api/v1/blocks",
      {
        method: "POST",
        headers: json,
        body: '{"purl":"pkg:npm/kelp@2.0.0","reason":"bad"}',
      },
      root,
    ],
  ];
  for (const [what, path, init, token] of asked) {
    const answer = await at(path, token ?? ann, init);
    const said = await answer.text();
    expect([what, answer.status]).toEqual([what, 403]);
    expect([what, said]).toEqual([
      what,
      expect.stringContaining(`follows ${line.url} and is for reading alone`),
    ]);
  }
  expect(await versions("@acme/ui")).toEqual(["1.0.0"]);
});

test("what the primary blocks is blocked here too, also once the line is cut", async () => {
  await fetch(`${primary.url}/npm/kelp/-/kelp-2.0.0.tgz`, { headers: bearer(ann) });
  await until(() => has("kelp-2.0.0.tgz"), "not brought");
  await current();
  expect((await at("/npm/kelp/-/kelp-2.0.0.tgz")).status).toBe(200);
  const block = { purl: "pkg:npm/kelp@2.0.0", reason: "it steals keys" };
  expect((await change("POST", "/-/api/v1/blocks", block, root)).status).toBe(201);
  const status = async () => (await at("/npm/kelp/-/kelp-2.0.0.tgz")).status;
  await until(async () => (await status()) === 403, "not blocked");
  await current();
  await line.cut();
  await until(async () => (await follower.following()).state === "cut", "not known to be cut");
  const refused = await at("/npm/kelp/-/kelp-2.0.0.tgz");
  expect([refused.status, await refused.text()]).toEqual([
    403,
    expect.stringContaining("it steals keys"),
  ]);
  expect(await versions("kelp")).not.toContain("2.0.0");
  await follower.restart();
  expect(await status()).toBe(403);
  line.mend();
  const { items } = (await (await change("GET", "/-/api/v1/blocks", undefined, root)).json()) as {
    items: { id: string }[];
  };
  await change("DELETE", `/-/api/v1/blocks/${items[0]!.id}`, undefined, root);
  await until(async () => (await status()) === 200, "still blocked");
  await until(async () => String(await versions("kelp")).includes("2.0.0"), "still not shown");
});

describe("what is not what the log says is refused and told", () => {
  test("other bytes for a pinned file, whoever sends them", async () => {
    line.lie((path, bytes) =>
      path.endsWith(".tgz") ? Buffer.concat([bytes, Buffer.of(0)]) : null,
    );
    await publish("@acme/ui", "1.0.0");
    await until(() => follower.events().some(({ kind }) => kind === "tampered"), "not told");
    expect(has("ui-1.0.0.tgz")).toBe(false);
    const told = await at("/npm/@acme%2fui/-/ui-1.0.0.tgz");
    expect([told.status, await told.text()]).toEqual([
      403,
      expect.stringContaining("now sends other bytes for ui-1.0.0.tgz"),
    ]);
    line.lie(null);
    follower.advance(3_600_000);
    await until(() => has("ui-1.0.0.tgz"), "not brought when it was right again");
  });

  test("a leaf that is another one", async () => {
    await current();
    line.lie((path, bytes) =>
      path.startsWith("/-/log/tile/entries/")
        ? Buffer.from(
            Buffer.from(bytes).toString("latin1").replace("ui-1.0.0.tgz", "ui-9.9.9.tgz"),
            "latin1",
          )
        : null,
    );
    await publish("@acme/ui", "1.0.0");
    await until(async () => (await follower.following()).state === "forked", "not noticed");
    expect(has("ui-1.0.0.tgz")).toBe(false);
    line.lie(null);
    await until(() => has("ui-1.0.0.tgz"), "it is not gone on with");
    await current();
    expect(follower.events().filter(({ kind }) => kind === "fork")).toHaveLength(1);
  });

  test("a primary that was put back, and one that goes on from there", async () => {
    const folder = tempFolder("put-back");
    await publish("@acme/ui", "1.0.0");
    await current();
    const restart = (between: () => void) => primary.restart({}, between);
    await restart(() => cpSync(primary.data, join(folder, "copy"), { recursive: true }));
    await publish("@acme/ui", "1.1.0");
    await until(() => has("ui-1.1.0.tgz"), "not brought");
    await current();
    await restart(() => {
      rmSync(primary.data, { recursive: true });
      cpSync(join(folder, "copy"), primary.data, { recursive: true });
    });
    await until(async () => (await follower.following()).state === "forked", "not noticed");
    expect(follower.events().some(({ kind }) => kind === "rollback")).toBe(true);
    for (const version of ["3.0.0", "4.0.0", "5.0.0"]) await publish("@acme/ui", version);
    await until(
      () => follower.events().some(({ kind }) => kind === "fork"),
      "the fork is not told",
    );
    expect(has("ui-3.0.0.tgz")).toBe(false);
    // What is here is served as it was, and nothing more is had of a primary that shows another history.
    expect(await versions("@acme/ui")).toEqual(["1.0.0", "1.1.0"]);
    expect((await at("/npm/@acme%2fui/-/ui-1.1.0.tgz")).status).toBe(200);
    expect((await at("/pypi/simple/brine/", null)).status).toBe(424);
    expect(await anew()).toBe(true);
    await until(() => has("ui-3.0.0.tgz"), "it is not gone on with");
    await current();
    removeTemp(folder);
  });
});

test("while the line is slow what is here is served, and a server that stops does not wait for it", async () => {
  await publish("@acme/ui", "1.0.0");
  await until(() => has("ui-1.0.0.tgz"), "not brought");
  await current();
  let free = () => {};
  const held = new Promise<void>((resolve) => {
    free = resolve;
  });
  line.hold((path) =>
    path.startsWith("/-/log/tile/") || path.endsWith(".tgz") ? held : undefined,
  );
  const before = line.asked.length;
  await publish("@acme/ui", "1.1.0");
  const isHeld = () => line.asked.slice(before).some((path) => path.startsWith("/-/log/tile/"));
  await until(isHeld, "nothing is asked");
  expect((await at("/npm/@acme%2fui/-/ui-1.0.0.tgz")).status).toBe(200);
  await follower.restart();
  expect((await at("/npm/@acme%2fui/-/ui-1.0.0.tgz")).status).toBe(200);
  free();
  await until(() => has("ui-1.1.0.tgz"), "not brought once the line was free");
});

test("it is told how far it is, and the primary's log gives receipts while the line is cut", async () => {
  await publish("@acme/ui", "1.0.0");
  await until(() => has("ui-1.0.0.tgz"), "not brought");
  await current();
  const metrics = await (await at("/-/metrics", root)).text();
  expect(metrics).toMatch(/^holdfast_follower_lag_leaves 0$/m);
  expect(metrics).toMatch(/^holdfast_follower_forked 0$/m);
  await line.cut();
  await until(async () => (await follower.following()).state === "cut", "not known to be cut");
  expect(await (await at("/", root)).text()).toContain("it cannot be asked since");
  const holdfast = async (...words: string[]) => {
    const terminal = fakeTerminal();
    const code = await runCli([...words, "--config", follower.config], commands(), terminal);
    return { code, out: terminal.printed.out };
  };
  expect((await holdfast("ledger", "key")).out.trim()).toBe(site.key);
  const { code, out } = await holdfast("ledger", "prove", "pkg:npm/%40acme/ui@1.0.0");
  expect([code, readReceipt(out, site.key).said["file"]]).toEqual([0, "ui-1.0.0.tgz"]);
  const proofs = await at("/-/api/v1/repositories/npm/packages/@acme%2fui/releases/1.0.0/proofs");
  expect(await proofs.json()).toMatchObject({ key: site.key, items: [{ proof: out }] });
  const checkpoint = await (await at("/-/log/checkpoint", site.token)).text();
  expect(checkpoint).toStartWith(site.key.split("+")[0]!);
  expect((await holdfast("doctor")).out).toContain("leaves of its log are taken in");
});

test("a token that the primary does not take any more is told as that, in the log, to who looks and to doctor", async () => {
  await current();
  const doctor = async () => {
    const terminal = fakeTerminal();
    const code = await runCli(["doctor", "--config", follower.config], commands(), terminal);
    return { code, out: terminal.printed.out };
  };
  const asked = line.asked.length;
  const { host } = new URL(line.url);
  const well = await doctor();
  expect(well.out).toContain(`${host} takes the token of this server`);
  expect(well.out).toContain(`who may read what is what ${host} says`);
  expect(well.out).toMatch(new RegExp(`clock .* ${host}`));
  // The primary would fetch a list of half a million projects for that.
  expect(line.asked.slice(asked).filter((path) => path.startsWith("/pypi/"))).toEqual([]);

  const lines = await primary.account("token list", { user: "site-b" });
  const id = /\b[0-9a-f]{8}-[0-9a-f-]{27}\b/.exec(lines.join("\n"))![0];
  await primary.account("token revoke", { id });
  await until(async () => (await follower.following()).state === "refused", "it is not told");
  expect(await follower.following()).toMatchObject({
    reason: expect.stringContaining(`${host} refuses the token of this server: `),
  });
  expect(follower.log.filter((one) => one.includes("refuses the token"))).toHaveLength(1);
  expect(follower.log.join("\n")).not.toContain("cannot be asked");
  expect(await (await at("/", root)).text()).toContain("refuses the token of this server");
  const told = await doctor();
  expect([told.code, told.out]).toEqual([
    1,
    expect.stringMatching(/✗ follow +.*refuses the token of this server: .*was revoked on/),
  ]);
  expect(told.out).toContain("holdfast token create");

  writeFileSync(join(dirname(follower.config), "token"), await tokenOf(primary, "site-b"));
  expect(await follower.running().reload()).toEqual({
    isTaken: true,
    lines: [expect.stringMatching(/^Took the configuration in: .*follow changed$/)],
  });
  await until(async () => (await follower.following()).state === "following", "it is not taken");
  await publish("@acme/kelp", "7.0.0");
  await until(
    async () => String(await versions("@acme/kelp")).includes("7.0.0"),
    "it is not brought",
  );

  const written = readFileSync(follower.config, "utf8");
  writeFileSync(follower.config, written.replace('"every":"1s"', '"every":"3s"'));
  expect(await follower.running().reload()).toEqual({
    isTaken: false,
    lines: [expect.stringContaining("That takes a restart, and nothing is taken in before")],
  });
  writeFileSync(follower.config, written);
});

/** As `holdfast follow anew` does it. */
function anew(): Promise<boolean> {
  const values = { reason: "it was meant", by: "the test" };
  const { signal } = new AbortController();
  return follower
    .running()
    .operations.run(
      { name: "follow anew", repository: "", flags: new Set(), values },
      { progress() {}, say() {}, signal },
    );
}
