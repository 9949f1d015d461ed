// `kill -9` while leaves are written: the log is whole at each start, every pin is a leaf once, and nothing is told as lost.
import { expect, test } from "bun:test";
import { readLeaf } from "../../src/ledger/log/leaf.ts";
import { readLog } from "../../src/ledger/log/prove.ts";
import { readEntries } from "../../src/ledger/log/tree.ts";
import { openCheckpoint } from "../../src/proof/checkpoint.ts";
import { parseVerifierKey } from "../../src/proof/verifier.ts";
import { holdfastAt } from "../support/command.ts";
import { startProcess } from "../support/process.ts";
import { bulkConfig, startBulk } from "./bulk-upstream.ts";

const ROUNDS = 5;

test(`${ROUNDS} kills while leaves are written`, async () => {
  const upstream = startBulk(Array.from({ length: 400 }, () => 900));
  const server = await startProcess({ config: bulkConfig(upstream) });
  const share = upstream.names.length / ROUNDS;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const names = upstream.names.slice(round * share, (round + 1) * share);
      const asked = Promise.all(
        names.map((name) =>
          fetch(`${server.url}/npm/${name}/-/${name}-1.0.0.tgz`).then(
            (response) => response.arrayBuffer(),
            () => null, // the connection died with the server
          ),
        ),
      );
      // Where the kill falls in the turns of the log differs from round to round; nothing is asserted of it.
      await Bun.sleep(700 + round * 130);
      const dead = await server.kill("log");
      await asked.catch(() => null);
      await dead.restart();
      expect(await holdfastAt(dead, ["ledger", "audit"])).toContain("say the same");
    }
    expect(server.events().map(({ kind }) => kind)).toEqual([]);
    const [last] = upstream.names;
    expect((await fetch(`${server.url}/npm/${last}/-/${last}-1.0.0.tgz`)).status).toBe(200);
    await holdfastAt(server, ["ledger", "audit"]);

    const log = await readLog(server.logFiles);
    const { size } = openCheckpoint(log.note()!, parseVerifierKey(log.verifier)!);
    const pinned: unknown[] = [];
    for (let bundle = 0; bundle * 256 < size; bundle += 1)
      for (const entry of await readEntries(log.files, size, bundle)) {
        const { kind, said } = readLeaf(entry)!;
        if (kind === "pin") pinned.push(said["file"]);
      }
    expect(pinned).toContain(`${last}-1.0.0.tgz`);
    expect(pinned).toHaveLength(new Set(pinned).size);
    expect(new Set(pinned)).toEqual(new Set(server.files().map(({ file }) => file)));
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 120_000);
