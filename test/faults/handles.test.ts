// No file handles left (`ulimit -n`): told by name, remembered by nobody, and over when there are some again.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { startProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import { startBulk } from "./bulk-upstream.ts";

const FILES = 96;

test("without file handles what is new is refused by name, and all is well when there are some again", async () => {
  const small = Array.from({ length: 20 }, () => 30_000);
  const upstream = startBulk([20_000, 3_000_000, ...small, ...small.map(() => 3_000_000)]);
  const named = `http://localhost:${new URL(upstream.url).port}/`; // a name has to be looked up
  const config = `repositories:\n  npm: { freshness: 0s, upstreams: [{ url: "${upstream.url}", retry: 0s }] }\n  other: { format: npm, upstreams: [{ url: "${named}", retry: 0s }] }\n`;
  const server = await startProcess({ config, files: FILES });
  const client = await openClient(server.url);
  const tarball = (at: number) => `/npm/bulk-${at}/-/bulk-${at}-1.0.0.tgz`;
  const sockets: Socket[] = [];
  try {
    for (const at of [0, 1]) expect((await client.get(tarball(at))).status).toBe(200);
    expect((await client.get("/npm/bulk-0")).status).toBe(200);
    const events = server.events().length;

    const count = () => readdirSync(`/proc/${server.pid}/fd`).length;
    async function spend(): Promise<void> {
      while (count() < FILES) {
        sockets.push(connect(Number(new URL(server.url).port), "127.0.0.1").on("error", () => {}));
        await Bun.sleep(5);
      }
    }
    /** Asks for one after the other until one is refused: the connection of what was refused before may just have given its handle back. */
    async function refused(paths: string[]): Promise<string> {
      for (const path of paths) {
        await spend();
        const { status, body } = await client.get(path);
        if (status === 200) continue;
        expect(body).toContain("file handles");
        return `${status} ${path}`;
      }
      throw new Error(`nothing was refused with ${count()} handles open`);
    }
    const seen = [
      await refused(of(2, 8).map(tarball)),
      await refused(of(22, 8).map(tarball)),
      await refused(of(10, 8).map((at) => `/npm/bulk-${at}`)),
      await refused(of(0, 8).map((at) => `/other/bulk-${at}`)),
    ];
    expect(seen.map((one) => one.slice(0, 3))).toEqual(["403", "403", "424", "424"]);
    await spend();
    expect((await client.get("/npm/bulk-0")).status).toBe(200);
    expect((await client.get(tarball(0))).status).toBe(200);
    expect((await client.get("/-/metrics")).body).not.toMatch(/breaker_state\S* [12]/);

    for (const socket of sockets) socket.destroy();
    await waitFor(
      () => count() < FILES - 20,
      () => `${count()} are open`,
    );
    for (const path of [...seen.map((one) => one.slice(4)), "/npm/bulk-0"])
      expect((await client.get(path)).status).toBe(200);
    expect((await client.get("/npm/bulk-0")).head).not.toContain("detail=");
    expect(server.output()).not.toContain("because of a bug");
    expect(server.events()).toHaveLength(events);
  } finally {
    for (const socket of sockets) socket.destroy();
    client.close();
    await server.stop();
    await upstream.stop();
  }
}, 60_000);

const of = (first: number, length: number) => Array.from({ length }, (_, at) => first + at);

/** Asks on one connection that stays. */
async function openClient(url: string) {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  await new Promise((done) => socket.once("connect", done));
  let seen = "";
  let wake = () => {};
  let isClosed = false;
  socket.on("data", (part) => {
    seen += part.toString("latin1");
    wake();
  });
  socket.on("close", () => {
    isClosed = true;
    wake();
  });
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    close: () => socket.destroy(),
    async get(path: string) {
      seen = "";
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
      while (!isWhole(seen)) {
        if (isClosed) throw new Error(`the connection ended after ${JSON.stringify(seen)}`);
        await more();
      }
      const at = seen.indexOf("\r\n\r\n");
      const head = seen.slice(0, at);
      return { status: Number(head.split(" ")[1]), head, body: seen.slice(at + 4) };
    },
  };
}

function isWhole(text: string): boolean {
  const at = text.indexOf("\r\n\r\n");
  if (at < 0) return false;
  const length = /^content-length: (\d+)/im.exec(text.slice(0, at))?.[1];
  if (length !== undefined) return text.length - at - 4 >= Number(length);
  return text.endsWith("0\r\n\r\n");
}
