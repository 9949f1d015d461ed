// Upstreams that are away in part: what clients are told, and what is held against whom.
import { expect, test } from "bun:test";
import { startProcess } from "../support/process.ts";

/** An npm registry that has the packages of `names`; `status` is what it answers instead. */
function startRegistry(names: string[]) {
  const registry = { status: 0, asked: [] as string[] };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      registry.asked.push(pathname);
      const name = pathname.slice(1);
      if (registry.status || name.startsWith("bad"))
        return new Response("trouble", { status: registry.status || 500 });
      if (!names.includes(name)) return Response.json({ error: "Not found" }, { status: 404 });
      const dist = { shasum: "a".repeat(40), tarball: `${request.url}/-/${name}-1.0.0.tgz` };
      const versions = { "1.0.0": { name, version: "1.0.0", dist } };
      return Response.json({ name, "dist-tags": { latest: "1.0.0" }, versions });
    },
  });
  return Object.assign(registry, {
    url: `http://127.0.0.1:${server.port}/`,
    stop: () => server.stop(true),
  });
}

test("a second upstream that lacks a package does not make it vanish while the first is away", async () => {
  const [first, second] = [startRegistry(["kelp"]), startRegistry(["other"])];
  const config = `repositories:\n  npm: { freshness: 0s, upstreams: [{ url: "${first.url}", retry: 0s }, { url: "${second.url}" }] }\n`;
  const server = await startProcess({ config });
  try {
    expect((await fetch(`${server.url}/npm/kelp`)).status).toBe(200);
    for (const status of [503, 404, 401]) {
      first.status = 503;
      second.status = status === 503 ? 0 : status;
      const stored = await fetch(`${server.url}/npm/kelp`);
      expect([stored.status, stored.headers.get("cache-status")]).toEqual([
        200,
        expect.stringContaining("detail=unreachable"),
      ]);
      const unknown = await fetch(`${server.url}/npm/unknown-${status}`);
      expect([unknown.status, await unknown.text()]).toEqual([
        424,
        expect.stringContaining("does not count"),
      ]);
    }
    second.status = 0;
    expect((await fetch(`${server.url}/npm/other`)).status).toBe(200);
    expect(server.events()).toEqual([]);
  } finally {
    await server.stop();
    await Promise.all([first.stop(), second.stop()]);
  }
}, 60_000);

test("a client that asks for what is broken upstream keeps nobody from the rest, and a moment's 503 is not seen", async () => {
  const upstream = startRegistry(["kelp", "tide", "reef"]);
  const config = `repositories:\n  npm: { upstreams: [{ url: "${upstream.url}", retry: 1s }] }\n`;
  const server = await startProcess({ config });
  try {
    expect((await fetch(`${server.url}/npm/kelp`)).status).toBe(200);
    for (let round = 0; round < 5; round++) {
      const bad = Array.from({ length: 30 }, (_, at) => fetch(`${server.url}/npm/bad-${at}`));
      expect(new Set((await Promise.all(bad)).map(({ status }) => status))).toEqual(new Set([424]));
      const good = await fetch(`${server.url}/npm/${["kelp", "tide"][round % 2]}`);
      expect(good.status).toBe(200);
    }
    upstream.status = 503;
    const asking = fetch(`${server.url}/npm/reef`);
    while (!upstream.asked.includes("/reef")) await Bun.sleep(5);
    upstream.status = 0;
    expect((await asking).status).toBe(200);
    const page = await server.metrics();
    expect(page).toMatch(/breaker_state\{repository="npm"[^}]*\} 0/);
    expect(server.output()).not.toContain("is not asked for now");
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 60_000);
