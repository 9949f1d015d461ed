// L5: an upstream's page is parsed, and rendered anew from what was understood: nothing of its text passes through.
import { expect, test } from "bun:test";
import { type Asked, listen } from "../support/fake-upstream/http.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startServer } from "../support/server.ts";

const SHA256 = "a".repeat(64);
const page = `<!DOCTYPE html>
<html onload="steal()"><head><meta http-equiv="refresh" content="0;url=https://evil.example.test/">
<base href="/"><script src="https://evil.example.test/x.js"></script><style>@import "evil"</style>
<title>evil</title></head><body class="evil"><!-- evil comment -->
<iframe src="https://evil.example.test/"></iframe><img src=x onerror="steal()">
<a href="files/brine-1.0.tar.gz#sha256=${SHA256}" onclick="steal()" style="evil" data-evil="1"
 data-requires-python="&gt;=3.8&quot; onclick=&quot;steal()"><b>brine-1.0.tar.gz</b></a>
<a href="files/brine-1.1.tar.gz#sha256=${SHA256}" data-yanked="&lt;script&gt;steal()&lt;/script&gt;">brine-1.1.tar.gz</a>
<p>evil text</p></body></html>`;

test("a hostile index page comes out as our own page, in both forms", async () => {
  const said = async (_asked: Asked) => ({
    status: 200,
    headers: { "content-type": "text/html" },
    body: Buffer.from(page),
  });
  const hostile = await listen(said);
  const upstream = await startUpstream();
  upstream.urls.pypi = `http://127.0.0.1:${hostile.port}`;
  const server = await startServer(upstream);
  try {
    const get = async (accept: string) => {
      const answer = await fetch(`${server.url}/pypi/simple/brine/`, { headers: { accept } });
      expect(answer.status).toBe(200);
      return answer.text();
    };
    const html = await get("text/html");
    expect(html).toContain("brine-1.0.tar.gz");
    expect(html).not.toMatch(/evil|<script|<style|<iframe|<img|<base|refresh|<b>| on\w+="/i);
    // Every tag is one of those that we write ourselves, with no other attributes.
    const tags = [...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name]) => name!.toLowerCase());
    const own = ["html", "head", "meta", "title", "body", "h1", "a", "br"];
    expect(tags.filter((name) => !own.includes(name))).toEqual([]);
    const attributes = [...html.matchAll(/ ([a-z-]+)="/gi)].map(([, name]) => name!);
    const written = [
      "href",
      "name",
      "content",
      "charset",
      "lang",
      "data-requires-python",
      "data-yanked",
    ];
    expect(attributes.filter((name) => !written.includes(name))).toEqual([]);
    expect(html).toContain("&lt;script&gt;steal()&lt;/script&gt;");

    const json = JSON.parse(await get("application/vnd.pypi.simple.v1+json"));
    expect(Object.keys(json).sort()).toEqual(["files", "meta", "name", "versions"]);
    expect(json.files.map(({ filename }: { filename: string }) => filename)).toEqual([
      "brine-1.0.tar.gz",
      "brine-1.1.tar.gz",
    ]);
    for (const { url } of json.files) expect(url).toMatch(/^(\.\.\/|http:\/\/127\.0\.0\.1)/);
  } finally {
    await server.stop();
    await upstream.stop();
    await hostile.close();
  }
});
