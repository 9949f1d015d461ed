// Many clients at once: one fetch for all of them, however large the thing.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { peakOf, startProcess } from "../support/process.ts";
import { bulkConfig, startBulk } from "./bulk-upstream.ts";

test("50 clients on one cold 50 MB file cost one upstream fetch, and each gets every byte", async () => {
  const upstream = startBulk([50 * 1024 * 1024]);
  const server = await startProcess({ config: bulkConfig(upstream) });
  try {
    const path = "/bulk-0/-/bulk-0-1.0.0.tgz";
    const digests = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const hash = createHash("sha256");
        const response = await fetch(`${server.url}/npm${path}`);
        for await (const chunk of response.body!) hash.update(chunk);
        return hash.digest("hex");
      }),
    );
    expect(new Set(digests)).toEqual(new Set([upstream.digests.get("bulk-0")!]));
    expect(upstream.asked.filter((asked) => asked === path)).toHaveLength(1);
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 120_000);

test("20 first requests for a 105 MB packument cost one fetch and stay within the memory budget", async () => {
  let fetches = 0;
  const upstream = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch: () => {
      fetches += 1;
      return new Response(hugePackument() as unknown as BodyInit, {
        headers: { "content-type": "application/json" },
      });
    },
  });
  const config = `repositories:\n  npm: { upstreams: [{ url: "http://127.0.0.1:${upstream.port}/" }] }\n`;
  const server = await startProcess({ config });
  try {
    const sizes = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const headers = { accept: "application/vnd.npm.install-v1+json" };
        const response = await fetch(`${server.url}/npm/huge`, { headers });
        let size = 0;
        for await (const chunk of response.body!) size += chunk.length;
        return [response.status, size];
      }),
    );
    expect(new Set(sizes.map(String)).size).toBe(1);
    expect(sizes[0]![0]).toBe(200);
    expect(sizes[0]![1]).toBeGreaterThan(1_000_000);
    expect(fetches).toBe(1);
    // MiB, design §8; of each node, where there are several.
    for (const { pid } of server.nodes) expect(peakOf(pid)).toBeLessThan(350);
  } finally {
    await server.stop();
    await upstream.stop(true);
  }
}, 120_000);

/** 105 MB of JSON, made as it is sent. */
async function* hugePackument(): AsyncGenerator<string> {
  const filler = "x".repeat(9_000);
  const dist = { integrity: `sha512-${"A".repeat(86)}==`, shasum: "a".repeat(40) };
  yield '{"name":"huge","dist-tags":{"latest":"1.0.0"},"versions":{';
  for (let at = 0; at < 11_000; at += 1) {
    const version = `1.0.${at}`;
    const tarball = `https://files.example.test/huge/-/huge-${version}.tgz`;
    const manifest = {
      name: "huge",
      version,
      dependencies: { other: `^${version}` },
      readme: filler,
      dist: { ...dist, tarball },
    };
    yield `${at ? "," : ""}${JSON.stringify(version)}:${JSON.stringify(manifest)}`;
  }
  yield "}}";
}
