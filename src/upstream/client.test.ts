import { afterEach, expect, test } from "bun:test";
import type { UpstreamSettings } from "./settings.ts";
import { closeAll, http, listen, opened, serve, setUp, text } from "./testkit.ts";

afterEach(closeAll);

const headersOf = (head: string) =>
  Object.fromEntries(
    head
      .split("\r\n")
      .slice(1)
      .filter(Boolean)
      .map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      }),
  );

test("asks below the configured URL with its own headers only", async () => {
  const server = opened(await serve(() => http(200, "hello", { etag: '"1"' })));
  const { upstream } = setUp({ url: `${server.url}/npm` });
  const response = await upstream.fetch({
    path: "@scope%2fname?write=true",
    headers: { Accept: "application/json", "User-Agent": "someone else" },
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("etag")).toBe('"1"');
  expect(response.upstream).toBe(`127.0.0.1:${server.port}`);
  expect(response.url).toBe(`${server.url}/npm/@scope%2fname?write=true`);
  expect(await text(response)).toBe("hello");
  expect(server.heads[0]).toStartWith("GET /npm/@scope%2fname?write=true HTTP/1.1\r\n");
  expect(headersOf(server.heads[0]!)).toEqual({
    accept: "application/json",
    "accept-encoding": "gzip",
    "user-agent": expect.stringMatching(/^holdfast\/\d+\.\d+\.\d+$/),
    connection: "keep-alive",
    host: `127.0.0.1:${server.port}`,
  });
});

test("a POST carries its body", async () => {
  const bodies: string[] = [];
  const server = opened(
    await serve((_path, head) => {
      bodies.push(head.split("\r\n\r\n")[1] ?? "");
      return http(200, "{}");
    }),
  );
  const { upstream } = setUp({ url: server.url });
  for (const body of ['{"a":1}', new TextEncoder().encode('{"b":2}')])
    expect(await text(await upstream.fetch({ path: "bulk", method: "POST", body }))).toBe("{}");
  expect(bodies).toEqual(['{"a":1}', '{"b":2}']);
});

test("gives a compressed body as it was sent, with its headers", async () => {
  const zipped = Buffer.from(Bun.gzipSync(Buffer.from("x".repeat(1_000))));
  const server = opened(
    await listen((socket) => {
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${zipped.length}\r\n\r\n`,
      );
      socket.write(zipped);
    }),
  );
  const response = await setUp({ url: server.url }).upstream.fetch({ path: "a" });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(Buffer.concat(chunks).equals(zipped)).toBe(true);
});

for (const status of [200, 204, 304, 400, 401, 403, 404, 410, 451])
  test(`${status} is an answer`, async () => {
    const server = opened(
      await serve(() =>
        status === 204 || status === 304
          ? `HTTP/1.1 ${status} X\r\n${status === 304 ? "content-length: 99\r\n" : ""}\r\n`
          : http(status, "text"),
      ),
    );
    const { upstream } = setUp({ url: server.url });
    const response = await upstream.fetch({ path: "a" });
    expect(response.status).toBe(status);
    expect(await text(response)).toBe(status === 204 || status === 304 ? "" : "text");
    expect(upstream.unavailable()).toBeNull();
  });

test("HEAD has no body although it names its length", async () => {
  const server = opened(await serve(() => "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"));
  const response = await setUp({ url: server.url }).upstream.fetch({ path: "a", method: "HEAD" });
  expect(response.headers.get("content-length")).toBe("999");
  expect(await text(response)).toBe("");
  expect(server.heads[0]).toStartWith("HEAD ");
});

for (const path of ["a/../../secret", "%2e%2e/secret", "a/%2E%2E/%2e./x"])
  test(`the path ${path} cannot lead out of the configured URL`, async () => {
    const server = opened(await serve(() => http(200)));
    const { upstream } = setUp({ url: `${server.url}/npm/` });
    await expect(upstream.fetch({ path })).rejects.toThrow("leads out of the upstream's URL");
    expect(server.heads).toEqual([]);
  });

for (const path of ["../packages/a.whl", "/packages/a.whl"])
  test(`the link ${path} stays on the origin and is followed with its credentials`, async () => {
    const server = opened(await serve(() => http(200)));
    const { upstream } = setUp({ url: `${server.url}/simple/`, token: "secret" });
    await upstream.fetch({ path }).then((response) => response.discard());
    expect(server.heads[0]).toStartWith("GET /packages/a.whl ");
    expect(headersOf(server.heads[0]!)["authorization"]).toBe("Bearer secret");
  });

test("a path that names another host is not followed", async () => {
  const { upstream } = setUp({ url: "http://127.0.0.1:1/simple/" });
  await expect(upstream.fetch({ path: "//files.example.test/a" })).rejects.toThrow();
});

/** What of these paths and links was sent with credentials; "moved" redirects to /other/place. */
async function credentialed(changes: Partial<UpstreamSettings>, paths: string[]) {
  const server = opened(
    await serve((path) =>
      path === "/npm/moved" ? http(302, "", { location: "/other/place" }) : http(200),
    ),
  );
  const { upstream } = setUp({ url: `${server.url}/npm`, ...changes });
  for (const path of paths)
    await (await upstream.fetch({ path: path.replace("{origin}", server.url) })).discard();
  return server.heads.map((head) => [head.split(" ")[1], headersOf(head)["authorization"]]);
}

test("credentials go to the origin of the configured URL, archives beside the metadata included", async () => {
  const basic = `Basic ${Buffer.from("me:pä:ss").toString("base64")}`;
  expect(
    await credentialed({ username: "me", password: "pä:ss" }, [
      "package",
      "moved",
      "{origin}/dist/a.zip",
    ]),
  ).toEqual([
    ["/npm/package", basic],
    ["/npm/moved", basic],
    ["/other/place", basic],
    ["/dist/a.zip", basic],
  ]);
});

test("where a host is shared they stay below credentialsPath", async () => {
  const paths = ["package", "moved", "{origin}/npm", "{origin}/npmx/a", "{origin}/npm/..%2fb"];
  expect(await credentialed({ token: "t", credentialsPath: "/npm/" }, paths)).toEqual([
    ["/npm/package", "Bearer t"],
    ["/npm/moved", "Bearer t"],
    ["/other/place", undefined],
    ["/npm", undefined],
    ["/npmx/a", undefined],
    ["/npm/..%2fb", undefined],
  ]);
});

test("a token is a bearer token and wins over a password", async () => {
  const server = opened(await serve(() => http(200)));
  const { upstream } = setUp({ url: server.url, username: "me", password: "x", token: "t0ken" });
  await (await upstream.fetch({ path: "a" })).discard();
  expect(headersOf(server.heads[0]!)["authorization"]).toBe("Bearer t0ken");
});

test("redirects are followed; after a POST only 307 and 308 keep its body", async () => {
  const server = opened(
    await serve((path) => {
      const [, status, left] = path.split("/").map(Number);
      return left
        ? http(status!, "moved", { location: `/${status}/${left - 1}` })
        : http(200, path);
    }),
  );
  const { upstream } = setUp({ url: server.url });
  const response = await upstream.fetch({ path: "302/5" });
  expect(response.url).toBe(`${server.url}/302/0`);
  expect(await text(response)).toBe("/302/0");
  server.heads.length = 0;
  for (const status of [302, 303, 307, 308])
    await text(await upstream.fetch({ path: `${status}/1`, method: "POST", body: "data" }));
  const seen = server.heads.map((head) => [head.split(" ")[0], head.split("\r\n\r\n")[1]]);
  expect(seen).toEqual([
    ["POST", "data"],
    ["GET", ""],
    ["POST", "data"],
    ["GET", ""],
    ["POST", "data"],
    ["POST", "data"],
    ["POST", "data"],
    ["POST", "data"],
  ]);
});

test("connects to the address that was checked, and asks again only after a while", async () => {
  const server = opened(await serve(() => http(200, "ok")));
  const { upstream, lookups, clock } = setUp({
    url: `http://registry.example.test:${server.port}`,
  });
  for (let at = 0; at < 3; at++) expect(await text(await upstream.fetch({ path: "a" }))).toBe("ok");
  expect(lookups).toEqual(["registry.example.test"]);
  expect(headersOf(server.heads[0]!)["host"]).toBe(`registry.example.test:${server.port}`);
  clock.ms += 30_000;
  await text(await upstream.fetch({ path: "a" }));
  expect(lookups).toHaveLength(2);
  expect(server.connections()).toBe(1);
});

test("tries the next address when one refuses", async () => {
  const server = opened(await serve(() => http(200, "ok")));
  const { upstream } = setUp(
    { url: `http://registry.example.test:${server.port}` },
    { names: { "registry.example.test": ["::1", "127.0.0.2", "127.0.0.1"] } },
  );
  expect(await text(await upstream.fetch({ path: "a" }))).toBe("ok");
  expect(upstream.unavailable()).toBeNull();
});

test("a connection that is closed before any header is tried once more, a POST is not", async () => {
  const server = opened(await listen((socket) => socket.destroy()));
  const { upstream } = setUp({ url: server.url });
  await expect(upstream.fetch({ path: "a" })).rejects.toThrow("closed the connection before");
  expect(server.connections()).toBe(2);
  await expect(upstream.fetch({ path: "a", method: "POST", body: "x" })).rejects.toThrow();
  expect(server.connections()).toBe(3);
});

test("no more exchanges at a time than configured, and the others follow in order", async () => {
  const waiting: { path: string; finish(): void }[] = [];
  let arrived = Promise.withResolvers<void>();
  const server = opened(
    await listen((socket, head) => {
      const path = head.split(" ")[1]!;
      waiting.push({ path, finish: () => socket.write(http(200, path)) });
      if (waiting.length >= 2) arrived.resolve();
    }),
  );
  const { upstream } = setUp({ url: server.url, connections: 2 });
  const answers = ["1", "2", "3", "4"].map(async (path) => text(await upstream.fetch({ path })));
  await arrived.promise;
  expect(waiting.map(({ path }) => path).sort()).toEqual(["/1", "/2"]);
  arrived = Promise.withResolvers();
  for (const { finish } of waiting.splice(0)) finish();
  await arrived.promise;
  expect(waiting.map(({ path }) => path).sort()).toEqual(["/3", "/4"]);
  for (const { finish } of waiting.splice(0)) finish();
  expect(await Promise.all(answers)).toEqual(["/1", "/2", "/3", "/4"]);
});

test("discard frees the place and keeps the connection when little is left", async () => {
  const server = opened(await serve((path) => http(404, path)));
  const { upstream } = setUp({ url: server.url, connections: 1 });
  for (let at = 0; at < 3; at++) {
    const response = await upstream.fetch({ path: String(at) });
    await response.discard();
    await response.discard();
  }
  expect(server.connections()).toBe(1);
});

const endless = () =>
  listen((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n${"x".repeat(1_000)}`);
  });

test("discard closes the connection when much is left", async () => {
  const server = opened(await endless());
  const { upstream } = setUp({ url: server.url, connections: 1 });
  const response = await upstream.fetch({ path: "a" });
  await response.discard();
  await server.closed();
  await (await upstream.fetch({ path: "b" })).discard();
});

test("discard does not wait for a little that drips", async () => {
  const server = opened(
    await listen((socket, head) => {
      if (!head.startsWith("GET /drip ")) return socket.write(http(200, "next"));
      socket.write("HTTP/1.1 404 X\r\ncontent-length: 60000\r\n\r\n");
      const timer = setInterval(() => socket.write("x"), 100);
      return socket.on("close", () => clearInterval(timer));
    }),
  );
  const { upstream } = setUp({ url: server.url, connections: 1 });
  await (await upstream.fetch({ path: "drip" })).discard();
  expect(await text(await upstream.fetch({ path: "a" }))).toBe("next");
});

test("an iteration that is left closes the connection and frees the place", async () => {
  const server = opened(await endless());
  const { upstream } = setUp({ url: server.url, connections: 1 });
  for await (const chunk of (await upstream.fetch({ path: "a" })).body) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  await server.closed();
  await (await upstream.fetch({ path: "b" })).discard();
  expect(upstream.unavailable()).toBeNull();
});

test("the caller's signal ends it before the headers, in the body and in line, without blame", async () => {
  const silent = opened(await listen(() => undefined));
  const server = opened(await endless());
  for (const url of [silent.url, server.url]) {
    const { upstream } = setUp({ url, connections: 1 });
    for (let at = 0; at < 4; at++) {
      const abort = new AbortController();
      const gone = new Error("gone");
      const asked = upstream.fetch({ path: "a", signal: abort.signal });
      const queued = upstream.fetch({ path: "b", signal: abort.signal });
      const read = asked.then(async (response) => {
        for await (const _chunk of response.body) abort.abort(gone);
      });
      if (url === silent.url) abort.abort(gone);
      expect(await read.catch((error) => error)).toBe(gone);
      expect(await queued.catch((error) => error)).toBe(gone);
    }
    expect(upstream.unavailable()).toBeNull();
    expect(upstream.states()[0]?.state).toBe("closed");
  }
});

test("an abort frees the place even when nobody reads", async () => {
  const server = opened(await endless());
  const { upstream } = setUp({ url: server.url, connections: 1 });
  const abort = new AbortController();
  const { body } = await upstream.fetch({ path: "a", signal: abort.signal });
  abort.abort(new Error("gone"));
  await (await upstream.fetch({ path: "b" })).discard();
  await expect(body[Symbol.asyncIterator]().next()).rejects.toThrow("gone");
});

test("a slow reader holds the sender back", async () => {
  // Counted by a server in a thread of its own, so that it can write while this one does not read.
  const worker = new Worker(new URL("./testflood.ts", import.meta.url));
  const message = () =>
    new Promise<{ port?: number; written?: number }>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
  worker.postMessage({});
  const { port } = await message();
  const { upstream } = setUp({ url: `http://127.0.0.1:${port}` });
  const response = await upstream.fetch({ path: "a" });
  // The flood says when it could write no more for a while.
  const { written } = await message();
  expect(written).toBeLessThan(32 * 1024 * 1024);
  await response.discard();
  worker.terminate();
});

test("a rate makes the next read wait, and an abort ends the wait", async () => {
  const server = opened(await serve(() => http(200, "x".repeat(1_000))));
  const abort = new AbortController();
  const { upstream: slow } = setUp({ url: server.url, maxRate: 1 });
  const { upstream: quick } = setUp({ url: server.url });
  const response = await slow.fetch({ path: "a", signal: abort.signal });
  const body = response.body[Symbol.asyncIterator]();
  expect((await body.next()).value).toHaveLength(1_000);
  const next = body.next().catch((error) => error);
  // A thousand bytes cost a thousand seconds: a whole other exchange is sooner.
  const winner = await Promise.race([next, quick.fetch({ path: "b" }).then(text)]);
  expect(winner).toHaveLength(1_000);
  abort.abort(new Error("gone"));
  expect(await next).toEqual(new Error("gone"));
});

test("measures time, bytes and breaker", async () => {
  const server = opened(await serve((path) => http(path === "/bad" ? 500 : 200, "12345")));
  const { upstream, metrics } = setUp({ url: server.url });
  await text(await upstream.fetch({ path: "a" }));
  await expect(upstream.fetch({ path: "bad" })).rejects.toThrow("answered 500");
  const labels = `repository="test",upstream="127.0.0.1:${server.port}"`;
  const page = await metrics.render();
  expect(page).toContain(`holdfast_upstream_seconds_count{${labels},status="200"} 1`);
  expect(page).toContain(`holdfast_upstream_seconds_count{${labels},status="500"} 1`);
  expect(page).toContain(`holdfast_upstream_bytes_total{${labels}} 5`);
  expect(page).toContain(`holdfast_upstream_breaker_state{${labels}} 0`);
  upstream.close();
  expect(await metrics.render()).not.toContain("breaker_state{");
});
