// The frame of all pages: what it weighs, how it is kept, how somebody likes it, and that it stands below a path too.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { openBrowser } from "./support/browser.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;
beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

const assetsOf = (text: string) =>
  [...text.matchAll(/"(\/-\/assets\/[^"]+)"/g)].map(([, at]) => at!);

/** As it comes over the wire. */
async function packed(path: string): Promise<{ bytes: number; text: string; headers: Headers }> {
  const response = await fetch(`${server.url}${path}`, {
    headers: { accept: "text/html", "accept-encoding": "gzip" },
    decompress: false,
  } as RequestInit);
  const body = Buffer.from(await response.arrayBuffer());
  expect(response.headers.get("content-encoding")).toBe("gzip");
  return { bytes: body.length, text: gunzipSync(body).toString(), headers: response.headers };
}

test("the first page with all that it needs is below 30 kB, and comes from here alone", async () => {
  const first = await packed("/");
  const paths = [...new Set(assetsOf(first.text))];
  expect(paths.length).toBe(3);
  let total = first.bytes;
  for (const path of paths) {
    const { bytes, headers } = await packed(path);
    total += bytes;
    expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  }
  expect(total).toBeLessThan(30_000);
  expect(first.text).not.toMatch(/(src|href|action)="(https?:)?\/\//);
});

test("an asset of another version is this version's, and is asked for again", async () => {
  const old = await fetch(`${server.url}/-/assets/style-0000000000000000.css`);
  expect([old.status, old.headers.get("cache-control")]).toEqual([200, "no-cache"]);
  expect((await fetch(`${server.url}/-/assets/nothing.css`)).status).toBe(404);
});

test("how somebody likes pages is kept by their browser, and nothing that is sent becomes HTML", async () => {
  const browser = openBrowser(server.url);
  const root = async () => /<html[^>]*>/.exec((await browser.open("/-/help")).text)![0];
  expect(await root()).toBe('<html lang="en">');
  const ours = { origin: server.url, "sec-fetch-site": "same-origin" };
  const from = { ...ours, referer: `${server.url}/-/packages?q=kelp` };
  const sent = await browser.send("/-/liking", { theme: "dark" }, from);
  expect([sent.status, sent.location]).toEqual([303, "/-/packages?q=kelp"]);
  await browser.send("/-/liking", { keys: "off" }, ours);
  expect(await root()).toBe('<html lang="en" data-theme="dark" data-keys="off">');
  await browser.send("/-/liking", { theme: "system" }, ours);
  await browser.send("/-/liking", { keys: "on" }, ours);
  expect(await root()).toBe('<html lang="en">');
  browser.cookies.set("hf-theme", '"><script>');
  expect(await root()).toBe('<html lang="en">');
  const elsewhere = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  expect((await browser.send("/-/liking", { theme: "dark" }, elsewhere)).status).toBe(403);
});

test("below a proxy's path all that a page leads to is below it", async () => {
  await server.restart({ server: { publicUrl: "https://packages.example.test/holdfast" } });
  const { text } = await packed("/");
  const own = [...text.matchAll(/ (?:src|href|action)="(\/[^"]*)"/g)].map(([, at]) => at!);
  expect(own.length).toBeGreaterThan(10);
  expect(own.filter((at) => !at.startsWith("/holdfast/"))).toEqual([]);
});
