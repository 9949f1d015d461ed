// Each thing that an operator is told of, from what happens to a receiver and a mail server that both fail first: a real server, a real mail server.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { type Running, start } from "../src/server/start.ts";
import { makeAccounts } from "./support/accounts.ts";
import { type HookReceiver, startHookReceiver } from "./support/hook-receiver.ts";
import { npmPublication } from "./support/npm-package.ts";
import { type Mailbox, startMailbox } from "./support/smtp.ts";
import { tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DAY = 86_400_000;
const home = tempFolder("hooks-events");
const file = join(home, "holdfast.yaml");
const data = join(home, "data");
const log: string[] = [];
let shift = 0;
let server: Running;
let upstream: Bun.Server<undefined>;
let receiver: HookReceiver;
let mailbox: Mailbox;
let token = "";
/** Versions that the upstream has of each package: their bytes, and their age in days. */
let had: Record<string, Record<string, { bytes: string; age: number }>> = {};

const now = () => Date.now() + shift;
const flags = { data, listen: "127.0.0.1:0" };
const load = () => loadConfig({ file, formats, flags, env: {} });

function packument({ url }: Request): Response {
  const name = new URL(url).pathname.slice(1);
  const all = had[name];
  if (!all) return new Response("{}", { status: 404 });
  const versions = Object.entries(all).map(([version, { bytes }]) => {
    const hash = (how: string) => createHash(how).update(bytes);
    const integrity = `sha512-${hash("sha512").digest("base64")}`;
    const tarball = `${upstream.url.origin}/${name}/-/${name}-${version}.tgz`;
    const dist = { tarball, integrity, shasum: hash("sha1").digest("hex") };
    return [version, { name, version, dist }] as const;
  });
  const time = Object.entries(all).map(([version, { age }]) => {
    return [version, new Date(Date.now() - age * DAY).toISOString()];
  });
  return Response.json({
    name,
    "dist-tags": { latest: versions[0]![0] },
    versions: Object.fromEntries(versions),
    time: Object.fromEntries(time),
  });
}

beforeAll(async () => {
  upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: packument });
  writeFileSync(join(home, "secret"), SECRET);
  receiver = await startHookReceiver(SECRET);
  const failed = new Set<string>();
  receiver.answer = (response, nth) => {
    const { id } = receiver.heard[nth - 1]!;
    response.writeHead(failed.has(id) ? 204 : 503).end();
    failed.add(id);
  };
  mailbox = await startMailbox();
  mailbox.refuse = "Not today";
  const events = [
    ...["yank", "tampered", "orphaned", "withheld", "released"],
    ...["upstream-down", "disk-low", "disk-ok"],
  ];
  const others = {
    ...{ pypi: false, go: false, composer: false, debian: false, "debian-security": false },
  };
  const config = (diskLow: string) => ({
    diskLow,
    hooks: [
      { name: "chat", url: receiver.url, secretFile: "secret", events },
      { name: "ops", mail: ["ops@example.com"], events },
    ],
    mail: { server: mailbox.url, from: "holdfast@example.com", startTls: false },
    policy: [
      { name: "cooldown", packages: ["pkg:npm/*"], minimumAge: "7d" },
      { name: "bad", packages: ["pkg:npm/bad"], block: "it steals passwords" },
    ],
    repositories: {
      ...others,
      npm: { upstreams: [{ url: upstream.url.origin }], freshness: "1s", claims: ["@acme/*"] },
    },
  });
  writeFileSync(file, JSON.stringify(config("1000TiB")));
  const begin = () =>
    start({ config: load(), load, log: createLog("json", (line) => void log.push(line)), now });
  server = await begin();
  await server.stop();
  [token = ""] = await makeAccounts(data, [{ user: "ann", actions: ["admin"] }]);
  server = await begin();
});
afterAll(async () => {
  await server.stop(0);
  receiver.stop();
  await mailbox.stop();
  upstream.stop(true);
});

function call(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}
const read = (name: string) => call("GET", `/npm/${name}`);
/** Messages that were heard a second time, when the receiver took them. */
const taken = () => {
  const ids = receiver.heard.map(({ id }) => id);
  return receiver.heard.filter(({ id }, at) => ids.indexOf(id) !== at);
};
const told = (type: string) =>
  waitFor(
    () => taken().some(({ body }) => body.type === type),
    () =>
      `${type} was not told; heard ${receiver.heard.map(({ body }) => body.type)}\n${log.join("")}`,
    45_000,
  );

test("what is withheld, let in, tampered with, orphaned, yanked, away or full is told, to a webhook that failed first and by mail", async () => {
  had = {
    kit: {
      "1.0.0": { bytes: "one", age: 100 },
      "1.1.0": { bytes: "two", age: 50 },
      "2.0.0": { bytes: "new", age: 1 },
    },
    bad: { "1.0.0": { bytes: "evil", age: 100 } },
  };
  expect((await read("kit")).status).toBe(200);
  await read("bad");
  const refused = await read("bad/-/bad-1.0.0.tgz");
  expect(refused.status).toBe(403);
  await read("bad/-/bad-1.0.0.tgz");
  await told("withheld");
  const waiver = { purl: "pkg:npm/kit@2.0.0", reason: "we wrote it", repository: "npm" };
  const waived = await call("POST", "/-/api/v1/waivers", waiver);
  expect([waived.status, await waived.text()]).toEqual([201, expect.any(String)]);

  shift += 2_000;
  had["kit"] = { "1.0.0": { bytes: "another", age: 100 }, "2.0.0": { bytes: "new", age: 1 } };
  await waitFor(
    async () =>
      (await read("kit")).ok &&
      (await server.events.list({ limit: 99 })).some((one) => one.kind === "orphaned"),
    () => "the upstream's change was not seen",
  );

  const { body } = npmPublication("@acme/ui", "1.0.0");
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const put = await fetch(`${server.url}/npm/@acme%2fui`, { method: "PUT", headers, body });
  expect(put.status).toBe(201);
  const yank = "/-/api/v1/repositories/npm/packages/@acme%2Fui/releases/1.0.0/yank";
  expect((await call("PUT", yank, { reason: "loses data" })).status).toBe(200);

  await upstream.stop(true);
  shift += 2_000;
  await waitFor(
    async () => {
      await read("kit");
      return log.join("").includes("upstream");
    },
    () => "the upstream is not away",
  );
  for (const type of ["tampered", "orphaned", "yank", "disk-low", "released"]) await told(type);
  await read("kit");
  await told("disk-low");
  shift += 61_000;
  await read("other");
  await told("upstream-down");

  const heard = new Map(
    taken().map(({ body }) => [`${body.type} ${body.package} ${body.version}`, body]),
  );
  expect([...heard.keys()].sort()).toEqual([
    "disk-low null null",
    "orphaned kit 1.1.0",
    "released kit 2.0.0",
    "tampered kit 1.0.0",
    "upstream-down null null",
    "withheld bad 1.0.0",
    "withheld kit 2.0.0",
    "yank @acme/ui 1.0.0",
  ]);
  expect(taken()).toHaveLength(heard.size); // each taken once
  expect(receiver.heard.every(({ isSigned }) => isSigned)).toBe(true);
  expect(heard.get("withheld bad 1.0.0")).toMatchObject({
    repository: "npm",
    message:
      "bad 1.0.0 is blocked by the rule bad: it steals passwords. An administrator can waive that: /-/why/pkg:npm/bad@1.0.0",
    detail: { releases: [{ version: "1.0.0", verdict: "block", rule: "bad", until: null }] },
  });
  expect(heard.get("withheld kit 2.0.0").detail.releases).toMatchObject([
    { verdict: "hold", rule: "cooldown", until: expect.stringMatching(/^20.*Z$/) },
  ]);
  expect(heard.get("yank @acme/ui 1.0.0")).toMatchObject({ who: "ann (token of ann 0)" });

  mailbox.refuse = null;
  const mailed = () => mailbox.mails.map(({ text }) => text).join("\n");
  await waitFor(
    () => {
      shift += 1_000; // what could not be mailed is tried later and later
      return [...heard.values()].every(({ id }) => mailed().replaceAll(/=\r\n/g, "").includes(id));
    },
    () => `mailed:\n${mailed()}\n${log.join("")}`,
    45_000,
  );
  expect(mailbox.mails.length).toBeLessThan(heard.size);
  expect(mailed()).toContain("disk-low");
}, 180_000);
