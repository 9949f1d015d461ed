// Everything an upstream can do wrong: each is one short sentence, and none is taken for an answer.
import { afterAll, afterEach, expect, test } from "bun:test";
import {
  closeAll,
  failure,
  http,
  listen,
  makeCertificate,
  opened,
  putOut,
  serve,
  setUp,
  text,
} from "./testkit.ts";

afterEach(closeAll);

const certificate = makeCertificate();
const secured = await serve(() => http(200, "secret"), certificate);
afterAll(() => secured.stop());

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = await serve(() => http(200));
  server.stop();
  return server.port;
}

test("refused: said at once, and not asked again until the backoff ends", async () => {
  const port = await deadPort();
  const { upstream, clock, lines } = setUp({ url: `http://127.0.0.1:${port}` });
  const host = `127.0.0.1:${port}`;
  expect(await failure(upstream, { path: "a" })).toBe(`${host}: refused the connection`);
  expect(upstream.unavailable()).toBe("unreachable");
  expect(upstream.states()).toMatchObject([{ upstream: host, state: "open" }]);
  expect(await failure(upstream, { path: "a" })).toBe(
    `${host}: refused the connection; asked again in 1 s`,
  );
  clock.ms += 1_000;
  expect(upstream.unavailable()).toBeNull();
  expect(await failure(upstream, { path: "a" })).toBe(`${host}: refused the connection`);
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(["warn"]);
});

test("no address", async () => {
  const { upstream } = setUp(
    { url: "http://registry.example.test" },
    { names: { "registry.example.test": [] } },
  );
  expect(await failure(upstream, { path: "a" })).toBe(
    "registry.example.test: its name has no address",
  );
  expect(upstream.unavailable()).toBe("unreachable");
});

test("silent: given up after the timeout, on three paths, and then not asked", async () => {
  const server = opened(await listen(() => undefined));
  const { upstream, clock } = setUp({ url: server.url, timeoutMs: 50 });
  for (const path of ["a", "a", "b", "a", "c"]) {
    expect(upstream.unavailable()).toBeNull();
    expect(await failure(upstream, { path })).toEndWith(": did not answer within 0.05 s");
    clock.ms += 10_000;
  }
  clock.ms -= 10_000;
  expect(upstream.unavailable()).toBe("unreachable");
  await server.closed();
});

test("silent in the resolver", async () => {
  const { deps } = setUp({ url: "http://127.0.0.1" });
  const { createUpstream } = await import("./upstreams.ts");
  const lookup = () => new Promise<string[]>(() => undefined);
  const upstream = createUpstream(
    [{ url: "http://registry.example.test", hosts: [], timeoutMs: 50 }],
    { ...deps, lookup },
  );
  expect(await failure(upstream, { path: "a" })).toBe(
    "registry.example.test: did not answer within 0.05 s",
  );
});

test("silent in the body", async () => {
  const server = opened(
    await listen((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789");
    }),
  );
  const { upstream } = setUp({ url: server.url, timeoutMs: 400 });
  expect(await failure(upstream, { path: "a" })).toEndWith(
    ": fell silent for 0.4 s after 10 bytes",
  );
  expect(await failure(upstream, { path: "a" })).toEndWith(
    ": fell silent for 0.4 s after 10 bytes; asked for again in 1 s",
  );
  expect(upstream.unavailable()).toBeNull();
  await server.closed();
});

test("a slow drip is only slow: silence is counted from chunk to chunk", async () => {
  const drops = 6;
  const server = opened(
    await listen((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${drops}\r\n\r\n`);
      let sent = 0;
      const timer = setInterval(() => {
        socket.write("x");
        if (++sent === drops) clearInterval(timer);
      }, 200);
    }),
  );
  // All of it takes longer than the timeout.
  const { upstream } = setUp({ url: server.url, timeoutMs: 1_000 });
  expect(await text(await upstream.fetch({ path: "a" }))).toBe("xxxxxx");
});

for (const [what, rate, isGivenUp] of [
  ["below the least rate", 1_000, true],
  // Far enough above it that drops which a busy machine reads late, several at a time, make no difference.
  ["above the least rate", 16_000, false],
] as const)
  test(`a drip ${what} is ${isGivenUp ? "given up" : "waited for"}`, async () => {
    const drop = "x".repeat(rate * 20);
    let sent = 0;
    const server = opened(
      await listen((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${8 * drop.length}\r\n\r\n`);
        // A drop every twenty seconds.
        const timer = setInterval(() => {
          clock.ms += 20_000;
          socket.write(drop);
          if (++sent === 8) clearInterval(timer);
        }, 20);
        socket.on("close", () => clearInterval(timer));
      }),
    );
    const { upstream, clock } = setUp({ url: server.url });
    const result = await failure(upstream, { path: "a" });
    if (isGivenUp)
      expect(result).toContain("sent less than 1024 bytes a second for 60 s (minRate)");
    else expect(result).toStartWith("answered 200");
    expect(upstream.unavailable()).toBeNull();
    if (isGivenUp) await server.closed();
  });

test("truncated: ends short of its content-length", async () => {
  const server = opened(
    await listen((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
      setImmediate(() => socket.end("0123456789"));
    }),
  );
  const { upstream, clock } = setUp({ url: server.url });
  for (let at = 0; at < 5; at++) {
    expect(await failure(upstream, { path: "a" })).toMatch(
      /: the answer ended after \d+ of 100 bytes$/,
    );
    expect(await failure(upstream, { path: "a" })).toContain("; asked for again in ");
    clock.ms += 30_000;
  }
  expect(server.connections()).toBe(5);
  expect(upstream.states()[0]?.state).toBe("closed");
});

test("a broken body stays broken, however often it is read", async () => {
  const server = opened(
    await listen((socket) => {
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789");
    }),
  );
  const { upstream } = setUp({ url: server.url });
  const body = (await upstream.fetch({ path: "a" })).body[Symbol.asyncIterator]();
  const read = async () => {
    while (!(await body.next()).done);
  };
  for (let at = 0; at < 3; at++) await expect(read()).rejects.toThrow("the answer ended after");
});

test("truncated: a chunked body without its last chunk", async () => {
  const server = opened(
    await listen((socket) => {
      socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n");
    }),
  );
  const { upstream } = setUp({ url: server.url });
  expect(await failure(upstream, { path: "a" })).toMatch(/: the answer ended after \d+ bytes$/);
});

test("wrong content-length: what is too long is cut, what is no number is refused", async () => {
  const server = opened(
    await serve((path) => http(200, "0123456789", { "content-length": path.slice(1) })),
  );
  const { upstream } = setUp({ url: server.url });
  expect(await text(await upstream.fetch({ path: "5" }))).toBe("01234");
  expect(await failure(upstream, { path: "abc" })).toEndWith(": its content-length is no number");
  expect(await failure(upstream, { path: "-1" })).toEndWith(": its content-length is no number");
});

for (const status of [500, 502, 503, 504, 408, 425, 429, 407])
  test(`${status} is no answer`, async () => {
    const server = opened(await serve(() => http(status, "sorry")));
    const { upstream } = setUp({ url: server.url });
    const told = `127.0.0.1:${server.port}: ${status === 407 ? "its proxy: " : ""}answered ${status}`;
    expect(await failure(upstream, { path: "a" })).toBe(told);
    expect(await failure(upstream, { path: "a" })).toBe(`${told}; asked for again in 1 s`);
    expect(server.heads).toHaveLength(1);
    expect(upstream.unavailable()).toBeNull();
  });

for (const junk of ["SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\ncontent-le", ""])
  test(`no HTTP: ${JSON.stringify(junk)}`, async () => {
    const server = opened(await listen((socket) => socket.end(junk)));
    const { upstream } = setUp({ url: server.url });
    // Which of the two depends on whether the bytes or the end are seen first.
    expect(await failure(upstream, { path: "a" })).toMatch(
      /: (closed the connection before it answered|does not speak HTTP)$/,
    );
  });

test("a redirect elsewhere is refused, names the key, and is no reason to stop asking", async () => {
  const elsewhere = opened(await serve(() => http(200, "stolen")));
  const server = opened(await serve(() => http(302, "", { location: `${elsewhere.url}/x?sig=1` })));
  const { upstream } = setUp({ url: server.url });
  for (let at = 0; at < 4; at++)
    expect(await failure(upstream, { path: "a" })).toBe(
      `127.0.0.1:${elsewhere.port}: 127.0.0.1:${server.port} leads there, but it is not listed; add "127.0.0.1:${elsewhere.port}" to \`hosts\` of this upstream to allow it`,
    );
  expect(upstream.unavailable()).toBeNull();
  expect(elsewhere.connections()).toBe(0);
});

test("a link elsewhere is refused as well", async () => {
  const elsewhere = opened(await serve(() => http(200, "stolen")));
  const { upstream } = setUp({ url: "http://registry.example.test" });
  expect(await failure(upstream, { path: `${elsewhere.url}/x` })).toContain(
    "leads there, but it is not listed",
  );
  expect(elsewhere.connections()).toBe(0);
});

test("credentials, cookies and tokens do not follow a redirect to a listed host", async () => {
  const elsewhere = opened(await serve(() => http(200, "public")));
  const server = opened(await serve(() => http(302, "", { location: `${elsewhere.url}/x` })));
  const { upstream } = setUp({
    url: server.url,
    hosts: [`127.0.0.1:${elsewhere.port}`],
    username: "me",
    password: "hunter2",
  });
  const headers = { cookie: "a=b", accept: "text/html" };
  expect(await text(await upstream.fetch({ path: "a", headers }))).toBe("public");
  expect(server.heads[0]).toMatch(/^authorization: basic /im);
  expect(elsewhere.heads[0]).not.toMatch(/authorization|cookie/i);
  expect(elsewhere.heads[0]).toMatch(/^accept: text\/html$/im);
  // Nor a link that leads there.
  await text(await upstream.fetch({ path: `${elsewhere.url}/y` }));
  expect(elsewhere.heads[1]).not.toMatch(/authorization/i);
});

const forbidden: [location: string, want: string][] = [
  ["http://169.254.169.254/latest/meta-data/", "not listed"],
  ["http://user:pass@127.0.0.1/", "a user name in it"],
  ["file:///etc/passwd", "a file: URL"],
  ["http://[::1:80/", "no URL"],
];
for (const [location, want] of forbidden)
  test(`a redirect to ${location} is refused`, async () => {
    const server = opened(await serve(() => http(302, "", { location })));
    expect(await failure(setUp({ url: server.url }).upstream, { path: "a" })).toContain(want);
  });

test("link-local addresses are refused, whoever lists them", async () => {
  const never = "is never asked";
  const literal = "http://169.254.169.254";
  const server = opened(await serve(() => http(302, "", { location: `${literal}/latest/` })));
  const listed = setUp({ url: server.url, hosts: ["169.254.169.254"] });
  expect(await failure(listed.upstream, { path: "a" })).toContain(never);
  expect(await failure(setUp({ url: literal }).upstream, { path: "a" })).toContain(never);
  for (const address of ["169.254.169.254", "::ffff:a9fe:a9fe", "fe80::1", "fd00:ec2::254"]) {
    const { upstream } = setUp(
      { url: "http://registry.example.test" },
      { names: { "registry.example.test": [address] } },
    );
    expect(await failure(upstream, { path: "a" })).toBe(
      `registry.example.test: has the link-local or metadata address ${address}, which ${never}`,
    );
  }
});

test("a private address behind a wildcard is refused unless the name is written out", async () => {
  const files = opened(await serve(() => http(200, "inside")));
  const location = `http://a.files.example.test:${files.port}/x`;
  const server = opened(await serve(() => http(302, "", { location })));
  const wildcard = `*.files.example.test:${files.port}`;
  const literal = `a.files.example.test:${files.port}`;
  const refused = setUp({ url: server.url, hosts: [wildcard] });
  expect(await failure(refused.upstream, { path: "a" })).toBe(
    `${literal}: has the private address 127.0.0.1; add "${literal}" to \`hosts\` of this upstream to allow it`,
  );
  expect(files.connections()).toBe(0);
  const written = setUp({ url: server.url, hosts: [wildcard, literal] });
  expect(await text(await written.upstream.fetch({ path: "a" }))).toBe("inside");
  const allowed = setUp({ url: server.url, hosts: [wildcard] }, { allowPrivate: [literal] });
  expect(await text(await allowed.upstream.fetch({ path: "a" }))).toBe("inside");
});

test("a redirect loop ends after five", async () => {
  const server = opened(await serve((path) => http(302, "", { location: path })));
  const { upstream } = setUp({ url: server.url, connections: 1 });
  expect(await failure(upstream, { path: "a" })).toEndWith(": redirects more than 5 times");
  expect(server.heads).toHaveLength(6);
  expect(await failure(upstream, { path: "a" })).toEndWith(": redirects more than 5 times");
  expect(upstream.unavailable()).toBeNull();
});

test("https may not lead to http", async () => {
  const plain = opened(await serve(() => http(200, "plain")));
  const server = opened(await serve(() => http(302, "", { location: plain.url }), certificate));
  const { upstream } = setUp({
    url: server.url,
    ca: certificate.ca,
    hosts: [`127.0.0.1:${plain.port}`],
  });
  expect(await failure(upstream, { path: "a" })).toContain("from https to http");
  expect(plain.connections()).toBe(0);
});

test("https: the right authority is trusted, by name at a pinned address too", async () => {
  for (const host of ["127.0.0.1", "registry.example.test"]) {
    const { upstream } = setUp({ url: `https://${host}:${secured.port}`, ca: certificate.ca });
    expect(await text(await upstream.fetch({ path: "a" }))).toBe("secret");
    expect(await text(await upstream.fetch({ path: "b" }))).toBe("secret");
  }
});

test("https: a certificate of an unknown or a wrong authority is refused", async () => {
  const other = makeCertificate();
  for (const ca of [{}, { ca: other.ca }])
    expect(await failure(setUp({ url: secured.url, ...ca }).upstream, { path: "a" })).toMatch(
      /: its certificate is not trusted \([A-Z_]+\); `ca` names one to trust$/,
    );
});

test("https: a certificate for another name is refused", async () => {
  const { upstream } = setUp({
    url: `https://registry.example.com:${secured.port}`,
    ca: certificate.ca,
  });
  expect(await failure(upstream, { path: "a" })).toEndWith(": its certificate is for another name");
});

test("https to a server that speaks none", async () => {
  const server = opened(await serve(() => http(200)));
  const { upstream } = setUp({ url: `https://127.0.0.1:${server.port}` });
  expect(await failure(upstream, { path: "a" })).toContain("TLS");
});

test("a dead file host does not silence the index beside it", async () => {
  const port = await deadPort();
  const server = opened(
    await serve((path) =>
      path === "/file"
        ? http(302, "", { location: `http://127.0.0.1:${port}/` })
        : http(200, "index"),
    ),
  );
  const { upstream } = setUp({ url: server.url, hosts: [`127.0.0.1:${port}`] });
  expect(await failure(upstream, { path: "file" })).toBe(
    `127.0.0.1:${port}: refused the connection`,
  );
  expect(await failure(upstream, { path: "file" })).toContain("asked again in 1 s");
  expect(await text(await upstream.fetch({ path: "index" }))).toBe("index");
  expect(upstream.unavailable()).toBeNull();
});

test("one probe finds out that it is back, while the others fail at once", async () => {
  let healthy = false;
  const probe = Promise.withResolvers<() => void>();
  const server = opened(
    await listen((socket) => {
      if (!healthy) socket.write(http(503));
      else probe.resolve(() => socket.write(http(200, "back")));
    }),
  );
  const { upstream, clock, lines } = setUp({ url: server.url });
  await putOut(upstream);
  healthy = true;
  clock.ms += 1_000;
  const probing = upstream.fetch({ path: "a" }).then(text);
  const answer = await probe.promise;
  expect(upstream.states()[0]?.state).toBe("half-open");
  expect(upstream.unavailable()).toBe("unreachable");
  expect(await failure(upstream, { path: "b" })).toContain("being asked again just now");
  answer();
  expect(await probing).toBe("back");
  expect(upstream.unavailable()).toBeNull();
  const levels = lines.map((line) => JSON.parse(line).level);
  expect(levels).toEqual(["warn", "info"]);
});

test("a probe that its caller gives up leaves the next request to probe", async () => {
  let healthy = false;
  const probed = Promise.withResolvers<void>();
  const server = opened(
    await listen((socket, head) => {
      if (!healthy) socket.write(http(503));
      else if (head.startsWith("GET /probe ")) probed.resolve();
      else socket.write(http(200, "back"));
    }),
  );
  const { upstream, clock } = setUp({ url: server.url });
  await putOut(upstream);
  healthy = true;
  clock.ms += 1_000;
  const abort = new AbortController();
  const probing = upstream.fetch({ path: "probe", signal: abort.signal }).catch((error) => error);
  await probed.promise;
  abort.abort(new Error("gone"));
  expect(await probing).toEqual(new Error("gone"));
  expect(await text(await upstream.fetch({ path: "b" }))).toBe("back");
});
