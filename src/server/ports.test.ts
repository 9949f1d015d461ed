import { afterEach, expect, test } from "bun:test";
import { createServer } from "node:net";
import { connect } from "node:tls";
import { makeCertificate } from "../../test/support/certificates.ts";
import { createLog } from "../core/log.ts";
import { createBodies } from "../http/bodies.ts";
import type { Incoming } from "../http/incoming.ts";
import { createPorts, type Ports, type Wanted } from "./ports.ts";

const [first, second] = [1, 2].map(() => makeCertificate(["localhost", "127.0.0.1"], 90));
const ports: Ports[] = [];
afterEach(async () => {
  for (const one of ports.splice(0)) await one.stop(0);
});

/** Answers with what it was asked, and for /slow once it is told. */
function open() {
  const told = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  async function* slow() {
    yield Buffer.from("be");
    asked.resolve();
    await told.promise;
    yield Buffer.from("gun");
  }
  const app = ({ path, origin }: Incoming, only?: string) => {
    const body = path === "/slow" ? (slow() as unknown) : `${only} ${origin} ${path}`;
    return { response: new Response(body as BodyInit), status: 200, bytes: null };
  };
  const limits = { memory: 2 ** 20, silenceMs: 1000, timeMs: 1000 };
  const made = createPorts(app, {
    bodies: createBodies(limits),
    log: createLog("json", () => {}),
  });
  ports.push(made);
  return { ports: made, told: told.resolve, asked: asked.promise };
}

const plain = { publicUrl: null, trustedProxies: [] };
const any = { host: "127.0.0.1", port: 0 };
const whole: Wanted = { name: "", address: any, reading: plain, socketMode: 0 };

/** As a new connection: what is shown, and the answer, as a client that trusts this authority alone. */
async function ask(url: string, authority: string): Promise<string> {
  const { hostname: host, port, pathname } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host, port: Number(port), servername: "localhost", ca: authority });
  let text = "";
  socket.on("secureConnect", () =>
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`),
  );
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", reject);
  socket.on("close", () => resolve(text.split("\r\n\r\n").slice(1).join("\r\n\r\n")));
  return promise;
}

test("over TLS clients see https, on the additional ports as well", async () => {
  const { ports } = open();
  ports.use(
    [whole, { ...whole, name: "npm", address: { host: "127.0.0.2", port: 0 } }],
    first!.pair,
  );
  const [url, own] = [ports.url(""), ports.url("npm")];
  expect(url).toStartWith("https://127.0.0.1:");
  expect(await ask(`${url}/a`, first!.authority)).toContain(`undefined ${url} /a`);
  expect(await ask(`${own}/a`, first!.authority)).toContain(`npm ${own} /a`);
  expect(ports.url("pypi")).toBe("");
});

test("another certificate is shown to new connections, and a response that runs is sent to its end", async () => {
  const { ports, asked, told } = open();
  ports.use([whole], first!.pair);
  const url = ports.url("");
  const slow = ask(`${url}/slow`, first!.authority);
  await asked;
  ports.use([whole], second!.pair);
  expect(ports.url("")).toBe(url);
  expect(await ask(`${url}/a`, second!.authority)).toContain("/a");
  await expect(ask(`${url}/a`, first!.authority)).rejects.toThrow();
  told();
  expect(await slow).toContain("gun");
});

test("how requests are read changes without a new listener", async () => {
  const { ports } = open();
  ports.use([whole], null);
  const url = ports.url("");
  const read = async () => (await fetch(`${url}/a`)).text();
  expect(await read()).toBe(`undefined ${url} /a`);
  const reading = { publicUrl: "https://packages.example.com", trustedProxies: [] };
  ports.use([{ ...whole, reading }], null);
  expect(await read()).toBe("undefined https://packages.example.com /a");
});

test("plain HTTP becomes HTTPS on the same port", async () => {
  const { ports } = open();
  ports.use([whole], null);
  const { port } = new URL(ports.url(""));
  ports.use([whole], first!.pair);
  expect(ports.url("")).toBe(`https://127.0.0.1:${port}`);
  expect(await ask(`${ports.url("")}/a`, first!.authority)).toContain("/a");
});

test("an address that is taken leaves everything as it was", async () => {
  const { ports } = open();
  ports.use([whole], null);
  const url = ports.url("");
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const other = { host: "127.0.0.2", port: 0 };
  const wanted = [
    { ...whole, reading: { ...plain, publicUrl: "https://new.example.com" } },
    { ...whole, name: "npm", address: other },
    { ...whole, name: "go", address: { host: "127.0.0.1", port } },
  ];
  expect(() => ports.use(wanted, null)).toThrow(
    expect.objectContaining({ code: "EADDRINUSE", listen: { host: "127.0.0.1", port } }),
  );
  expect(await (await fetch(`${url}/a`)).text()).toBe(`undefined ${url} /a`);
  expect(ports.addresses()).toHaveLength(1);
  taken.close();
});

test("one Holdfast does not take a part of another's connections", async () => {
  const { ports } = open();
  ports.use([whole], first!.pair);
  const port = Number(new URL(ports.url("")).port);
  const address = { host: "127.0.0.1", port };
  expect(() => open().ports.use([{ ...whole, address }], second!.pair)).toThrow(
    expect.objectContaining({ code: "EADDRINUSE" }),
  );
});

test("a port that is wanted no more is closed, after what runs on it", async () => {
  const { ports, asked, told } = open();
  ports.use([whole, { ...whole, name: "npm", address: { host: "127.0.0.2", port: 0 } }], null);
  const own = ports.url("npm");
  const slow = fetch(`${own}/slow`).then((response) => response.text());
  await asked;
  ports.use([whole], null);
  await expect(fetch(`${own}/a`, { keepalive: false })).rejects.toThrow();
  told();
  expect(await slow).toBe("begun");
});
