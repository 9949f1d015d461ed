// A data directory that cannot be used: folders of another user's, one that is gone, a catalog that cannot be read. Each is told as that, and never as a
// bug, as bytes that are lost or as credentials that are wrong.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeAccounts } from "../support/accounts.ts";
import { npmPublication } from "../support/npm-package.ts";
import { bugsOf, type ServerProcess, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { type BulkUpstream, startBulk } from "./bulk-upstream.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;
const own = [process.execPath, main];
/** Without the right of root to pass by permissions. */
const program =
  process.getuid?.() === 0
    ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", ...own]
    : own;
const DENIED = "Permission is denied for the data directory, or something in it";
const UNREAD = "The catalog cannot be read: it is damaged, or its disk fails";

let upstream: BulkUpstream;
let server: ServerProcess;
let token: string | undefined;

beforeEach(async () => {
  upstream = startBulk([30_000, 3_000_000, 30_000, 30_000, 30_000, 30_000]);
  const config = JSON.stringify({
    repositories: {
      npm: { upstreams: [{ url: upstream.url }] },
      own: { format: "npm", offline: true, upstreams: [] },
      ...{ pypi: false, go: false, composer: false, debian: false, "debian-security": false },
    },
  });
  server = await startProcess({ config, program });
  await server.pause();
  [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
  await server.restart();
  for (const at of [0, 1]) expect(await tarball(at)).toBe("200");
  expect(await document(0)).toBe("200");
  expect(await publish("1.0.0")).toBe("201");
  expect(await publish("1.1.0", 3_000_000)).toBe("201");
  await server.restart(); // nothing is in memory, and nothing was hashed
});

afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

/** The status, and of a refusal what it says. */
async function ask(path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(`${server.url}${path}`, init);
  const text = await response.text();
  return response.ok ? `${response.status}` : `${response.status} ${text}`;
}

const tarball = (at: number) => ask(`/npm/bulk-${at}/-/bulk-${at}-1.0.0.tgz`);
const document = (at: number) => ask(`/npm/bulk-${at}`);
const published = (version: string) => ask(`/own/shell/-/shell-${version}.tgz`);
const publish = (version: string, size = 1000) =>
  ask("/own/shell", {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: npmPublication("shell", version, "x".repeat(size)).body,
  });
/** Of the log. */
const requestsOf = (words: string): { level: string; status: number }[] =>
  server
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{") && line.includes(words))
    .map((line) => JSON.parse(line))
    .filter(({ status }) => status !== undefined);
const command = (...args: string[]) =>
  run([...program, ...args, "--config", server.config, "--data", server.data], { cwd: "/" });

test("what another user's folder keeps from the server is neither lost nor a bug, and all is well with the right to it", async () => {
  const blobs = join(server.data, "blobs", "sha256");
  chmodSync(blobs, 0);
  for (const answer of [
    await tarball(0),
    await tarball(1),
    await tarball(2),
    await document(0),
    await document(3),
    await published("1.0.0"),
    await published("1.1.0"),
    await publish("2.0.0"),
  ])
    expect(answer).toMatch(new RegExp(`^4(03|24) .*${DENIED}`));
  expect(await ask("/-/health/ready")).toMatch(new RegExp(`^503 .*${DENIED}`));
  const denied = requestsOf(DENIED).map(({ level, status }) => `${level} ${status}`);
  expect([...new Set(denied)].sort()).toEqual(["warn 403", "warn 424"]);
  const doctor = await command("doctor");
  expect([doctor.code, doctor.output]).toEqual([1, expect.stringContaining(`${blobs} (EACCES)`)]);
  const verify = await command("verify");
  expect([verify.code, verify.output]).toEqual([1, expect.stringContaining(DENIED)]);
  expect(verify.output).toContain(`'${blobs}/`);

  chmodSync(blobs, 0o700);
  for (const answer of [
    await tarball(0),
    await tarball(1),
    await tarball(2),
    await document(0),
    await published("1.0.0"),
    await published("1.1.0"),
  ])
    expect(answer).toBe("200");
  expect(await ask("/-/health/ready")).toBe("200");
  expect(await publish("2.0.0")).toBe("201");
  expect(server.output()).toContain(`EACCES: permission denied, stat '${blobs}/`); // for whoever mends it
  expect(bugsOf(server)).toEqual([]);
  expect(server.events().map(({ kind }) => kind)).not.toContain("damaged");
}, 60_000);

test("a folder for what comes in that was removed is made again", async () => {
  rmSync(join(server.data, "incoming"), { recursive: true });
  expect(await publish("2.0.0")).toBe("201");
  rmSync(join(server.data, "incoming"), { recursive: true });
  expect(await tarball(2)).toBe("200");
  expect(bugsOf(server)).toEqual([]);
}, 60_000);

test("a catalog that cannot be read is no wrong token and no bug, and doctor says so", async () => {
  const catalog = join(server.data, "holdfast.db");
  const { size } = statSync(catalog);
  const before = readFileSync(catalog);
  const file = openSync(catalog, "r+");
  for (let at = 4096; at < size; at += 4096) writeSync(file, Buffer.alloc(2000, 0xee), 0, 2000, at);
  for (const answer of [await tarball(0), await published("1.0.0"), await publish("2.0.0")])
    expect(answer).toMatch(new RegExp(`^4(03|24) .*${UNREAD}`));
  expect(await ask("/-/api/v1/repositories")).toMatch(new RegExp(`^424 .*${UNREAD}`));
  const doctor = await command("doctor");
  expect([doctor.code, doctor.output]).toEqual([
    1,
    expect.stringMatching(new RegExp(`${catalog}: ${UNREAD}`)),
  ]);
  expect(bugsOf(server)).toEqual([]);
  writeSync(file, before, 0, size, 0);
  closeSync(file);
}, 60_000);
