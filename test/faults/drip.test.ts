// An upstream that drips: downloads whose clients have left must not keep the others out.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { startProcess } from "../support/process.ts";

const PLACES = 64;

test("dripping downloads that nobody follows leave their places to others", async () => {
  const upstream = startDripping();
  const config = `repositories:\n  npm: { upstreams: [{ url: "${upstream.url}" }] }\n  pypi: false\n  go: false\n`;
  const server = await startProcess({ config });
  const tarball = (name: string) => `${server.url}/npm/${name}/-/${name}-1.0.0.tgz`;
  try {
    // More than there are places, each with a client that reads a little and leaves.
    const clients = Array.from({ length: PLACES + 10 }, async (_, at) => {
      const leaving = new AbortController();
      const response = await fetch(tarball(`drip-${at}`), { signal: leaving.signal });
      await response.body!.getReader().read();
      leaving.abort();
    });
    expect(await Promise.allSettled(clients)).toHaveLength(PLACES + 10);

    expect((await fetch(`${server.url}/npm/other`)).status).toBe(200);
    const file = await fetch(tarball("other"));
    expect(digest(await file.bytes())).toBe(digest(upstream.whole));

    // Who still follows one is not left alone.
    const followed = await fetch(tarball("drip-0"));
    const reader = followed.body!.getReader();
    await reader.read();
    expect((await fetch(tarball("drip-1"))).status).toBe(200);
    upstream.finish();
    let last = await reader.read();
    while (!last.done) last = await reader.read();
    expect(server.output()).not.toContain("because of a bug");
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 60_000);

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** An npm registry where every tarball is the same, and that of a name with "drip" in it comes in drops until `finish`. */
function startDripping() {
  const whole = Buffer.alloc(600_000, "drop");
  const finished = Promise.withResolvers<void>();
  async function* drops(): AsyncGenerator<Uint8Array> {
    yield whole.subarray(0, 200_000);
    let at = 200_000;
    let isFinished = false;
    finished.promise.then(() => {
      isFinished = true;
    });
    for (; at < 300_000 && !isFinished; at += 1) {
      yield whole.subarray(at, at + 1);
      await Promise.race([Bun.sleep(100), finished.promise]);
    }
    yield whole.subarray(at);
  }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch(request) {
      const { pathname, origin } = new URL(request.url);
      const [, name = "", dash] = pathname.split("/");
      if (dash && dash !== "-") return new Response("not found", { status: 404 });
      if (dash) {
        const body = name.startsWith("drip") ? drops() : whole;
        const headers = { "content-length": String(whole.length) };
        return new Response(body as unknown as BodyInit, { headers });
      }
      const dist = {
        integrity: `sha512-${createHash("sha512").update(whole).digest("base64")}`,
        tarball: `${origin}/${name}/-/${name}-1.0.0.tgz`,
      };
      const versions = { "1.0.0": { name, version: "1.0.0", dist } };
      return Response.json({ name, "dist-tags": { latest: "1.0.0" }, versions });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/`,
    whole,
    finish: finished.resolve,
    stop: () => server.stop(true),
  };
}
