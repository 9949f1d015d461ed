// One server of two processes, as people run it: on one port, one data directory, and as if it were one.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { type BulkUpstream, startBulk } from "./faults/bulk-upstream.ts";
import { holdfastAt } from "./support/command.ts";
import { npmPublication } from "./support/npm-package.ts";
import { bugsOf, type ServerProcess, startProcess } from "./support/process.ts";
import { type Connection, connectionsTo, linesOf } from "./support/processes.ts";
import { waitFor } from "./support/wait.ts";

const MB = 1024 * 1024;
const SIZES = [900, 20_000, 3 * MB, 3 * MB, 3 * MB, 70_000, 70_000];
const none = { pypi: false, go: false, composer: false, debian: false, "debian-security": false };
const PATIENCE_MS = 30_000;

let upstream: BulkUpstream;
let server: ServerProcess;
let token: string;
const connections = connectionsTo(() => server);
const { ask, connectToBoth } = connections;
beforeAll(async () => {
  upstream = startBulk(SIZES);
  server = await startProcess({ config: configOf() });
  await holdfast(["user", "add", "ann", "--password-stdin"], "correct horse battery\n");
  await holdfast(["grant", "add", "user:ann", "publish", "--repository", "npm"]);
  token = (await holdfast(["token", "create", "ann", "--name", "ci"])).trim();
}, 120_000);
afterAll(async () => {
  connections.end();
  await server?.stop();
  await upstream?.stop();
}, 60_000);
afterEach(() => {
  connections.end();
  expect(bugsOf(server)).toEqual([]);
});

function configOf(more: object = {}): string {
  const npm = { upstreams: [{ url: upstream.url }], claims: ["@own/*"] };
  return JSON.stringify({
    processes: 2,
    access: { anonymous: "read" },
    repositories: { ...none, npm },
    ...more,
  });
}

const holdfast = (words: string[], input = "") => holdfastAt(server, words, { input });

/** The process that is the second one now. */
const second = () =>
  linesOf(server).findLast(({ msg }) => msg === "Process 2 of the server serves as well")?.[
    "pid"
  ] as number | undefined;

const bearer = (secret = token) => ({ authorization: `Bearer ${secret}` });
const statusOf = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status;
const publish = (at: Connection, name: string, version: string) =>
  statusOf(at, `/npm/${name.replace("/", "%2f")}`, {
    method: "PUT",
    headers: { ...bearer(), "content-type": "application/json" },
    body: npmPublication(name, version).body,
  });
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const tarball = (nth: number) => `/npm/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`;
const timesAsked = (nth: number) =>
  upstream.asked.filter((path) => path === `/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`).length;

test("what is published at one process is there at the other at once, also where it was just missing or older", async () => {
  const [first, other] = await connectToBoth();
  expect(await statusOf(other, "/npm/@own%2fhull")).toBe(404);
  expect(await statusOf(first, "/npm/@own%2fhull")).toBe(404);
  expect(await publish(first, "@own/hull", "1.0.0")).toBe(201);
  expect(await statusOf(other, "/npm/@own%2fhull")).toBe(200);
  expect(await statusOf(other, "/npm/@own/hull/-/hull-1.0.0.tgz")).toBe(200);
  expect(await publish(other, "@own/hull", "2.0.0")).toBe(201);
  const shown = JSON.parse((await ask(first, "/npm/@own%2fhull")).body.toString());
  expect(Object.keys(shown.versions)).toEqual(["1.0.0", "2.0.0"]);
}, 60_000);

test("a token that was revoked lets nobody in at any process", async () => {
  const both = await connectToBoth();
  const secret = (await holdfast(["token", "create", "ann", "--name", "second"])).trim();
  const who = (at: Connection) => statusOf(at, "/npm/-/whoami", { headers: bearer(secret) });
  for (const at of both) expect(await who(at)).toBe(200);
  await holdfast(["token", "revoke", secret]);
  for (const at of both) expect(await who(at)).toBe(401);
}, 60_000);

/** Requests for packages, as the metrics have it. */
async function counted(at: Connection): Promise<number> {
  const page = (await ask(at, "/-/metrics", { headers: bearer() })).body.toString();
  const found = page.matchAll(/^holdfast_requests_total\{repository="npm",.*\} (\d+)$/gm);
  return [...found].reduce((sum, [, count]) => sum + Number(count), 0);
}

test("what is about the server as a whole is the same at both: pages, metrics, health, the log", async () => {
  const [first, other] = await connectToBoth();
  expect(await statusOf(first, "/npm/bulk-0")).toBe(200);
  const before = await counted(first);
  expect(await counted(other)).toBe(before);
  for (const at of [first, other, other]) expect(await statusOf(at, "/npm/bulk-0")).toBe(200);
  expect(await counted(other)).toBe(before + 3);
  expect(await counted(first)).toBe(before + 3);
  for (const path of ["/-/health/ready", "/-/log/checkpoint", "/-/openapi.json", "/nothing/here"]) {
    const [a, b] = [await ask(first, path), await ask(other, path)];
    expect([path, b.status, b.body.toString()]).toEqual([path, a.status, a.body.toString()]);
    const shown = ({ headers: { date: _, ...headers } }: typeof a) => headers;
    expect(shown(b)).toEqual(shown(a));
  }
  const page = { headers: { accept: "text/html", host: "packages.example.com" } };
  for (const path of ["/", "/npm/"]) {
    const [a, b] = [await ask(first, path, page), await ask(other, path, page)];
    expect([path, b.status]).toEqual([path, 200]);
    expect(b.headers["content-type"]).toBe(a.headers["content-type"]);
    expect(b.body.toString()).toContain("packages.example.com");
  }
  const head = await ask(other, "/-/health/ready", { method: "HEAD" });
  expect([head.status, head.body.length]).toEqual([200, 0]);
  const posted = await ask(other, "/-/login", { method: "POST", body: "x".repeat(100_000) });
  expect(posted.status).toBe(
    (await ask(first, "/-/login", { method: "POST", body: "x".repeat(100_000) })).status,
  );
}, 60_000);

test("a changed configuration is taken in by both, and a wrong one by none", async () => {
  const both = await connectToBoth();
  const before = readFileSync(server.config, "utf8");
  const more = { upstreams: [{ url: upstream.url }] };
  const repositories = { ...JSON.parse(before).repositories, more: { format: "npm", ...more } };
  writeFileSync(server.config, configOf({ repositories }));
  await holdfast(["reload"]);
  for (const at of both) expect(await statusOf(at, "/more/bulk-0")).toBe(200);
  writeFileSync(server.config, configOf({ repositories: { ...repositories, npm: 7 } }));
  await expect(holdfast(["reload"])).rejects.toThrow("npm");
  for (const at of both) expect(await statusOf(at, "/more/bulk-0")).toBe(200);
  writeFileSync(server.config, before);
  await holdfast(["reload"]);
  for (const at of both) expect(await statusOf(at, "/more/bulk-0")).toBe(404);
}, 60_000);

test("a process that is killed is started again; clients that try again do not notice, and what it counted is counted", async () => {
  const [first, other] = await connectToBoth();
  upstream.paceMs = 2_000;
  const cut = ask(other, tarball(2)).then(
    ({ body }) => sha256(body),
    () => "cut",
  );
  await waitFor(
    () => timesAsked(2) > 0,
    () => "it is not asked",
    PATIENCE_MS,
  );
  const pid = second()!;
  const before = await counted(first);
  process.kill(pid, "SIGKILL");
  expect(await cut).toBe("cut");
  expect(await counted(first)).toBeGreaterThanOrEqual(before);
  upstream.paceMs = 0;
  expect(sha256((await ask(first, tarball(2))).body)).toBe(upstream.digests.get("bulk-2")!);
  await waitFor(
    () => second() !== pid,
    () => "it is not started again",
    PATIENCE_MS,
  );
  const again = await connectToBoth();
  for (const at of again)
    expect(sha256((await ask(at, tarball(2))).body)).toBe(upstream.digests.get("bulk-2")!);
  expect(await publish(again[1], "@own/keel", "1.0.0")).toBe(201);
  expect(await statusOf(again[0], "/npm/@own%2fkeel")).toBe(200);
}, 90_000);

/** Gone, or only waiting for its end to be noticed. proc_pid_stat(5) */
function hasEnded(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

test("when the first one is killed the others end, and the next start loses nothing", async () => {
  const [, other] = await connectToBoth();
  expect(await publish(other, "@own/sail", "1.0.0")).toBe(201);
  const pid = second()!;
  process.kill(server.pid, "SIGKILL");
  await server.restart();
  await waitFor(
    () => hasEnded(pid),
    () => "the second process lives",
    PATIENCE_MS,
  );
  const both = await connectToBoth();
  for (const at of both) expect(await statusOf(at, "/npm/@own/sail/-/sail-1.0.0.tgz")).toBe(200);
  expect((await holdfast(["verify"])).includes("all true to their digests")).toBe(true);
}, 90_000);

test("who stops it waits for running responses of both", async () => {
  const both = await connectToBoth();
  upstream.paceMs = 1_000;
  const running = both.map((at, nth) => ask(at, tarball(3 + nth)));
  await waitFor(
    () => timesAsked(3) > 0 && timesAsked(4) > 0,
    () => "they are not asked",
    PATIENCE_MS,
  );
  const [stopped] = [server.pause()];
  const bodies = (await Promise.all(running)).map(({ body }) => sha256(body));
  expect(bodies).toEqual([upstream.digests.get("bulk-3")!, upstream.digests.get("bulk-4")!]);
  await stopped;
  const pid = second()!;
  upstream.paceMs = 0;
  await server.restart();
  await waitFor(
    () => hasEnded(pid),
    () => "the second process lives",
    PATIENCE_MS,
  );
}, 90_000);
