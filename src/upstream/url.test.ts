// The URL that an answer is said to come from: what its relative links are resolved against.
import { afterAll, afterEach, expect, test } from "bun:test";
import type { UpstreamSettings } from "./settings.ts";
import {
  closeAll,
  http,
  makeCertificate,
  opened,
  serve,
  serveProxy,
  serveSocks,
  setUp,
} from "./testkit.ts";

const certificate = makeCertificate();
const moves: Record<string, string> = {
  "/simple/old": "../root/pypi/+simple/new/?format=a#fragment",
  "/simple/twice": "old",
  "/simple/away": "https://files.example.test:PORT/elsewhere/new/",
};
const answer = (target: string) => {
  const path = target.replace(/^https?:\/\/[^/]+/, ""); // a proxy may pass on the absolute form
  const to = moves[path]?.replace("PORT", String(secured.port));
  return to ? http(302, "", { location: to }) : http(200, path);
};
const plain = await serve(answer);
const secured = await serve(answer, certificate);
afterAll(() => {
  plain.stop();
  secured.stop();
});
afterEach(closeAll);

const name = `http://registry.example.test:${plain.port}`;
const secure = `https://registry.example.test:${secured.port}`;
const files = `https://files.example.test:${secured.port}`;
const wanted: [base: string, path: string, url: string][] = [
  [name, "plain/?a=b", `${name}/simple/plain/?a=b`],
  [name, "old", `${name}/root/pypi/+simple/new/?format=a`],
  [name, "twice", `${name}/root/pypi/+simple/new/?format=a`],
  [name, "away", `${files}/elsewhere/new/`],
  [secure, "twice", `${secure}/root/pypi/+simple/new/?format=a`],
  [secure, "away", `${files}/elsewhere/new/`],
];

async function urls(changes: Partial<UpstreamSettings>) {
  const found: string[][] = [];
  for (const [base, path] of wanted) {
    const { upstream } = setUp({
      url: `${base}/simple/`,
      ca: certificate.ca,
      hosts: [new URL(files).host],
      ...changes,
    });
    const response = await upstream.fetch({ path });
    await response.discard();
    found.push([base, path, response.url]);
  }
  return found;
}

test("it is the last one after redirects, with the name that was asked for, not the address", async () => {
  expect(await urls({})).toEqual(wanted);
});

test("the same through an HTTP proxy and a SOCKS5 proxy", async () => {
  const viaHttp = opened(await serveProxy(null));
  expect(await urls({ proxy: viaHttp.url })).toEqual(wanted);
  const viaSocks = opened(await serveSocks(null));
  expect(await urls({ proxy: `socks5://127.0.0.1:${viaSocks.port}` })).toEqual(wanted);
});

test("of several upstreams it is that of the one that answered", async () => {
  const away = opened(await serve(() => http(503)));
  const { upstream } = setUp([{ url: away.url }, { url: `${plain.url}/simple/` }]);
  const response = await upstream.fetch({ path: "old" });
  expect(response.url).toBe(`${plain.url}/root/pypi/+simple/new/?format=a`);
});
