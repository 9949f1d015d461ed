// For tests only: servers that behave as they are told, on loopback, and what a client needs around it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import type { UpstreamRequest, UpstreamResponse } from "../core/upstream.ts";
import {
  createUpstream,
  createUpstreamMetrics,
  type UpstreamDeps,
  type UpstreamSettings,
  type Upstreams,
} from "./upstreams.ts";

export interface Listening {
  port: number;
  /** http://127.0.0.1:port, or https. */
  url: string;
  /** Connections accepted so far. */
  connections(): number;
  /** Resolves when the connections that are open now have been closed by the other end. */
  closed(): Promise<void>;
  stop(): void;
}

const closing: (() => void)[] = [];

/** Stops this server after the test. */
export function opened<T extends Listening>(server: T): T {
  closing.push(server.stop);
  return server;
}

/** For afterEach: stops what was opened, and closes what was set up, in this test. */
export function closeAll() {
  for (const close of closing.splice(0)) close();
}

type Handler = (socket: Socket, text: string, nth: number) => void;

/** A TCP server. `handler` gets each piece of data with its number on that connection, from 0. */
export async function listen(handler: Handler, certificate?: Certificate): Promise<Listening> {
  const sockets = new Set<Socket>();
  let count = 0;
  let waiting: (() => void)[] = [];
  const accept = (socket: Socket) => {
    let nth = 0;
    count += 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      sockets.delete(socket);
      if (sockets.size > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    });
    socket.on("data", (data) => handler(socket, data.toString("latin1"), nth++));
  };
  const server: Server = certificate
    ? tls.createServer({ key: certificate.key, cert: certificate.cert }, accept)
    : createServer(accept);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${certificate ? "https" : "http"}://127.0.0.1:${port}`,
    connections: () => count,
    closed: () =>
      sockets.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve);
          }),
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** An HTTP/1.1 response as bytes. */
export function http(status: number, body = "", headers: Record<string, string> = {}): string {
  const lines = Object.entries({ "content-length": String(body.length), ...headers });
  return `HTTP/1.1 ${status} X\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}

/** Answers each request by its path. Records the heads it saw. */
export async function serve(
  answer: (path: string, head: string) => string,
  certificate?: Certificate,
): Promise<Listening & { heads: string[] }> {
  const heads: string[] = [];
  const listening = await listen((socket, head) => {
    heads.push(head);
    socket.write(answer(head.split(" ")[1] ?? "", head));
  }, certificate);
  return { ...listening, heads };
}

/** An HTTP proxy for CONNECT and absolute-form requests that resolves every name to loopback. */
export async function serveProxy(
  credential: string | null,
  certificate?: Certificate,
): Promise<Listening & { heads: string[] }> {
  const heads: string[] = [];
  const listening = await listen((socket, head, nth) => {
    if (nth > 0) return;
    heads.push(head);
    if (credential && !head.includes(`Basic ${btoa(credential)}`))
      return socket.end(http(407, "who are you"));
    socket.removeAllListeners("data");
    const [, method, target = ""] = /^(\S+) (\S+)/.exec(head) ?? [];
    const to = new URL(method === "CONNECT" ? `http://${target}` : target);
    const remote = connect(Number(to.port), "127.0.0.1", () => {
      if (method === "CONNECT") socket.write("HTTP/1.1 200 OK\r\n\r\n");
      else remote.write(head.replace(target, to.pathname));
      remote.pipe(socket).pipe(remote);
    });
    remote.on("error", () => socket.end(http(502)));
  }, certificate);
  return { ...listening, heads };
}

/** A SOCKS5 proxy (RFC 1928, 1929) that resolves every name to loopback and answers `reply` where it is not 0. */
export async function serveSocks(
  credential: [string, string] | null,
  reply = 0,
): Promise<Listening & { destinations: string[] }> {
  const destinations: string[] = [];
  const listening = await listen((socket, text, nth) => {
    const data = Buffer.from(text, "latin1");
    const step = credential || nth === 0 ? nth : nth + 1;
    if (step === 0) return socket.write(Buffer.from([5, credential ? 2 : 0]));
    if (step === 1) {
      const name = data.subarray(2, 2 + data[1]!);
      const password = data.subarray(3 + name.length);
      const right = String(name) === credential![0] && String(password) === credential![1];
      return socket.write(Buffer.from([1, right ? 0 : 1]));
    }
    if (step > 2) return;
    const named = data[3] === 3;
    const end = named ? 5 + data[4]! : 8;
    const host = named ? String(data.subarray(5, end)) : [...data.subarray(4, 8)].join(".");
    const port = data.readUInt16BE(end);
    destinations.push(`${host}:${port}`);
    const answer = Buffer.from([5, reply, 0, 1, 127, 0, 0, 1, 0, 0]);
    if (reply !== 0) return socket.end(answer);
    socket.removeAllListeners("data");
    const remote = connect(port, "127.0.0.1", () => {
      socket.write(answer);
      remote.pipe(socket).pipe(remote);
    });
    remote.on("error", () => socket.destroy());
    return;
  });
  return { ...listening, destinations };
}

export interface Certificate {
  key: string;
  cert: string;
  /** The authority that signed it. */
  ca: string;
}

/** A certificate for localhost, 127.0.0.1 and *.example.test, signed by an authority of its own. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      at("ca.key"),
      "-out",
      at("ca.pem"),
      "-subj",
      "/CN=Holdfast test authority",
      "-days",
      "2",
    );
    openssl(
      "req",
      ...key,
      "-keyout",
      at("key.pem"),
      "-out",
      at("csr.pem"),
      "-subj",
      "/CN=localhost",
    );
    writeFileSync(at("san"), "subjectAltName=DNS:localhost,DNS:*.example.test,IP:127.0.0.1");
    openssl(
      "x509",
      "-req",
      "-in",
      at("csr.pem"),
      "-CA",
      at("ca.pem"),
      "-CAkey",
      at("ca.key"),
      "-CAcreateserial",
      "-extfile",
      at("san"),
      "-out",
      at("cert.pem"),
      "-days",
      "2",
    );
    const read = (name: string) => readFileSync(at(name), "utf8");
    return { key: read("key.pem"), cert: read("cert.pem"), ca: read("ca.pem") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An upstream with a clock that only moves when told, and names that resolve as `names` says, else to loopback. */
export function setUp(
  settings: Partial<UpstreamSettings> | Partial<UpstreamSettings>[],
  options: { names?: Record<string, string[]>; allowPrivate?: string[] } = {},
) {
  const clock = { ms: 1_000_000 };
  const lines: string[] = [];
  const lookups: string[] = [];
  const metrics = createMetrics();
  const deps: UpstreamDeps = {
    log: createLog("json", (line) => lines.push(line)),
    metrics: createUpstreamMetrics(metrics),
    repository: "test",
    now: () => clock.ms,
    ...(options.allowPrivate && { allowPrivate: options.allowPrivate }),
    async lookup(host) {
      lookups.push(host);
      return options.names?.[host] ?? ["127.0.0.1"];
    },
  };
  const upstream = createUpstream(
    [settings].flat().map((one) => ({ url: "", hosts: [], timeoutMs: 10_000, retryMs: 0, ...one })),
    deps,
  );
  closing.push(upstream.close);
  return { upstream, clock, lines, lookups, metrics, deps };
}

export async function text(response: UpstreamResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Asks an upstream that answers nothing until it is not asked any more. */
export async function putOut(upstream: Upstreams): Promise<void> {
  for (const path of ["out/1", "out/2", "out/3"]) await failure(upstream, { path });
  while (upstream.unavailable() === null) await new Promise((done) => setTimeout(done, 5));
}

/** Asks and reads, and returns what it failed with. */
export async function failure(
  upstream: { fetch(request: UpstreamRequest): Promise<UpstreamResponse> },
  request: UpstreamRequest,
): Promise<string> {
  try {
    const response = await upstream.fetch(request);
    return `answered ${response.status}: ${await text(response)}`;
  } catch (error) {
    if (error instanceof Problem && error.kind === "unreachable") return error.message;
    throw error;
  }
}
