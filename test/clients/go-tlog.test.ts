// The log, read by another implementation: Go's own, which verifies the go command's checksum database.
import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../../src/core/log.ts";
import { createMetrics } from "../../src/core/metrics.ts";
import { createEvents } from "../../src/ledger/events.ts";
import { openLog } from "../../src/ledger/log/log.ts";
import { provePin } from "../../src/ledger/log/prove.ts";
import { pin } from "../../src/ledger/pins.ts";
import { openDatabase } from "../../src/store/database.ts";
import { openLogFiles } from "../../src/store/log-files.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { eachClient } from "./clients.ts";
import { buildChecker, check } from "./go-tlog.ts";

eachClient(["go"], ({ driver }) => {
  test("golang.org/x/mod/sumdb/tlog verifies checkpoint, tiles, inclusion, consistency and a receipt", async () => {
    const folder = tempFolder("go-tlog");
    const database = await openDatabase(join(folder, "holdfast.db"));
    try {
      const quiet = createLog("json", () => {});
      const events = createEvents(database, quiet, createMetrics(), () => 5);
      const files = openLogFiles(join(folder, "log"));
      const log = await openLog({ files, database, events, name: "log.example.test" });
      const key = (at: number) => ({ repository: "npm", package: "kelp", file: `kelp-${at}.tgz` });
      const pinTo = (from: number, to: number) =>
        database.write(async (sql) => {
          const more = { size: 3, firstSeen: 7, upstream: "r.example.test", digests: null };
          for (let at = from; at < to; at += 1)
            await pin(sql, key(at), { sha256: "a".repeat(64), content: null, ...more });
        });
      const paths = ["log", "older", "kelp.tlog-proof"].map((name) => join(folder, name));
      const [logFolder, older, proof] = paths as [string, string, string];
      const program = await buildChecker(driver.command, join(folder, "go"));
      const checked = () => check(program, logFolder, log.verifier, older, proof);

      let size = 0;
      for (const next of [1, 255, 256, 700, 1025]) {
        await pinTo(size, next);
        await log.drain();
        if (size === 0) copyFileSync(join(logFolder, "checkpoint"), older);
        writeFileSync(proof, (await provePin(log, database.read, key(next - 1)))!.proof);
        const before = size === 0 ? 1 : size;
        expect(await checked()).toEqual([0, `${next} entries, after ${before}`]);
        copyFileSync(join(logFolder, "checkpoint"), older);
        size = next;
      }

      for (const path of ["tile/0/001", "tile/1/000.p/4", "tile/entries/002", "checkpoint"]) {
        const file = join(logFolder, path);
        const bytes = readFileSync(file);
        const changed = Buffer.from(bytes);
        changed[60]! ^= 1;
        writeFileSync(file, changed);
        expect([path, (await checked())[0]]).toEqual([path, 1]);
        writeFileSync(file, bytes);
      }
      expect((await checked())[0]).toBe(0);
    } finally {
      await database.close();
      removeTemp(folder);
    }
  }, 300_000);
});
