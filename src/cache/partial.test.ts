import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Problem } from "../core/problem.ts";
import { isStream, type Reply } from "../core/reply.ts";
import { answer, artifact, bytesOf, openToy, request, sha256, sri } from "./testkit.ts";

// A large file comes slowly: its first part, and the rest when the test lets it.

const BYTES = randomBytes(600 * 1024);
const FIRST = 300 * 1024;
let toy: Awaited<ReturnType<typeof openToy>>;
let rest = Promise.withResolvers<void>();
let sent: Buffer = BYTES;
let hasParts = true;
let ranges: string[] = [];

beforeEach(async () => {
  toy = await openToy();
  rest = Promise.withResolvers();
  sent = BYTES;
  hasParts = true;
  ranges = [];
  toy.upstream.behave = ({ path, headers }) => {
    if (path === "thing") return answer(200, JSON.stringify({ files: { "a.whl": sri(BYTES) } }));
    if (path !== "thing/a.whl") return answer(200, "something else");
    const range = headers?.["range"];
    if (range === undefined || !hasParts)
      return answer(200, slowly(), { "content-length": `${sent.length}` });
    ranges.push(range);
    const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(range)!.map(Number);
    return answer(206, sent.subarray(start!, last! + 1), {
      "content-range": `bytes ${start}-${last}/${sent.length}`,
    });
  };
});
afterEach(() => toy.close());

async function* slowly(): AsyncGenerator<Uint8Array> {
  yield sent.subarray(0, FIRST);
  await rest.promise;
  yield sent.subarray(FIRST);
}

const ask = (method: string, headers: Record<string, string> = {}, kind = "parts") =>
  toy.repository.artifact(
    artifact("a.whl", { kind }),
    request({ method, header: (name) => headers[name] ?? null }),
  );
const part = (range: string, kind?: string) => ask("GET", { range }, kind);

/** Lets the download end, and sees to it that it is kept. */
async function finish(): Promise<void> {
  rest.resolve();
  expect(sha256(await bytesOf(await ask("GET")))).toBe(sha256(BYTES));
  expect(await toy.repository.stored()).toHaveLength(1);
}

function sizeOf(reply: Reply): number | null {
  if (!isStream(reply.body)) throw new Error("expected a stream");
  return reply.body.size;
}

test("HEAD is answered while the download is under way, which then makes the next request a hit", async () => {
  const reply = await ask("HEAD");
  expect(reply).toMatchObject({ status: 200, headers: { "accept-ranges": "bytes" } });
  expect(reply.etag).toBeUndefined();
  expect(sizeOf(reply)).toBe(BYTES.length);
  expect(await toy.repository.stored()).toEqual([]);
  await finish();
  expect((await ask("HEAD")).cache).toEqual({ hit: true });
  expect(toy.upstream.asked.filter((path) => path.endsWith("a.whl"))).toHaveLength(1);
});

test("HEAD of what no document names is a no", async () => {
  const none = toy.repository.artifact(artifact("b.whl"), request({ method: "HEAD" }));
  await expect(none).rejects.toMatchObject({ kind: "notFound" });
});

test("a part whose bytes are here is given while the rest comes; one that reaches the rest waits for it", async () => {
  const early = await part("bytes=100-199", "any");
  expect([early.status, early.headers["content-range"]]).toEqual([
    206,
    `bytes 100-199/${BYTES.length}`,
  ]);
  expect(await bytesOf(early)).toEqual(BYTES.subarray(100, 200));
  const late = await part("bytes=1000-", "any");
  expect([late.status, sizeOf(late)]).toEqual([206, BYTES.length - 1000]);
  const end = part("bytes=-10", "any");
  expect(ranges).toEqual([]);
  await finish();
  expect(sha256(await bytesOf(late))).toBe(sha256(BYTES.subarray(1000)));
  // Proven by then: sending the part of it is left to http/.
  expect(await end).toMatchObject({ status: 200, ranges: true, etag: sha256(BYTES) });
});

for (const range of ["bytes=-10", `bytes=${FIRST}-${FIRST + 9}`])
  test(`a small part that is not here yet (${range}) comes from the upstream, for this client alone`, async () => {
    const reply = await part(range);
    const at = range === "bytes=-10" ? BYTES.length - 10 : FIRST;
    expect(await bytesOf(reply)).toEqual(BYTES.subarray(at, at + 10));
    expect(reply).toMatchObject({
      status: 206,
      headers: {
        "cache-control": "no-store",
        "content-range": `bytes ${at}-${at + 9}/${BYTES.length}`,
      },
      cache: { isUnverified: true, stored: false },
    });
    expect(reply.etag).toBeUndefined();
    expect(await toy.repository.stored()).toEqual([]);
    await finish();
    const hit = await part(range);
    expect(hit).toMatchObject({ status: 200, ranges: true, cache: { hit: true } });
  });

test("an upstream that gives no parts, or others, is waited for", async () => {
  hasParts = false;
  const reply = await part(`bytes=${FIRST}-${FIRST + 9}`);
  expect(isStream(reply.body)).toBe(true);
  await finish();
  expect(await bytesOf(reply)).toEqual(BYTES.subarray(FIRST, FIRST + 10));
});

test("who resumes a download never gets its unproven end", async () => {
  sent = Buffer.from(BYTES);
  sent[sent.length - 1]! ^= 1;
  const resumed = await part(`bytes=${FIRST}-`);
  const validated = ask("GET", { range: "bytes=-10", "if-range": '"x"' });
  validated.catch(() => {});
  expect(ranges).toEqual([]);
  rest.resolve();
  await expect(bytesOf(resumed)).rejects.toMatchObject({ kind: "tampered" });
  await expect(validated).rejects.toBeInstanceOf(Problem);
  expect(await toy.eventKinds()).toEqual(["tampered"]);
  await expect(part("bytes=-10")).rejects.toMatchObject({ kind: "tampered" });
});

test("a part beyond the end is none", async () => {
  expect(await part(`bytes=${BYTES.length}-`)).toMatchObject({
    status: 416,
    headers: { "content-range": `bytes */${BYTES.length}` },
  });
  await finish();
});
