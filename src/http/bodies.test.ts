import { afterEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { Problem } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import { type BodyOptions, createBodies } from "./bodies.ts";
import { send } from "./send.ts";
import { type Incoming, type RunningServer, startServer } from "./server.ts";

const MIB = 1024 * 1024;
const FOREVER = 60_000;
const running: RunningServer[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of running.splice(0)) await server.stop(0);
});

function serving(
  answer: (incoming: Incoming) => Promise<Reply>,
  options: Partial<BodyOptions> = {},
) {
  const bodies = createBodies({
    memory: 8 * MIB,
    silenceMs: FOREVER,
    timeMs: FOREVER,
    ...options,
  });
  const server = startServer({
    hostname: "127.0.0.1",
    port: 0,
    publicUrl: null,
    trustedProxies: [],
    bodies,
    async handle(incoming) {
      const said = await answer(incoming).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        return reply(error.status, "text/plain", error.message);
      });
      return send(said, incoming, null, () => {});
    },
  });
  running.push(server);
  return { bodies, port: server.port, url: `http://127.0.0.1:${server.port}/` };
}

const sizeOf = async (incoming: Incoming) =>
  reply(200, "text/plain", String((await incoming.body(100 * MIB)).length));

/** Says that `size` bytes will come, and sends `sent` of them. What comes back, until the connection ends. */
function begin(port: number, size: number, sent: number) {
  const { promise, resolve } = Promise.withResolvers<string>();
  let said = "";
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("data", (data) => {
    said += data;
  });
  socket.on("error", () => {});
  socket.on("close", () => resolve(said));
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  if (sent > 0) socket.write(Buffer.alloc(sent));
  return { socket, whole: promise };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await Bun.sleep(2);
}

test("a client that falls silent in the middle of a body is told so, and its connection ends", async () => {
  const { port, bodies } = serving(sizeOf, { silenceMs: 50 });
  const said = await begin(port, 1000, 10).whole;
  expect(said).toStartWith("HTTP/1.1 408 ");
  expect(said.toLowerCase()).toContain("\r\nconnection: close\r\n");
  expect(bodies.used).toBe(0);
});

test("a client that sends a byte now and then does not take for ever", async () => {
  const { port } = serving(sizeOf, { silenceMs: FOREVER, timeMs: 100 });
  const { socket, whole } = begin(port, 1000, 10);
  const drip = setInterval(() => socket.write("x"), 10);
  expect(await whole).toStartWith("HTTP/1.1 408 ");
  clearInterval(drip);
});

test("silent clients hold no more memory than there is for all, and the others are told when to come again", async () => {
  const { port, bodies } = serving(sizeOf, { memory: 8 * MIB });
  // The first ones take what there is; the rest would like to.
  for (let count = 0; count < 20; count += 1) begin(port, 4 * MIB, 2 * MIB);
  await until(() => bodies.used > 4 * MIB);
  const late = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "small" });
  expect([late.status, await late.text()]).toEqual([200, "5"]);
  expect(bodies.used).toBeLessThanOrEqual(6 * MIB); // a quarter is for small ones
});

test("who is sent away for want of memory is told when to come again", async () => {
  const { url } = serving(async () => {
    throw new Problem("busy", "no room");
  });
  const { status, headers } = await fetch(url, { method: "POST", body: "x" });
  expect([status, Number(headers.get("retry-after")) > 0]).toEqual([503, true]);
});

test("what was read is held until the request is answered, and not longer", async () => {
  const used: number[] = [];
  const { url, bodies } = serving(async (incoming) => {
    await sizeOf(incoming);
    used.push(bodies.used);
    if (used.length === 2) throw new Problem("notFound", "there is none");
    return reply(200, "text/plain", "");
  });
  for (let round = 0; round < 3; round += 1) {
    await (await fetch(url, { method: "POST", body: Buffer.alloc(1000) })).text();
    expect(bodies.used).toBe(0);
  }
  expect(used).toEqual([1000, 1000, 1000]);
});

test("gzip is counted by what it unpacks to", async () => {
  const { url, bodies } = serving(sizeOf, { memory: 2 * MIB });
  const post = (size: number) =>
    fetch(url, {
      method: "POST",
      headers: { "content-encoding": "GZIP" },
      body: gzipSync(Buffer.alloc(size)),
    });
  expect((await post(MIB)).status).toBe(200);
  const bomb = await post(50 * MIB);
  expect([bomb.status, await bomb.text()]).toEqual([
    413,
    expect.stringContaining("requests.memory"),
  ]);
  expect(bodies.used).toBe(0);
});

test("a stream is no larger in memory than its pieces, whatever its size", async () => {
  const bytes = randomBytes(20 * MIB);
  const { url, bodies } = serving(
    async (incoming) => {
      const hash = new Bun.CryptoHasher("sha256");
      let most = 0;
      for await (const chunk of incoming.stream(2 * bytes.length)) {
        hash.update(chunk);
        most = Math.max(most, chunk.length);
      }
      expect(bodies.used).toBe(0);
      return reply(200, "text/plain", `${most < 2 * MIB} ${hash.digest("hex")}`);
    },
    { memory: MIB },
  );
  const want = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  for (const [body, encoding] of [
    [bytes, "identity"],
    [gzipSync(bytes, { level: 1 }), "gzip"],
  ] as const) {
    const headers = { "content-encoding": encoding };
    const response = await fetch(url, { method: "POST", headers, body });
    expect(await response.text()).toBe(`true ${want}`);
  }
});

test("a stream that is left in the middle costs its client no connection reset before the answer", async () => {
  const { url } = serving(async (incoming) => {
    for await (const _ of incoming.stream(100 * MIB)) throw new Problem("conflict", "is there");
    return reply(200, "text/plain", "");
  });
  const response = await fetch(url, { method: "POST", body: Buffer.alloc(30 * MIB) });
  expect([response.status, await response.text()]).toEqual([409, "is there"]);
});

test("a body past the limit is refused before it is read, and one of unknown length when it is", async () => {
  const { url } = serving(async (incoming) =>
    reply(200, "text/plain", String(await incoming.body(1000))),
  );
  const known = await fetch(url, { method: "POST", body: Buffer.alloc(20 * MIB) });
  expect(known.status).toBe(413);
  const pieces = new ReadableStream({
    pull(controller) {
      controller.enqueue(Buffer.alloc(600));
      controller.enqueue(Buffer.alloc(600));
      controller.close();
    },
  });
  expect((await fetch(url, { method: "POST", body: pieces })).status).toBe(413);
});

test("who says at once that more will come than may is not kept longer than who is silent about it", async () => {
  const told: number[] = [];
  const bodies = createBodies({ memory: MIB, silenceMs: FOREVER, timeMs: FOREVER });
  for (const read of ["whole", "stream"] as const) {
    const request = new Request("http://127.0.0.1/", {
      method: "POST",
      body: Buffer.alloc(10),
      headers: { "content-length": "5000" },
    });
    const body = bodies.open(request, (seconds) => told.push(seconds));
    const reading = read === "whole" ? body.whole(1000) : Array.fromAsync(body.stream(1000));
    await expect(reading).rejects.toMatchObject({ kind: "tooLarge" });
    body.close();
    expect(told.splice(0)).toEqual([10]);
  }
});
