// L6: what is stored and what an upstream is asked follow from the coordinate alone, never from a raw path, query or header.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { sendRaw } from "../support/raw.ts";
import { startServer, type TestServer } from "../support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;
beforeEach(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

/** One resource: how clients may write its path, and the header that chooses its view. */
const resources: { what: string; paths: string[]; accept: string }[] = [
  {
    what: "a packument",
    paths: [
      "/npm/@reef/coral",
      "/npm/@reef%2fcoral",
      "/npm/@reef%2Fcoral",
      "/npm/%40reef%2f%63oral",
    ],
    accept: "application/json",
  },
  {
    what: "a tarball",
    paths: [
      "/npm/@reef/coral/-/coral-1.4.2.tgz",
      "/npm/@reef%2fcoral/-/coral-1.4.2.tgz",
      "/npm/@reef/coral/-/@reef/coral-1.4.2.tgz",
      "/npm/%40reef/%63oral/-/coral-1%2e4.2.tgz",
    ],
    accept: "*/*",
  },
  {
    what: "a project page",
    paths: ["/pypi/simple/brine/", "/pypi/simple/%62rine/", "/pypi/root/pypi/+simple/brine/"],
    accept: "application/vnd.pypi.simple.v1+json",
  },
  {
    what: "a wheel",
    paths: [
      "/pypi/files/brine/brine-2.1.0-py3-none-any.whl",
      "/pypi/files/Brine/brine-2.1.0-py3-none-any.whl",
      "/pypi/files/%62rine/brine%2d2.1.0-py3-none-any.whl",
      "/pypi/root/pypi/+f/abc/0123456789abc/brine-2.1.0-py3-none-any.whl",
    ],
    accept: "*/*",
  },
  {
    what: "a module",
    paths: [
      "/go/example.test/!capstan/!deck/@v/v1.0.0.zip",
      "/go/example.test/%21capstan/%21deck/@v/v1.0.0.zip",
      "/go/example%2etest/!capstan/!deck/%40v/v1.0.0.zip",
    ],
    accept: "*/*",
  },
];

/** What clients' requests cost. Who made a file is asked behind, once, when nobody waits; and so is what a module's .info says. */
const asks = (upstream: FakeUpstream) =>
  upstream.requests.filter(({ target }) => !/\/attestations\/|\.info$/.test(target)).length;
const rowsOf = (server: TestServer) =>
  server.files().filter(({ file }) => !file.endsWith(".info")).length;

const queries = ["", "?", "?cachebust=1", "?write=true", "?path=../../x", "?a=1&a=2", "?%00"];
const headers = [
  "x-original-url: /npm/left-pad",
  "x-rewrite-url: /npm/left-pad",
  "x-forwarded-host: evil.example.test",
  "x-forwarded-proto: gopher",
  "x-forwarded-prefix: /evil",
  "x-http-method-override: DELETE",
  "forwarded: host=evil.example.test",
  "authorization: Bearer c0ffee",
  "cookie: session=c0ffee",
  "cache-control: no-cache",
  "pragma: no-cache",
  "if-modified-since: Thu, 01 Jan 1970 00:00:00 GMT",
  "accept-language: tlh",
  "user-agent: evil/1.0",
  "range: bytes=5-2",
];

for (const { what, paths, accept } of resources)
  test(`${what} is asked for and stored once, whatever stands around its name`, async () => {
    const host = `host: ${new URL(server.url).host}`;
    let reference: string | null = null;
    let asked = 0;
    let rows = 0;
    for (const path of paths)
      for (const query of queries)
        for (const header of headers) {
          const lines = [`GET ${path}${query} HTTP/1.1`, host, `accept: ${accept}`, header];
          const answer = await sendRaw(server.url, lines);
          expect({ path, query, header, status: answer.status }).toMatchObject({ status: 200 });
          // The mirror's paths of another tool are the one view with other links.
          const body = answer.body
            .toString("latin1")
            .replaceAll(/"\.\.\/\.\.\/\+f\/[^"]+"|"[^"]*\/root\/pypi[^"]*"/g, '""');
          expect(body).not.toContain("evil");
          if (reference === null) {
            reference = body;
            asked = asks(upstream);
            rows = rowsOf(server);
          } else if (!path.includes("/root/pypi/")) expect(body === reference).toBe(true);
        }
    expect(asks(upstream)).toBe(asked);
    expect(rowsOf(server)).toBe(rows);
    for (const { target, headers: sent } of upstream.requests) {
      expect(target).not.toMatch(/cachebust|write=true|%00|\.\.|evil/);
      expect(JSON.stringify(sent)).not.toMatch(/c0ffee|evil|tlh|override|x-/);
    }
  }, 30_000);

test("a page that was made for one client's Host is not shown to another", async () => {
  const get = (path: string, host: string) =>
    sendRaw(server.url, [`GET ${path} HTTP/1.1`, `host: ${host}`, "accept: application/json"]);
  const path = "/npm/kelp";
  expect((await get(path, "evil.example.test")).body.toString()).toContain(
    "http://evil.example.test/npm/kelp/-/",
  );
  const own = new URL(server.url).host;
  const honest = (await get(path, own)).body.toString();
  expect(honest).toContain(`http://${own}/npm/kelp/-/`);
  expect(honest).not.toContain("evil");
  expect(upstream.paths().filter((asked) => asked === path)).toHaveLength(1);
  const injected = await get(path, 'x"><script>.example.test');
  expect(injected.body.toString()).not.toContain("<script");
  expect(injected.body.toString()).toContain("http://127.0.0.1:");
});
