import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { answer, artifact, bytesOf, openToy, request, sha256, sri } from "../cache/testkit.ts";
import { createLog } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { scrub } from "./scrub.ts";

const DAY = 24 * 60 * 60 * 1000;
const files = Object.fromEntries(
  ["a", "b", "c"].map((name) => [`${name}.tgz`, Buffer.from(`bytes of ${name}`)]),
);
let toy: Awaited<ReturnType<typeof openToy>>;
let lines: { msg: string; files?: number; damaged?: number }[];
let clock: number;
let stopping: AbortController;

beforeEach(async () => {
  toy = await openToy();
  lines = [];
  clock = Date.UTC(2026, 0, 1);
  stopping = new AbortController();
  const named = Object.entries(files).map(([file, bytes]) => [file, sri(bytes)]);
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: Object.fromEntries(named) }))
      : answer(200, files[path.slice("thing/".length)]!);
  for (const file of Object.keys(files))
    await bytesOf(await toy.repository.artifact(artifact(file), request()));
});
afterEach(() => toy.close());

const job = (everyMs = 30 * DAY, soundness = toy.soundness) =>
  scrub(
    {
      blobs: toy.blobs,
      database: toy.database,
      soundness,
      now: () => clock,
      everyMs,
      signal: stopping.signal,
    },
    createLog("json", (line) => lines.push(JSON.parse(line))),
  );
const turn = () => job()[0]!.run();
function damage(file: string): void {
  const path = toy.blobPath(sha256(files[file]!));
  chmodSync(path, 0o600);
  writeFileSync(path, "altered");
}

test("every so often all that is named is hashed, and what was altered is out of service", async () => {
  damage("b.tgz");
  await turn(); // counts from now on
  clock += 29 * DAY;
  await turn();
  expect(lines).toEqual([]);
  clock += DAY;
  await turn();
  expect(lines).toMatchObject([{ msg: "Hashed every stored file again", files: 4, damaged: 1 }]);
  expect(await toy.events()).toMatchObject([{ kind: "damaged", file: "b.tgz" }]);
  expect(await toy.blobs.stat(sha256(files["b.tgz"]!))).toBeNull();
  await turn();
  expect(lines).toHaveLength(1);
  clock += 30 * DAY;
  await turn();
  expect(lines[1]).toMatchObject({ files: 3, damaged: 0 });
});

test("a round that a stop cut short goes on where it was", async () => {
  await turn();
  clock += 30 * DAY;
  let looked = 0;
  const soundness = {
    ...toy.soundness,
    async check(digest: string) {
      looked += 1;
      if (looked === 2) stopping.abort();
      return toy.soundness.check(digest);
    },
  };
  await job(30 * DAY, soundness)[0]!.run();
  expect([looked, lines]).toEqual([2, []]);
  stopping = new AbortController();
  await turn();
  expect(lines).toMatchObject([{ files: 3, damaged: 0 }]);
});

test("a file that cannot be read is told, and the others are looked at", async () => {
  await turn();
  clock += 30 * DAY;
  let looked = 0;
  const soundness = {
    ...toy.soundness,
    async check(digest: string) {
      looked += 1;
      if (looked === 1) throw Object.assign(new Error("EIO"), { code: "EIO" });
      return toy.soundness.check(digest);
    },
  };
  await job(30 * DAY, soundness)[0]!.run();
  expect(lines).toMatchObject([{ msg: "A stored file cannot be read" }, { files: 4, damaged: 1 }]);
});

test("while the place where files are kept is away no file counts as damaged, and the round goes on later", async () => {
  await turn();
  clock += 30 * DAY;
  const away = new Problem("busy", "The bucket does not answer");
  const check = () => Promise.reject(away);
  await expect(job(30 * DAY, { ...toy.soundness, check })[0]!.run()).rejects.toBe(away);
  expect(lines).toEqual([]);
  await turn();
  expect(lines).toMatchObject([{ msg: "Hashed every stored file again", files: 4, damaged: 0 }]);
});

test("it can be turned off", () => {
  expect(job(0)).toEqual([]);
});
