import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { ProxyFailure } from "./reasons.ts";
import {
  closeAll,
  failure,
  http,
  listen,
  makeCertificate,
  opened,
  serve,
  serveProxy,
  serveSocks,
  setUp,
  text,
} from "./testkit.ts";
import { openTunnel } from "./tunnel.ts";

const certificate = makeCertificate();
const plain = await serve((path) => http(path === "/no" ? 404 : 200, "plain"));
const secured = await serve(() => http(200, "secured"), certificate);
afterAll(() => {
  plain.stop();
  secured.stop();
});

afterEach(closeAll);

// Names that only the proxy can resolve: the lookup would find nothing.
const names = { "registry.example.test": [] };
const targets = [
  { url: `http://registry.example.test:${plain.port}/npm`, body: "plain" },
  { url: `https://registry.example.test:${secured.port}/npm`, body: "secured" },
];

for (const { url, body } of targets) {
  test(`${body} through an HTTP proxy, with and without credentials`, async () => {
    for (const credential of [null, "me:p@%41ss"]) {
      const server = opened(await serveProxy(credential));
      const proxy = credential ? server.url.replace("//", "//me@") : server.url;
      const { upstream, lookups } = setUp(
        { url, ca: certificate.ca, proxy, ...(credential && { proxyPassword: "p@%41ss" }) },
        { names },
      );
      expect(await text(await upstream.fetch({ path: "a" }))).toBe(body);
      expect(server.heads[0]).toContain("registry.example.test");
      expect(lookups).toEqual([]);
    }
  });

  test(`${body} through an HTTPS proxy`, async () => {
    const server = opened(await serveProxy("me:p@%41ss", certificate));
    const proxy = `https://me:p%40%2541ss@localhost:${server.port}`;
    const { upstream } = setUp({ url, ca: certificate.ca, proxy }, { names });
    expect(await text(await upstream.fetch({ path: "a" }))).toBe(body);
    expect(server.connections()).toBe(1);
  });

  test(`${body} through a SOCKS5 proxy, which resolves the name`, async () => {
    for (const credential of [null, ["me", "p@ss"] as [string, string]]) {
      const server = opened(await serveSocks(credential));
      const proxy = `socks5://${credential ? "me:p%40ss@" : ""}127.0.0.1:${server.port}`;
      const { upstream, lookups } = setUp({ url, ca: certificate.ca, proxy }, { names });
      for (const path of ["a", "b?c=d"])
        expect(await text(await upstream.fetch({ path }))).toBe(body);
      const { host } = new URL(url);
      expect(server.destinations[0]).toBe(host);
      expect(lookups).toEqual([]);
      upstream.close();
      await server.closed();
    }
  });

  test(`${body}: a SOCKS5 proxy that refuses says why`, async () => {
    const cases: [reply: number, user: string, want: string][] = [
      [5, "me:right@", "its proxy: could not connect (ConnectionRefused)"],
      [2, "me:right@", "its proxy: could not connect (NotAllowed)"],
      [0, "me:wrong@", "its proxy: does not accept the credentials"],
      [0, "", "its proxy: does not accept the credentials"],
    ];
    for (const [reply, user, want] of cases) {
      const server = opened(await serveSocks(["me", "right"], reply));
      const { upstream } = setUp({ url, proxy: `socks5://${user}127.0.0.1:${server.port}` });
      expect(await failure(upstream, { path: "a" })).toBe(`${new URL(url).host}: ${want}`);
    }
  });

  test(`${body}: a proxy that asks for other credentials is no answer`, async () => {
    const server = opened(await serveProxy("me:right"));
    const { upstream } = setUp({ url, ca: certificate.ca, proxy: server.url });
    expect(await failure(upstream, { path: "a" })).toMatch(
      /: its proxy: (answered 407|does not accept the credentials)$/,
    );
  });

  test(`${body}: a proxy that is not there, and is not asked again at once`, async () => {
    const gone = await serveProxy(null);
    gone.stop();
    for (const scheme of ["http", "https", "socks5"]) {
      const { upstream } = setUp({ url, proxy: `${scheme}://127.0.0.1:${gone.port}` });
      expect(await failure(upstream, { path: "a" })).toEndWith(
        ": its proxy: refused the connection",
      );
      expect(upstream.unavailable()).toBe("unreachable");
    }
  });

  test(`${body}: a proxy that is silent, or speaks something else`, async () => {
    const silent = opened(await listen(() => undefined));
    const junk = opened(await listen((socket) => socket.end("SSH-2.0-OpenSSH_9.2 Debian\r\n")));
    for (const scheme of ["http", "https", "socks5"])
      for (const [server, want] of [
        [silent, /did not answer (within 0.05 s|in time)$/],
        [junk, /TLS|does not speak|closed the connection|could not connect/],
      ] as const) {
        const proxy = `${scheme}://127.0.0.1:${server.port}`;
        const { upstream } = setUp({ url, proxy, timeoutMs: server === silent ? 50 : 5_000 });
        expect(await failure(upstream, { path: "a" })).toMatch(want);
      }
    await silent.closed();
  });
}

test("a 404 for CONNECT is the proxy's, and not an answer", async () => {
  const server = opened(await serve(() => http(404, "no such thing")));
  const { upstream } = setUp({ url: targets[1]!.url, proxy: server.url });
  expect(await failure(upstream, { path: "a" })).toEndWith(": its proxy: answered 404 to CONNECT");
});

test("a 404 behind a SOCKS5 proxy is the upstream's", async () => {
  const server = opened(await serveSocks(null));
  const { upstream } = setUp({
    url: `http://registry.example.test:${plain.port}`,
    proxy: `socks5://127.0.0.1:${server.port}`,
  });
  expect((await upstream.fetch({ path: "no" })).status).toBe(404);
});

test("a POST goes through a SOCKS5 proxy whole", async () => {
  const seen: string[] = [];
  const echo = opened(
    await listen((socket, data) => {
      seen.push(data);
      if (seen.join("").endsWith("END")) socket.write(http(200, "got it"));
    }),
  );
  const server = opened(await serveSocks(null));
  const { upstream } = setUp({ url: echo.url, proxy: `socks5://127.0.0.1:${server.port}` });
  const body = `${"x".repeat(300_000)}END`;
  expect(await text(await upstream.fetch({ path: "a?b", method: "POST", body }))).toBe("got it");
  const all = seen.join("");
  expect(all).toStartWith("POST /a?b HTTP/1.1\r\n");
  expect(all).toEndWith(`\r\n\r\n${body}`);
  expect(all.slice(0, 1_000)).not.toMatch(/^proxy-/im);
});

test("literal link-local addresses are refused behind a proxy as well", async () => {
  const server = opened(await serveProxy(null));
  const { upstream } = setUp({ url: "http://169.254.169.254", proxy: server.url });
  expect(await failure(upstream, { path: "a" })).toContain("is never asked");
  expect(server.connections()).toBe(0);
});

test("the environment's proxies play no part", async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    HTTP_PROXY: "http://127.0.0.1:1",
    http_proxy: "http://127.0.0.1:1",
  });
  try {
    const { upstream } = setUp({ url: plain.url });
    expect(await text(await upstream.fetch({ path: "a" }))).toBe("plain");
    const server = opened(await serveProxy(null));
    Object.assign(process.env, { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" });
    const proxied = setUp({ url: plain.url, proxy: server.url });
    expect(await text(await proxied.upstream.fetch({ path: "a" }))).toBe("plain");
    expect(server.heads).toHaveLength(1);
  } finally {
    for (const name of ["HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"])
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
  }
});

test("another scheme is refused at the start", () => {
  expect(() => setUp({ url: plain.url, proxy: "ftp://127.0.0.1" })).toThrow(RangeError);
});

test("a tunnel stands in a folder of this user's alone, which goes with it", async () => {
  const tunnel = await openTunnel(async () => connect(plain.port, "127.0.0.1"));
  const folder = dirname(tunnel.path);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const session = new Bun.FetchSession({ unix: tunnel.path });
  expect(await (await session.fetch("http://any.example.test/x")).text()).toBe("plain");
  expect(tunnel.failure()).toBeNull();
  tunnel.close();
  expect(existsSync(folder)).toBe(false);
});

test("a tunnel remembers why it could not connect until it can", async () => {
  let works = false;
  const tunnel = await openTunnel(async () => {
    if (!works) throw new ProxyFailure("no");
    return connect(plain.port, "127.0.0.1");
  });
  const session = new Bun.FetchSession({ unix: tunnel.path });
  const ask = async () => (await session.fetch("http://any.example.test/x")).text();
  await expect(ask()).rejects.toThrow();
  expect(tunnel.failure()?.words).toBe("no");
  works = true;
  expect(await ask()).toBe("plain");
  expect(tunnel.failure()).toBeNull();
  tunnel.close();
});

test("a slow reader holds the sender back through a tunnel, over TLS as well", async () => {
  // A thread of its own floods through this one's SOCKS5 proxy: both must stop when nobody reads.
  const worker = new Worker(new URL("./testflood.ts", import.meta.url));
  const message = () =>
    new Promise<{ port?: number; written?: number }>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
  worker.postMessage({ key: certificate.key, cert: certificate.cert });
  const { port } = await message();
  const server = opened(await serveSocks(null));
  const { upstream } = setUp({
    url: `https://registry.example.test:${port}`,
    ca: certificate.ca,
    proxy: `socks5://127.0.0.1:${server.port}`,
  });
  const response = await upstream.fetch({ path: "a" });
  const { written } = await message();
  expect(written).toBeLessThan(64 * 1024 * 1024);
  await response.discard();
  worker.terminate();
});
