// `kill -9` at any moment loses nothing that was acknowledged and leaves nothing that is wrong.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { type BulkUpstream, bulkConfig, startBulk } from "./bulk-upstream.ts";

const root = new URL("../../", import.meta.url).pathname;
const ROUNDS = 8;
const SIZES = Array.from(
  { length: 120 },
  (_, at) => [900, 20_000, 70_000, 400_000, 2_000_000][at % 5]!,
);

/** All packages at once, as an install asks for them; what failed because the server died is undefined. */
async function install(
  server: ServerProcess,
  upstream: BulkUpstream,
): Promise<Map<string, string>> {
  const got = new Map<string, string>();
  await Promise.all(
    upstream.names.map(async (name) => {
      try {
        const document = await fetch(`${server.url}/npm/${name}`);
        await document.arrayBuffer();
        const response = await fetch(`${server.url}/npm/${name}/-/${name}-1.0.0.tgz`);
        const bytes = await response.arrayBuffer();
        if (response.ok)
          got.set(name, createHash("sha256").update(new Uint8Array(bytes)).digest("hex"));
      } catch {
        return; // the connection died with the server
      }
    }),
  );
  return got;
}

test(`${ROUNDS} kills in the middle of a cold install: verify is clean, what was served stays, and the install succeeds`, async () => {
  const upstream = startBulk(SIZES);
  upstream.paceMs = 60;
  const server = await startProcess({ config: bulkConfig(upstream) });
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const running = install(server, upstream);
      await Bun.sleep(20 + round * 35); // where the kill falls differs from round to round; nothing is asserted of it
      process.kill(server.pid, "SIGKILL");
      const served = await running;
      for (const [name, digest] of served)
        expect([name, digest]).toEqual([name, upstream.digests.get(name)!]);

      await server.restart();
      const verified = await run(
        [
          process.execPath,
          join(root, "src/main.ts"),
          "verify",
          "--data",
          server.data,
          "--config",
          server.config,
        ],
        { cwd: root },
      );
      expect(verified).toMatchObject({
        code: 0,
        output: expect.stringContaining("all true to their digests"),
      });
      expect(readdirSync(join(server.data, "incoming"))).toEqual([]);
      const known = new Map(server.files().map(({ package: name, sha256 }) => [name, sha256]));
      for (const [name, digest] of served) expect([name, known.get(name)]).toEqual([name, digest]);
    }
    upstream.paceMs = 0;
    expect(await install(server, upstream)).toEqual(upstream.digests);
    await upstream.stop();
    await server.restart(["--offline"]);
    expect(await install(server, upstream)).toEqual(upstream.digests);
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 120_000);
