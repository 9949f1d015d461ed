// A full disk while something is published: it is refused by name, nothing of it stays, and space that comes back is used.
import { afterAll, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { makeAccounts } from "../support/accounts.ts";
import { npmPublication } from "../support/npm-package.ts";
import { startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

const small = tempFolder("publish-disk");
afterAll(async () => {
  await run(["umount", small], { cwd: "/" });
  removeTemp(small);
});

const config = JSON.stringify({
  repositories: { own: { format: "npm", offline: true, upstreams: [] } },
});

test("what does not fit is refused by name, and can be published when there is room", async () => {
  const mounted = await run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], {
    cwd: "/",
  });
  expect(mounted, "this test needs root, to mount a small disk of its own").toMatchObject({
    code: 0,
  });
  const server = await startProcess({ config, data: join(small, "data") });
  try {
    await server.pause();
    const [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
    await server.restart();
    const publish = (version: string, size: number) =>
      fetch(`${server.url}/own/shell`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: npmPublication("shell", version, "x".repeat(size)).body,
      });
    expect((await publish("1.0.0", 1000)).status).toBe(201);
    const { bavail, bsize } = await statfs(small);
    const filler = join(small, "filler");
    writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 512 * 1024)));

    const refused = await publish("2.0.0", 2_000_000);
    expect([refused.status, await refused.text()]).toEqual([
      424,
      expect.stringContaining("The disk that holds the data directory is full"),
    ]);
    expect(readdirSync(join(server.data, "incoming"))).toEqual([]);
    expect((await fetch(`${server.url}/own/shell/-/shell-1.0.0.tgz`)).status).toBe(200);
    expect((await fetch(`${server.url}/own/shell/2.0.0`)).status).toBe(404);

    await run(["rm", filler], { cwd: "/" });
    expect((await publish("2.0.0", 2_000_000)).status).toBe(201);
    expect((await fetch(`${server.url}/own/shell/-/shell-2.0.0.tgz`)).status).toBe(200);
    expect(server.output()).not.toContain("because of a bug");
  } finally {
    await server.stop();
  }
}, 60_000);
