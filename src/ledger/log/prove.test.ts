// Receipts of pins, beside a real catalog: each holds by the key alone, over trees of every shape, and none is given of what does not hold.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import type { Database } from "../../store/database.ts";
import { openLogFiles } from "../../store/log-files.ts";
import { openTestDatabase } from "../../store/testkit.ts";
import { createEvents } from "../events.ts";
import { mergeFacts } from "../merge.ts";
import { pin } from "../pins.ts";
import { type LedgerLog, openLog } from "./log.ts";
import { filesOf, provePin, readLog, readReceipt } from "./prove.ts";

let folder: string;
let database: Database;
let log: LedgerLog;
beforeEach(async () => {
  folder = tempFolder("prove");
  database = await openTestDatabase(join(folder, "holdfast.db"));
  const events = createEvents(
    database,
    createLog("json", () => {}),
    createMetrics(),
    () => 5,
  );
  const files = openLogFiles(join(folder, "log"));
  log = await openLog({ files, database, events, name: "log.example.test" });
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

const key = (at: number) => ({ repository: "npm", package: "kelp", file: `kelp-${at}.tgz` });
const pinSome = (from: number, count: number) =>
  database.write(async (sql) => {
    const more = { size: 3, firstSeen: 7, upstream: "r.example.test", digests: null };
    for (let at = from; at < from + count; at += 1)
      await pin(sql, key(at), { sha256: `${at}`.padStart(64, "0"), content: null, ...more });
  });

test("receipts hold by the key, wherever the leaf stands and whatever came after it", async () => {
  let size = 0;
  for (const count of [1, 1, 253, 2, 300, 1]) {
    await pinSome(size, count);
    size += count;
    await log.drain();
    for (const at of new Set([0, 1, 2, 254, 255, 256, 511, 512, size - 1])) {
      if (at >= size) continue;
      const proven = (await provePin(log, database.read, key(at)))!;
      const { index, said, ...read } = readReceipt(proven.proof, log.verifier);
      expect({ index, ...read }).toEqual({ index: at, size, origin: "log.example.test" });
      expect(said).toMatchObject({ ...key(at), sha256: proven.sha256, firstSeen: 7 });
    }
  }
  const beside = await readLog(log.files);
  expect(await provePin(beside, database.read, key(9))).toEqual(
    await provePin(log, database.read, key(9)),
  );
  expect(await provePin(log, database.read, key(size))).toBeNull();
});

test("what is no leaf yet is told as such, and what log and database do not agree on is not proven", async () => {
  await expect(readLog(log.files)).resolves.toMatchObject({ verifier: log.verifier });
  await pinSome(0, 3);
  await expect(provePin(log, database.read, key(0))).rejects.toThrow("not in the log yet");
  await log.drain();
  await database.write((sql) => sql`UPDATE log_pins SET leaf = 2 WHERE file = 'kelp-1.tgz'`);
  await expect(provePin(log, database.read, key(1))).rejects.toThrow("says something else");
  const tile = join(folder, "log/tile/0/000.p/3");
  const bytes = readFileSync(tile);
  bytes[33]! ^= 1; // of the second leaf
  writeFileSync(tile, bytes);
  await expect(provePin(log, database.read, key(0))).rejects.toThrow("cannot be proven");
});

test("a receipt with another digest, leaf or key does not hold", async () => {
  await pinSome(0, 5);
  await log.drain();
  const { proof } = (await provePin(log, database.read, key(2)))!;
  const extra = /^extra (.*)$/m.exec(proof)![1]!;
  const forged = Buffer.from(extra, "base64").toString().replace("kelp-2.tgz", "kelp-3.tgz");
  const other = proof.replace(extra, Buffer.from(forged).toString("base64"));
  expect(() => readReceipt(other, log.verifier)).toThrow("does not lead to the root");
  expect(() => readReceipt(proof, "kelp")).toThrow("no key of a log");
  expect(() => readReceipt("kelp", log.verifier)).toThrow("no proof of c2sp.org/tlog-proof@v1");
  const bare = proof.replace(/^extra .*\n/m, "");
  expect(() => readReceipt(bare, log.verifier)).toThrow("does not bring its leaf");
});

test("the files of a release are those that are pinned", async () => {
  await pinSome(0, 3);
  const facts = [0, 1].map((at) => ({ file: `kelp-${at}.tgz`, version: "1.0.0", integrity: null }));
  const merge = { repository: "npm", package: "kelp", complete: false, isKnown: false, now: "" };
  const other = { file: "kelp-9.tgz", version: "1.0.0", integrity: null };
  await mergeFacts(database, { ...merge, facts: [...facts, other] }, async () => {});
  expect(await filesOf(database.read, "npm", "kelp", "1.0.0")).toEqual([
    "kelp-0.tgz",
    "kelp-1.tgz",
  ]);
  expect(await filesOf(database.read, "npm", "kelp", "2.0.0")).toEqual([]);
});
