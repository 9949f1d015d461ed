// L16: one function opens artifacts. What is not proven leaves by no way of asking: HEAD, Range, conditions, crowds, stale copies.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** As each client takes it best; never a 404, which says that there is no such file. */
const refusals = [403, 424];
const LARGE = 700 * 1024;
const ways: [what: string, method: string, headers: Record<string, string>][] = [
  ["GET", "GET", {}],
  ["HEAD", "HEAD", {}],
  ["the first byte", "GET", { range: "bytes=0-0" }],
  ["the middle", "GET", { range: "bytes=100-199" }],
  ["the last bytes", "GET", { range: "bytes=-10" }],
  ["all as a range", "GET", { range: "bytes=0-" }],
  ["several ranges", "GET", { range: "bytes=0-1,4-5" }],
  ["HEAD of a range", "HEAD", { range: "bytes=0-9" }],
  ["If-Range", "GET", { range: "bytes=0-9", "if-range": '"x"' }],
  ["If-None-Match", "GET", { "if-none-match": '"x"' }],
  ["If-None-Match of anything", "GET", { "if-none-match": "*" }],
  ["no cache", "GET", { "cache-control": "no-cache" }],
  ["only if cached", "GET", { "cache-control": "only-if-cached" }],
];

let upstream: FakeUpstream;
let server: TestServer;
let files: { path: string; fault: string; bytes: Buffer }[];

beforeEach(async () => {
  upstream = await startUpstream();
  const noise = Buffer.alloc(LARGE);
  for (let at = 0; at < LARGE; at += 32)
    createHash("sha256").update(`${at}`).digest().copy(noise, at);
  upstream.npm.publish({ name: "whale", version: "1.0.0", files: { "noise.bin": noise } });
  server = await startServer(upstream);
  files = [
    {
      path: "/npm/kelp/-/kelp-2.0.0.tgz",
      fault: "*/kelp-2.0.0.tgz",
      bytes: upstream.npm.tarball("kelp", "2.0.0"),
    },
    {
      path: "/npm/whale/-/whale-1.0.0.tgz",
      fault: "*/whale-1.0.0.tgz",
      bytes: upstream.npm.tarball("whale", "1.0.0"),
    },
    {
      path: "/pypi/files/abyss/abyss-1.2-py3-none-any.whl",
      fault: "*/abyss-1.2-py3-none-any.whl",
      bytes: upstream.pypi.bytes("abyss", "abyss-1.2-py3-none-any.whl"),
    },
  ];
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

/** In place of the status of a response that was cut before it was told: no success. */
const CUT = 599;

/** What a client gets: whole, or cut. */
async function ask(path: string, method: string, headers: Record<string, string>) {
  const answer = await fetch(`${server.url}${path}`, { method, headers }).catch(() => null);
  // Cut before the client had as much as the status.
  if (!answer) return { status: CUT, bytes: Buffer.alloc(0), cut: true, start: 0, method };
  const parts: Uint8Array[] = [];
  let cut = false;
  try {
    for await (const part of answer.body ?? []) parts.push(part as Uint8Array);
  } catch {
    cut = true;
  }
  const range = /^bytes (\d+)-(\d+)\/\d+$/.exec(answer.headers.get("content-range") ?? "");
  const start = Number(range?.[1] ?? 0);
  return { status: answer.status, bytes: Buffer.concat(parts), cut, start, method };
}

/** A large file may be told of and begin to flow; its end, and with it the whole, never comes. */
function unproven(answer: Awaited<ReturnType<typeof ask>>, size: number): boolean {
  if (refusals.includes(answer.status) || answer.status === CUT) return true;
  const isWhole = size <= 64 * 1024;
  return (
    !isWhole && (answer.method === "HEAD" || answer.start + answer.bytes.length <= size - 64 * 1024)
  );
}

for (const [what, method, headers] of ways)
  test(`${what}: altered bytes of a cold file reach nobody; honest ones come`, async () => {
    for (const { path, fault, bytes } of files) {
      upstream.fault(fault, "flip");
      const answer = await ask(path, method, headers);
      expect({ path, fits: unproven(answer, bytes.length), status: answer.status }).toMatchObject({
        fits: true,
      });
      upstream.clear();
    }
    server.advance(10 * 60_000);
    for (const { path, bytes } of files) {
      const answer = await ask(path, method, headers);
      const fits = answer.status === 304 || method === "HEAD" || bytes.includes(answer.bytes);
      expect({ path, fits, ok: answer.status < 400 }).toEqual({ path, fits: true, ok: true });
    }
  });

test("a crowd that asks in every way at once gets not one unproven file", async () => {
  for (const { fault } of files) upstream.fault(fault, "flip");
  const answers = await Promise.all(
    files.flatMap(({ path, bytes }) =>
      ways.map(async ([, method, headers]) =>
        unproven(await ask(path, method, headers), bytes.length),
      ),
    ),
  );
  expect(answers).not.toContain(false);
  expect(server.files()).toEqual([]);
});

test("a stored file that was cut or altered on disk is no hit in any way of asking", async () => {
  for (const { path } of files) await ask(path, "GET", {});
  const folder = join(server.data, "blobs/sha256");
  const blobs = () =>
    readdirSync(folder).flatMap((first) =>
      readdirSync(join(folder, first)).map((name) => join(folder, first, name)),
    );
  for (const [, method, headers] of ways) {
    // What was found to be damaged in the round before has gone to evidence, until somebody needs it again.
    expect(blobs().length).toBeGreaterThanOrEqual(files.length);
    for (const blob of blobs()) {
      chmodSync(blob, 0o644);
      if (statSync(blob).size > 64 * 1024) truncateSync(blob, 1000);
      else writeFileSync(blob, Buffer.alloc(statSync(blob).size, "x"));
    }
    await server.restart();
    for (const { path, bytes } of files) {
      const answer = await ask(path, method, headers);
      const fits = answer.status === 304 || method === "HEAD" || bytes.includes(answer.bytes);
      expect({ path, method, fits, ok: answer.status < 400 }).toMatchObject({
        fits: true,
        ok: true,
      });
    }
  }
});

test("a file that was republished stays refused while its document is stale or the upstream is away", async () => {
  const { path, bytes } = files[0]!;
  expect((await ask("/npm/kelp", "GET", {})).status).toBe(200);
  upstream.npm.republish("kelp", "2.0.0");
  server.advance(60 * 60_000);
  for (const [, method, headers] of ways)
    expect(unproven(await ask(path, method, headers), bytes.length)).toBe(true);
  await upstream.off();
  server.advance(60 * 60_000);
  for (const [, method, headers] of ways)
    expect(refusals).toContain((await ask(path, method, headers)).status);
});
