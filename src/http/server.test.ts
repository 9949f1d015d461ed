import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gzipSync, zstdDecompressSync } from "node:zlib";
import type { Problem } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import { createBodies } from "./bodies.ts";
import { send } from "./send.ts";
import { type Incoming, type RunningServer, startServer } from "./server.ts";

const FILE = randomBytes(200_000);
/** Grows when it is read and shrinks when it is compressed, as documents do. */
const TEXT = Buffer.from(randomBytes(300_000).toString("hex"));
const errors: unknown[] = [];
let folder: string;
let server: RunningServer;
let answer: (incoming: Incoming) => Promise<Reply>;

beforeEach(() => {
  errors.length = 0;
  folder = mkdtempSync(join(tmpdir(), "holdfast-http-"));
  writeFileSync(join(folder, "file"), FILE);
  server = startServer({
    hostname: "127.0.0.1",
    port: 0,
    publicUrl: null,
    trustedProxies: [],
    bodies: createBodies({ memory: 1e6, silenceMs: 30_000, timeMs: 30_000 }),
    failed: (error) => errors.push(error),
    handle: async (incoming) => send(await answer(incoming), incoming, "npm", () => {}),
  });
});
afterEach(async () => {
  await server.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

const file = (changes: Partial<Reply> = {}): Reply => ({
  status: 200,
  headers: { "content-type": "application/octet-stream" },
  body: { path: join(folder, "file"), size: FILE.length },
  etag: "e",
  ...changes,
});
const get = (headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${server.port}/x`, { headers });

/** Sends text as it stands and resolves to all that comes back. `end` closes our side after that. */
function raw(text: string, end = false): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(server.port, "127.0.0.1");
  let said = "";
  socket.on("data", (data) => {
    said += data;
  });
  socket.on("error", () => resolve(said));
  socket.on("close", () => resolve(said));
  socket.write(text, () => end && socket.destroy());
  return promise;
}

for (const isShared of [false, true])
  for (const range of ["bytes=2-4", "bytes=0-1,3-4"])
    test(`a file goes whole to who has a part of another one (Range: ${range}, shared: ${isShared})`, async () => {
      const one = file({ ranges: true, isShared });
      answer = async () => one;
      const response = await get({ range, "if-range": '"old"' });
      expect([response.status, (await response.bytes()).length]).toEqual([200, FILE.length]);
    });

test("a part of a file is the part that was asked for", async () => {
  answer = async () => file({ ranges: true });
  const response = await get({ range: "bytes=2-4", "if-range": '"e"' });
  expect([response.status, response.headers.get("content-range")]).toEqual([
    206,
    `bytes 2-4/${FILE.length}`,
  ]);
  expect(Buffer.from(await response.bytes())).toEqual(FILE.subarray(2, 5));
});

test("a client is not told the names of our files", async () => {
  answer = async () => file();
  expect((await get()).headers.get("content-disposition")).toBe("inline");
});

const decoders = { br: brotliDecompressSync, zstd: zstdDecompressSync, identity: (x: Buffer) => x };
for (const kind of ["memory", "file"])
  for (const [encoding, decode] of Object.entries(decoders))
    test(`large gzip in ${kind} becomes ${encoding} beside the loop`, async () => {
      const packed = gzipSync(TEXT);
      const path = join(folder, "packed");
      writeFileSync(path, packed);
      const body = kind === "memory" ? packed : { path, size: packed.length };
      answer = async () => ({ status: 200, headers: {}, body, encoding: "gzip", etag: "e" });
      const response = await fetch(`http://127.0.0.1:${server.port}/`, {
        headers: { "accept-encoding": encoding },
        decompress: false,
      });
      const sent = encoding === "identity" ? null : encoding;
      expect(response.headers.get("content-encoding")).toBe(sent);
      expect(response.headers.get("content-length")).toBe(null);
      expect(decode(Buffer.from(await response.bytes())).equals(TEXT)).toBe(true);
    });

test("a path is read whole whatever the Host header says, and without one", async () => {
  const seen: string[] = [];
  answer = async ({ path, origin }) => {
    seen.push(`${origin.replace(/:\d+$/, "")} ${path}`);
    return reply(200, "text/plain", "");
  };
  await raw("GET /npm/a HTTP/1.0\r\n\r\n");
  for (const host of ["x/y", "a?b", "a#b", `${"a".repeat(300)}`])
    await raw(`GET /npm/a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await raw("GET /npm/a HTTP/1.1\r\nHost: ok.example.test\r\nConnection: close\r\n\r\n");
  expect(seen).toEqual([
    ...Array(5).fill("http://127.0.0.1 /npm/a"),
    "http://ok.example.test /npm/a",
  ]);
});

test("a body that ends early is the client's fault", async () => {
  const { promise, resolve } = Promise.withResolvers<Problem>();
  answer = async (incoming) => {
    await incoming.body(1000).catch(resolve);
    return reply(200, "text/plain", "");
  };
  await raw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nshort", true);
  expect((await promise).kind).toBe("badRequest");
});

test("what fails after the answer was made is told", async () => {
  answer = async () => file({ body: { path: join(folder, "missing"), size: 1 } });
  expect((await get()).status).toBe(500);
  expect(String(errors)).toContain("ENOENT");
});

test("a compressed body is undone, up to the limit", async () => {
  const kinds: string[] = [];
  answer = async (incoming) => {
    const bytes = await incoming.body(1000).catch((problem: Problem) => problem.kind);
    kinds.push(typeof bytes === "string" ? bytes : Buffer.from(bytes).toString());
    return reply(200, "text/plain", "");
  };
  for (const body of [gzipSync("text"), gzipSync(Buffer.alloc(100_000)), Buffer.from("no gzip")])
    await fetch(`http://127.0.0.1:${server.port}/`, {
      method: "POST",
      headers: { "content-encoding": "gzip" },
      body,
    });
  expect(kinds).toEqual(["text", "tooLarge", "badRequest"]);
});

/** The head of an answer, in lower case. */
async function head(path: string, method: string, ...lines: string[]): Promise<string> {
  const text = await raw(
    `${[`${method} ${path} HTTP/1.1`, "Host: a", "Connection: close", ...lines].join("\r\n")}\r\n\r\n`,
  );
  return text.slice(0, text.indexOf("\r\n\r\n")).toLowerCase();
}

const ranges = ["bytes=0-1,3-4", "lines=1-2", "bytes=9-3", "bytes=2-4", "bytes=900000-"];
for (const range of ranges)
  test(`HEAD says what GET says of the length (Range: ${range})`, async () => {
    answer = async () => file({ ranges: true });
    const told = async (method: string) => {
      const text = await head("/x", method, `Range: ${range}`);
      return [text.slice(0, 12), /content-length: (\d+)/.exec(text)?.[1]];
    };
    expect(await told("HEAD")).toEqual(await told("GET"));
  });

for (const [name, text] of [
  ["small", "text"],
  ["large", TEXT],
] as const)
  test(`HEAD does not say that a ${name} document is empty to who takes no gzip`, async () => {
    answer = async () => ({ status: 200, headers: {}, body: gzipSync(text), encoding: "gzip" });
    const [asked, got] = [await head("/x", "HEAD"), await head("/x", "GET")];
    expect(asked).not.toContain("content-length: 0");
    for (const line of ["content-length: 4", "transfer-encoding: chunked"])
      expect([line, asked.includes(line)]).toEqual([line, got.includes(line)]);
  });

test("slashes that are doubled count once, wherever they stand", async () => {
  const seen: string[] = [];
  answer = async ({ path }) => {
    seen.push(path);
    return reply(200, "text/plain", "");
  };
  await head("//npm//pnpm?a=//", "GET");
  await head("/npm/%2f/x", "GET");
  expect(seen).toEqual(["/npm/pnpm", "/npm/%2f/x"]);
});
