// Connections that ask for nothing, or never come to an end of asking: the others are served.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { sendRaw } from "../support/raw.ts";
import { waitFor } from "../support/wait.ts";

let server: ServerProcess;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = await startProcess({ flags: ["--offline"] });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await server.stop();
});

function dial(): Socket {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => {});
  sockets.push(socket);
  return socket;
}

const isAlive = async () => (await fetch(`${server.url}/-/health/live`)).status === 200;
const memory = () =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))![1]) / 1024;

test("a thousand connections that ask for nothing cost little, and the others are served", async () => {
  const before = memory();
  let open = 0;
  for (let count = 0; count < 1000; count += 1) dial().on("connect", () => (open += 1));
  await waitFor(
    () => open === 1000,
    () => `${open} of 1000 are open`,
    20_000,
  );
  expect(await isAlive()).toBe(true);
  expect(memory() - before).toBeLessThan(30);
});

test("a head that never ends is cut, a byte now and then or not", async () => {
  const closed: string[] = [];
  const begin = (name: string, text: string) => {
    const socket = dial();
    socket.on("close", () => closed.push(name));
    socket.write(text);
    return socket;
  };
  begin("silent", "");
  begin("half a head", "GET / HTTP/1.1\r\nHost: a\r\nX-a: ");
  const slow = begin("a byte now and then", "GET / HTTP/1.1\r\nHost: a\r\nX-a: ");
  const drip = setInterval(() => slow.write("x"), 500);
  await waitFor(
    () => closed.length === 3,
    () => `closed: ${closed}`,
    60_000,
  );
  clearInterval(drip);
  expect(await isAlive()).toBe(true);
}, 90_000);

const line = (path: string) => [`GET ${path} HTTP/1.1`, "Host: a"];
const oversized: [name: string, head: string[]][] = [
  ["a query of a megabyte", line(`/npm/a?${"q".repeat(1_000_000)}`)],
  ["a header of a megabyte", [...line("/npm/a"), `Accept: ${"a".repeat(1_000_000)}`]],
  ["a thousand headers", [...line("/npm/a"), ...Array(1000).fill("X-a: b")]],
];
for (const [name, head] of oversized)
  test(`${name} is refused before anything looks at it`, async () => {
    expect((await sendRaw(server.url, head)).status).toBe(431);
    expect(await isAlive()).toBe(true);
  });

test("headers as large as are let in are headers like others", async () => {
  for (let round = 0; round < 300; round += 1) {
    const value = `${round} ${"a".repeat(6_000)}`;
    const head = [...line("/npm/left-pad"), `Accept: ${value}`, `Accept-Encoding: ${value}`];
    expect((await sendRaw(server.url, head)).status).toBe(424);
  }
  expect(await isAlive()).toBe(true);
});
