// A full disk: a clear error for what is new, and everything stored is served on.
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { bulkConfig, startBulk } from "./bulk-upstream.ts";

const small = tempFolder("disk");
afterAll(async () => {
  await run(["umount", small], { cwd: "/" });
  removeTemp(small);
});

test("a full disk is told by name, what is stored is served, and space that comes back is used", async () => {
  const mounted = await run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], {
    cwd: "/",
  });
  expect(mounted, "this test needs root, to mount a small disk of its own").toMatchObject({
    code: 0,
  });
  const upstream = startBulk([30_000, 3_000_000, 400_000, 6_000_000]);
  const server = await startProcess({ config: bulkConfig(upstream), data: join(small, "data") });
  const get = (at: number) => fetch(`${server.url}/npm/bulk-${at}/-/bulk-${at}-1.0.0.tgz`);
  try {
    for (const at of [0, 1])
      expect((await (await get(at)).arrayBuffer()).byteLength).toBeGreaterThan(0);
    const { bavail, bsize } = await statfs(small);
    const filler = join(small, "filler");
    writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 64 * 1024)));

    const refused = await get(2)
      .then(async (response) => [response.status, await response.text()])
      .catch(() => ["cut", ""]);
    expect([403, 424, "cut"]).toContain(refused[0]!); // 403 for tarballs: formats/npm/problem.ts
    const again = await get(2)
      .then((response) => response.text())
      .catch((error) => String(error));
    await waitFor(
      () => server.output().includes("The disk that holds the data directory is full"),
      () => server.output(),
    );
    expect(again).not.toContain("Internal error");
    for (const at of [0, 1]) {
      const response = await get(at);
      const digest = new Bun.CryptoHasher("sha256")
        .update(await response.arrayBuffer())
        .digest("hex");
      expect([response.status, digest]).toEqual([200, upstream.digests.get(`bulk-${at}`)!]);
    }
    expect((await fetch(`${server.url}/-/health/live`)).status).toBe(200);

    await run(["rm", filler], { cwd: "/" });
    expect((await (await get(3)).arrayBuffer()).byteLength).toBe(6_000_000);
    expect(server.output()).not.toContain("because of a bug");
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 60_000);
