// `kill -9` at any moment loses nothing that was acknowledged and leaves nothing that is wrong. Of several nodes one dies, and no client that tries again misses it.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { holdfastAt } from "../support/command.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { bulkConfig, startBulk } from "./bulk-upstream.ts";

const ROUNDS = 8;
const SIZES = Array.from(
  { length: 120 },
  (_, at) => [900, 20_000, 70_000, 400_000, 2_000_000][at % 5]!,
);
/** Before a client asks again; npm and pip wait for longer. */
const PAUSE_MS = 400;

/** All of these packages at once, as an install asks for them, each so many times at most; what failed because the server died is undefined. */
async function install(
  server: ServerProcess,
  names: readonly string[],
  attempts: number,
): Promise<Map<string, string>> {
  const got = new Map<string, string>();
  async function fetchOf(name: string): Promise<void> {
    const document = await fetch(`${server.url}/npm/${name}`);
    await document.arrayBuffer();
    const response = await fetch(`${server.url}/npm/${name}/-/${name}-1.0.0.tgz`);
    const bytes = await response.arrayBuffer();
    if (response.ok)
      got.set(name, createHash("sha256").update(new Uint8Array(bytes)).digest("hex"));
  }
  await Promise.all(
    names.map(async (name) => {
      for (let attempt = 1; ; attempt += 1) {
        await fetchOf(name).catch(() => {}); // the connection died with the server
        if (got.has(name) || attempt === attempts) return;
        await Bun.sleep(PAUSE_MS);
      }
    }),
  );
  return got;
}

test(`${ROUNDS} kills in the middle of a cold install: verify is clean, what was served stays, and the install succeeds`, async () => {
  const upstream = startBulk(SIZES);
  const server = await startProcess({ config: bulkConfig(upstream) });
  const isSeveral = server.nodes.length > 1;
  upstream.paceMs = isSeveral ? 300 : 60;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      // The others go on: each round is about packages that nobody has asked for.
      const names = isSeveral
        ? upstream.names.filter((_, at) => at % ROUNDS === round)
        : upstream.names;
      const running = install(server, names, isSeveral ? 5 : 1);
      await Bun.sleep(20 + round * 35); // where the kill falls differs from round to round; nothing is asserted of it
      const dead = await server.kill();
      const served = await running;
      for (const [name, digest] of served)
        expect([name, digest]).toEqual([name, upstream.digests.get(name)!]);
      if (isSeveral) expect([...served.keys()].sort()).toEqual(names.toSorted());

      await dead.restart();
      expect(await holdfastAt(dead, ["verify"])).toContain("all true to their digests");
      expect(readdirSync(join(dead.data, "incoming"))).toEqual([]);
      const known = new Map(server.files().map(({ package: name, sha256 }) => [name, sha256]));
      for (const [name, digest] of served) expect([name, known.get(name)]).toEqual([name, digest]);
    }
    upstream.paceMs = 0;
    expect(await install(server, upstream.names, 1)).toEqual(upstream.digests);
    await upstream.stop();
    await server.restart(["--offline"]);
    expect(await install(server, upstream.names, 1)).toEqual(upstream.digests);
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 180_000);
