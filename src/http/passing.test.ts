import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { createBodies } from "./bodies.ts";
import type { Incoming } from "./incoming.ts";
import { createPassing, PASSED_FOR } from "./passing.ts";
import { type RunningServer, startServer } from "./server.ts";

const bodies = createBodies({ memory: 2 ** 20, silenceMs: 10_000, timeMs: 10_000 });
const plain = { publicUrl: null, trustedProxies: [] };
let folder: string;
let servers: RunningServer[];
beforeEach(() => {
  folder = tempFolder("passing");
  servers = [];
});
afterEach(async () => {
  for (const one of servers) await one.stop(0);
  removeTemp(folder);
});

/** A server that has all below /-/ answered by another one, at a socket file. */
function open(only?: string, isThere = true) {
  const socket = join(folder, "inner.sock");
  const seen: Record<string, unknown>[] = [];
  const answer = async (incoming: Incoming) => {
    const { method, path, query, origin, address } = incoming;
    const body = Buffer.from(await incoming.body(2 ** 20)).toString();
    seen.push({ method, path, query, origin, address, body, only: incoming.header(PASSED_FOR) });
    const headers = { "x-a": "b", location: "/elsewhere", "content-encoding": "gzip" };
    const packed = Bun.gzipSync(Buffer.from("whole"));
    return { response: new Response(packed, { status: 302, headers }), status: 302, bytes: 5 };
  };
  const start = (more: object) => {
    const one = startServer({
      ...{ hostname: "127.0.0.1", port: 0, ...plain, bodies },
      handle: () => ({ response: new Response("own"), status: 200, bytes: 3 }),
      ...more,
    });
    servers.push(one);
    return one;
  };
  if (isThere) start({ socket: { path: socket, mode: 0o600 }, isPassedOn: true, handle: answer });
  const passing = createPassing(socket, only, ({ path }) => path.startsWith("/-/"));
  const { port } = start({ passing });
  return { url: `http://127.0.0.1:${port}`, seen };
}
const manual = { redirect: "manual", decompress: false } as RequestInit;

test("a request is passed on whole, with whom it is from, and its answer comes back as it is", async () => {
  const { url, seen } = open();
  expect(await (await fetch(`${url}/own`)).text()).toBe("own");
  const headers = { host: "packages.example.com", "x-holdfast-address": "192.0.2.1" };
  const answer = await fetch(`${url}/-/a%2Fb?c=d%20e`, {
    ...{ ...manual, method: "POST", body: "x".repeat(50_000) },
    headers: { ...headers, [PASSED_FOR]: "npm", "x-holdfast-origin": "https://evil.example" },
  });
  expect([answer.status, answer.headers.get("x-a"), answer.headers.get("location")]).toEqual([
    302,
    "b",
    "/elsewhere",
  ]);
  expect(answer.headers.get("content-encoding")).toBe("gzip");
  expect(Buffer.from(Bun.gunzipSync(await answer.bytes())).toString()).toBe("whole");
  expect(seen).toEqual([
    {
      ...{ method: "POST", path: "/-/a%2Fb", query: "c=d%20e", body: "x".repeat(50_000) },
      ...{ origin: "http://packages.example.com", address: "127.0.0.1", only: null },
    },
  ]);
});

test("of a port at whose root a repository stands it is said which", async () => {
  const { url, seen } = open("npm");
  await fetch(`${url}/-/x`, manual);
  expect(seen).toMatchObject([{ method: "GET", only: "npm", body: "" }]);
});

test("where the other one is gone that is said, and to come again", async () => {
  const { url } = open(undefined, false);
  const answer = await fetch(`${url}/-/x`);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await answer.text()).toContain("does not answer");
});
