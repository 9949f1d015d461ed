// A log and its witness, each with a catalog of its own: what is signed, what is refused and how, and what is noticed when history is taken back.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import { checkpointText, noteText, openCheckpoint } from "../../proof/checkpoint.ts";
import { createCosigner, parseCosignerKey } from "../../proof/cosignature.ts";
import { createSignerKey, openSigner } from "../../proof/signer.ts";
import { parseVerifierKey, type Verifier } from "../../proof/verifier.ts";
import type { Database } from "../../store/database.ts";
import type { Leases } from "../../store/leases.ts";
import { openLogFiles } from "../../store/log-files.ts";
import { openTestDatabase, twoServers } from "../../store/testkit.ts";
import { createEvents, type Events } from "../events.ts";
import { pin } from "../pins.ts";
import { type LedgerLog, openLog } from "./log.ts";
import { provePin } from "./prove.ts";
import { openSharedLog } from "./shared.ts";
import { createWitness, hashOfOrigin, type Witness } from "./witness.ts";
import { createWitnessed } from "./witnessed.ts";

const SECONDS = 1_800_000_000;
const cosigner = createCosigner("witness.example.test", Buffer.alloc(32, 7));

let folder: string;
let database: Database;
let events: Events;
let log: LedgerLog;
let watched: Verifier[];
let witness: Witness;
beforeEach(async () => {
  folder = tempFolder("witness");
  database = await openTestDatabase(join(folder, "holdfast.db"));
  const quiet = createLog("json", () => {});
  events = createEvents(database, quiet, createMetrics(), () => 5);
  log = await open();
  watched = [parseVerifierKey(log.verifier)!];
  const now = () => SECONDS * 1000;
  witness = createWitness({ database, cosigner, logs: () => watched, now });
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

const open = () =>
  openLog({ files: openLogFiles(join(folder, "log")), database, events, name: "log.example.test" });
const key = (at: number) => ({ repository: "npm", package: "kelp", file: `kelp-${at}.tgz` });
async function pinSome(from: number, count: number): Promise<void> {
  const more = { size: 3, firstSeen: 7, upstream: "r.example.test", digests: null };
  await database.write(async (sql) => {
    for (let at = from; at < from + count; at += 1)
      await pin(sql, key(at), { sha256: "a".repeat(64), content: null, ...more });
  });
  await log.drain();
}
/** As a server asks its witnesses; what it warned of. */
async function ask(of = log): Promise<string[]> {
  const warned: string[] = [];
  const warn = (_: string, message: string) => warned.push(message);
  const add = async (body: string) => witness.addCheckpoint(Buffer.from(body));
  const watcher = { key: parseCosignerKey(witness.verifier)!, host: "other.example.test", add };
  await createWitnessed({ log: of, events, warn }).ask([watcher]);
  await events.settled();
  return warned;
}
const add = (body: string) => witness.addCheckpoint(Buffer.from(body));

test("each checkpoint is signed when it goes on from the one before, and receipts bear the signature", async () => {
  for (const [from, count] of [
    [0, 1],
    [1, 300],
    [301, 5],
  ] as const) {
    await pinSome(from, count);
    expect(await ask()).toEqual([]);
    const signed = log.cosigned()!;
    expect(signed).toStartWith(log.note()!);
    const found = parseCosignerKey(witness.verifier)!.find(noteText(signed)!, signed.split("\n"));
    expect(found?.seconds).toBe(SECONDS);
    expect(openCheckpoint(signed, watched[0]!).size).toBe(from + count);
    expect(await witness.checkpoint(hashOfOrigin(log.origin))).toBe(signed);
  }
  // Leaves that came since are proven as well, under what nobody else has signed yet.
  await pinSome(306, 1);
  const proofOf = async (at: number) => (await provePin(log, database.read, key(at)))!.proof;
  expect(await proofOf(300)).toContain("— witness.example.test ");
  expect(await proofOf(306)).not.toContain("— witness.example.test ");
  // A restart keeps what was signed.
  expect((await open()).cosigned()).toBe(log.cosigned());
  expect(await witness.checkpoint(hashOfOrigin("none"))).toBeNull();
});

test("a server that has not heard yet what another one appended and showed tells of no fork", async () => {
  const { first, second } = await twoServers(database);
  const files = openLogFiles(join(folder, "log"));
  const on = (leases: Leases) =>
    openSharedLog({ files, database, events, name: "log.example.test", leases });
  log = await on(first.leases);
  await pinSome(0, 2);
  const behind = await on(second.leases);
  await pinSome(2, 2);
  expect(await ask()).toEqual([]);
  expect(openCheckpoint(behind.note()!, watched[0]!).size).toBe(2);
  expect(await ask(behind)).toEqual([]);
  expect(await events.list({ limit: 10 })).toEqual([]);
  expect(await ask(behind)).toEqual([]);
  expect(behind.cosigned()).toBe(log.cosigned());
  await behind.stop();
  await log.stop();
});

test("what is refused, and how the protocol says so", async () => {
  await pinSome(0, 3);
  const note = log.note()!;
  const answers: [body: string, status: number, text: RegExp][] = [
    ["", 400, /No old size/],
    [`old 00\n\n${note}`, 400, /No old size/],
    [`old 0\nAAAA\n\n${note}`, 400, /No old size/],
    [`old 9\n\n${note}`, 400, /greater/],
    [`old 2\n\n${note}`, 409, /^0\n$/],
    [`old 0\n${"A".repeat(43)}=\n\n${note}`, 422, /does not go on/],
    [`old 0\n\n${note.replace("\n3\n", "\n4\n")}`, 403, /does not hold/],
    [`old 0\n\n${note.replace("log.example.test", "other.example.test")}`, 404, /not watched/],
    [`old 0\n\n${note}`, 200, /^— witness\.example\.test /],
    [`old 3\n\n${note}`, 200, /^— witness\.example\.test /], // once more
    [`old 0\n\n${note}`, 409, /^3\n$/],
  ];
  for (const [body, status, text] of answers) {
    const answer = await add(body);
    expect([body.slice(0, 20), Number(answer.status)]).toEqual([body.slice(0, 20), status]);
    expect(answer.text).toMatch(text);
    if (status === 409) expect(answer.type).toBe("text/x.tlog.size");
  }
  const signer = openSigner(createSignerKey("log.example.test"))!;
  watched.push(parseVerifierKey(signer.verifier)!);
  const other = (size: number) =>
    signer.sign(checkpointText({ origin: signer.name, size, hash: Buffer.alloc(32) }));
  expect((await add(`old 3\n\n${other(3)}`)).status).toBe(422);
  expect((await add(`old 3\n${"A".repeat(43)}=\n\n${other(4)}`)).status).toBe(422);
  watched = [parseVerifierKey(signer.verifier)!];
  expect((await add(`old 3\n\n${note}`)).status).toBe(403);
});

test("two checkpoints at once: only one of them goes on from the same tree", async () => {
  await pinSome(0, 1);
  const body = `old 0\n\n${log.note()}`;
  const answers = await Promise.all([add(body), add(body)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
});

for (const [what, count, why] of [
  ["shorter", 1, "it signed 3 leaves, and there are 2"],
  ["as long, with other leaves", 2, "what it signed of 3 leaves is not in it"],
  ["longer, with other leaves", 5, "what it signed of 3 leaves is not in it"],
] as const)
  test(`database and log that are put back together are noticed by the witness: ${what}`, async () => {
    await pinSome(0, 1);
    cpSync(join(folder, "log"), join(folder, "copy"), { recursive: true });
    await pinSome(1, 2);
    expect(await ask()).toEqual([]);
    // As both are in copies of one moment.
    rmSync(join(folder, "log"), { recursive: true });
    cpSync(join(folder, "copy"), join(folder, "log"), { recursive: true });
    const { note } = { note: await Bun.file(join(folder, "copy/checkpoint")).text() };
    await database.write(
      (sql) => sql`UPDATE log_state SET value = ${note} WHERE name = 'checkpoint'`,
    );
    log = await open();
    expect(await events.list({ limit: 9 })).toEqual([]);
    await pinSome(100, count);
    await ask();
    const [found] = await events.list({ limit: 1 });
    expect([found?.kind, found?.message]).toEqual(["log-forked", expect.stringContaining(why)]);
  });
