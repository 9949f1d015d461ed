// `holdfast move` from folder to folder: what needs no other engine. From and to PostgreSQL: test/postgres/move.test.ts.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkMove } from "../src/cli/check-move.ts";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { commands } from "../src/main.ts";
import { move } from "../src/server/move.ts";
import type { MoveOptions } from "../src/server/move-files.ts";
import { start } from "../src/server/start.ts";
import { fileOf, layoutOf } from "../src/store/layout.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

let upstream: FakeUpstream;
let server: TestServer;
let folder: string;
let copy: string;
beforeEach(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
  folder = tempFolder("move");
  copy = join(folder, "copy");
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
  removeTemp(folder);
});
const KELP = "/npm/kelp/-/kelp-1.0.0.tgz";
const YOUNGER = "/npm/kelp/-/kelp-2.0.0.tgz";
async function get(path: string): Promise<Buffer> {
  const response = await fetch(server.url + path);
  expect([path, response.status]).toEqual([path, 200]);
  return Buffer.from(await response.arrayBuffer());
}
const digestOf = async (path: string) =>
  createHash("sha256")
    .update(await get(path))
    .digest("hex");
async function play(...words: string[]): Promise<{ code: number; printed: string }> {
  const terminal = fakeTerminal({ cwd: folder });
  const code = await runCli(words, commands(), terminal);
  return { code, printed: terminal.printed.out + terminal.printed.err };
}
const moving = (...words: string[]) => play("move", "--data", server.data, "--to", copy, ...words);

test("a copy is made beside the server, then brought up to date and taken over, and goes back", async () => {
  const kelp = await get(KELP);
  expect(await moving()).toMatchObject({
    code: 0,
    printed: expect.stringMatching(/ rows \(.* new, 0 gone or altered\); \d+ files \(\d+ new, /),
  });
  await get(YOUNGER);
  expect(await moving()).toMatchObject({
    code: 0,
    printed: expect.stringMatching(/ files \(1 new, /),
  });
  await server.restart({}, async () => {
    expect(await moving("--finish", "--verify")).toMatchObject({ code: 0 });
    const names = readdirSync(server.data);
    expect(names).toContain("holdfast.db.left-1");
    expect(names).not.toContain("holdfast.db");
    await expect(server.restart()).rejects.toThrow(
      `What was in ${server.data} was moved to ${copy}`,
    );
    // Files that are there already are not copied again.
    expect(await play("move", "--data", copy, "--to", server.data, "--finish")).toMatchObject({
      code: 0,
      printed: expect.stringMatching(/ files \(0 new, /),
    });
  });
  await server.restart({ offline: true });
  expect(await get(KELP)).toEqual(kelp);
});

test("one that is cut in any step goes on, and nothing has changed hands before", async () => {
  await get(KELP);
  await get(YOUNGER);
  const [from, to] = [server.data, copy].map((data) => ({ data, database: null, store: null }));
  const options: MoveOptions = {
    isLast: false,
    areFilesRead: true,
    mayBeDamaged: false,
    told() {},
  };
  const cutAt = (step: string, more: Partial<MoveOptions> = {}) =>
    move(from!, to!, {
      ...options,
      ...more,
      told(at) {
        if (at === step) throw new Error(`cut at ${step}`);
      },
    });
  for (const step of ["files", "rows"]) await expect(cutAt(step)).rejects.toThrow(`cut at ${step}`);
  await server.restart({}, async () => {
    for (const step of ["comparing rows", "looking for files", "reading files"])
      await expect(cutAt(step, { isLast: true })).rejects.toThrow(`cut at ${step}`);
    expect(existsSync(layoutOf(server.data).database)).toBe(true);
    expect(existsSync(layoutOf(copy).database)).toBe(false);
  });
  await get(KELP);
  // Nobody starts a server on half of it, and who looks is told.
  expect(await checkMove({ data: copy, database: null, store: null })).toEqual([
    expect.objectContaining({
      state: "bad",
      text: expect.stringContaining(`${copy} is the half of a move from ${server.data} that began`),
      hint: expect.stringContaining("holdfast move --finish"),
    }),
  ]);
  const config = loadConfig({ formats, flags: { data: copy }, env: {} });
  await expect(start({ config, log: createLog("json", () => {}) })).rejects.toThrow(
    `${copy} is to be what ${server.data} is`,
  );
});

test("what is damaged or lost here keeps the copy from taking over, unless that is wanted", async () => {
  const [kelp, younger] = [await digestOf(KELP), await digestOf(YOUNGER)];
  const fileIn = (sha256: string) => fileOf(layoutOf(server.data).blobs, sha256);
  chmodSync(fileIn(kelp), 0o600);
  writeFileSync(fileIn(kelp), Buffer.alloc(5));
  rmSync(fileIn(younger));
  await server.restart({}, async () => {
    const refused = await moving("--finish");
    expect(refused.code).toBe(1);
    for (const sha256 of [kelp, younger]) expect(refused.printed).toContain(`missing  ${sha256}`);
    expect(refused.printed).toContain("Nothing has changed hands");
    expect(existsSync(layoutOf(server.data).database)).toBe(true);
    const taken = await moving("--finish", "--leave-damaged");
    expect(taken.printed).toContain(`${copy} has taken over`);
    expect(taken.code).toBe(1);
    expect(await play("move", "--data", copy, "--to", server.data, "--finish")).toMatchObject({
      code: 1,
    });
    const back = ["--finish", "--leave-damaged"];
    expect((await play("move", "--data", copy, "--to", server.data, ...back)).printed).toContain(
      "has taken over",
    );
  });
});

test("what makes no sense together is told", async () => {
  expect(await moving("--verify")).toMatchObject({
    code: 2,
    printed: expect.stringContaining("--verify goes with --finish"),
  });
  expect(await moving("--leave-damaged")).toMatchObject({ code: 2 });
  expect(await moving("--finish")).toMatchObject({
    code: 1,
    printed: expect.stringContaining("Another Holdfast is running"),
  });
  expect(existsSync(copy)).toBe(false);
});
