import { afterEach, beforeEach, expect, test } from "bun:test";
import { answer, artifact, bytesOf, openToy, request, sha256, sri } from "../cache/testkit.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Share } from "../core/share.ts";
import { createRoom, type Room, type Roomy } from "./room.ts";
import { roomOperations } from "./room-operations.ts";

const SIZE = 1000;
const MINUTE = 60_000;
const bytes = (file: string) => Buffer.from(file.padEnd(SIZE, "."));
let toy: Awaited<ReturnType<typeof openToy>>;
let one: Roomy;
let others: Roomy[];
let disk: { free: number; total: number };
let marks: { keepFree: Share; until: Share };
let metrics: ReturnType<typeof createMetrics>;
let room: Room;

beforeEach(async () => {
  toy = await openToy();
  const names = ["a", "b", "c", "d", "x"].map((name) => `${name}.tgz`);
  const files = Object.fromEntries(names.map((name) => [name, sri(bytes(name))]));
  toy.upstream.behave = ({ path }) =>
    answer(200, path === "thing" ? JSON.stringify({ files }) : bytes(path.split("/").at(-1)!));
  one = { name: "toy", quota: null, whyNot: () => null, keeps: async () => false };
  others = [];
  disk = { free: 500_000, total: 1_000_000 };
  marks = { keepFree: { bytes: 0 }, until: { bytes: 0 } };
  open();
});
afterEach(() => toy.close());

function open(): void {
  metrics = createMetrics();
  room = createRoom({
    ...toy.shared,
    repositories: () => [one, ...others],
    marks: () => marks,
    disk: async () => disk,
    metrics,
    lingerMs: 0,
  });
}

async function fill(files: readonly string[]): Promise<void> {
  for (const file of files) {
    await bytesOf(await toy.repository.artifact(artifact(file), request()));
    toy.clock.shift += MINUTE;
  }
  toy.clock.shift += 2 * MINUTE;
}
const stored = async () => (await toy.repository.stored()).map(({ file }) => file).sort();
const run = (steps = 50) => room.make({ steps });

test("without a quota and without a mark nothing goes", async () => {
  await fill(["a.tgz", "b.tgz"]);
  expect(await run()).toEqual([]);
  expect(await stored()).toEqual(["a.tgz", "b.tgz"]);
});

test("down to the quota, those used longest ago first", async () => {
  await fill(["a.tgz", "b.tgz", "c.tgz", "d.tgz"]);
  toy.clock.shift += 11 * MINUTE;
  await fill(["a.tgz"]); // used again
  one = { ...one, quota: 2 * SIZE };
  expect((await run())[0]).toMatchObject({ files: 2, bytes: 2 * SIZE });
  expect(await stored()).toEqual(["a.tgz", "d.tgz"]);
  expect(await toy.blobs.stat(sha256(bytes("b.tgz")))).toBeNull();
  expect(await room.state()).toMatchObject({ wanted: 0, repositories: [{ fetched: 2 * SIZE }] });
  const page = await metrics.render();
  expect(page).toContain(`holdfast_evicted_bytes_total{repository="toy"} ${2 * SIZE}`);
  expect(page).toContain(`holdfast_fetched_bytes{repository="toy"} ${2 * SIZE}`);
  expect(page).toContain(`holdfast_quota_bytes{repository="toy"} ${2 * SIZE}`);
  expect(page).toContain("holdfast_room_wanted_bytes 0");
});

test("below the mark of the disk room is made up to the other one, and not above", async () => {
  await fill(["a.tgz", "b.tgz", "c.tgz", "d.tgz"]);
  marks = { keepFree: { percent: 10 }, until: { bytes: 101_500 } };
  disk = { free: 100_500, total: 1_000_000 };
  await run();
  expect(await stored()).toHaveLength(4);
  disk = { free: 99_800, total: 1_000_000 };
  await run();
  expect(await stored()).toEqual(["c.tgz", "d.tgz"]);
  // Above the lower mark it still goes on, up to the upper one.
  disk = { free: 101_000, total: 1_000_000 };
  await run();
  expect(await stored()).toEqual(["d.tgz"]);
  disk = { free: 101_500, total: 1_000_000 };
  await run();
  disk = { free: 100_900, total: 1_000_000 };
  await run();
  expect(await stored()).toEqual(["d.tgz"]);
});

test("of several repositories the one whose files were used longest ago gives first", async () => {
  await fill(["a.tgz"]);
  const { repository } = toy.also("second", toy.upstream);
  const second = repository.own();
  await bytesOf(await second.artifact(artifact("x.tgz"), request()));
  toy.clock.shift += 5 * MINUTE;
  await fill(["c.tgz"]);
  others = [{ ...one, name: "second" }];
  marks = { keepFree: { bytes: 10_000 }, until: { bytes: 10_000 } };
  disk = { free: 9_500, total: 1_000_000 };
  await run();
  disk = { free: 9_500, total: 1_000_000 };
  await run();
  expect(await stored()).toEqual(["c.tgz"]);
  expect(await second.stored()).toEqual([]);
});

test("a repository that could not fetch again gives nothing, and it is said why", async () => {
  await fill(["a.tgz", "b.tgz"]);
  one = { ...one, quota: SIZE, whyNot: () => "it is offline" };
  const lines: string[] = [];
  const { signal } = new AbortController();
  const call = {
    flags: new Set<string>(),
    progress() {},
    say: (line: string) => void lines.push(line),
    signal,
  };
  await roomOperations(room)["disk clean"]!(call);
  expect(await stored()).toEqual(["a.tgz", "b.tgz"]);
  expect(lines).toEqual(["toy: nothing goes: it is offline"]);
  await roomOperations(room)["disk show"]!(call);
  expect(lines.at(-1)).toBe(
    "toy  2.0 KiB fetched, of 1000 B, 1000 B too many (nothing goes: it is offline)",
  );
});

test("a dry run says the same and removes nothing", async () => {
  await fill(["a.tgz", "b.tgz", "c.tgz"]);
  one = { ...one, quota: SIZE, keeps: async ({ file }) => file === "a.tgz" };
  const say = async (flags: string[]) => {
    const lines: string[] = [];
    const { signal } = new AbortController();
    const call = {
      flags: new Set(flags),
      progress() {},
      say: (line: string) => void lines.push(line),
      signal,
    };
    expect(await roomOperations(room)["disk clean"]!(call)).toBe(true);
    return lines;
  };
  const kept = "toy: 1 file used longer ago stay: needed to show others";
  expect(await say(["dry-run"])).toEqual(["toy: would remove 2 files, 2.0 KiB", kept]);
  expect(await stored()).toHaveLength(3);
  expect(await say([])).toEqual(["toy: removed 2 files, 2.0 KiB", kept]);
  expect(await stored()).toEqual(["a.tgz"]);
  expect(await say([])).toEqual(["There is room: nothing is to go."]);
});

test("what was looked at and is kept is looked at again only after a while", async () => {
  await fill(["a.tgz", "b.tgz"]);
  const asked: string[] = [];
  one = {
    ...one,
    quota: 1,
    async keeps({ file }) {
      asked.push(file);
      return true;
    },
  };
  for (let nth = 0; nth < 3; nth += 1) await run();
  expect(asked).toEqual(["a.tgz", "b.tgz"]);
  await fill(["c.tgz"]);
  await run();
  expect(asked).toEqual(["a.tgz", "b.tgz", "c.tgz"]);
  toy.clock.shift += 61 * MINUTE;
  await run();
  expect(asked).toEqual(["a.tgz", "b.tgz", "c.tgz", "a.tgz", "b.tgz", "c.tgz"]);
});

test("what came just now stays", async () => {
  await bytesOf(await toy.repository.artifact(artifact("a.tgz"), request()));
  one = { ...one, quota: 1 };
  await run();
  expect(await stored()).toEqual(["a.tgz"]);
  const lines: string[] = [];
  const { signal } = new AbortController();
  const say = (line: string) => void lines.push(line);
  await roomOperations(room)["disk clean"]!({ flags: new Set(), progress() {}, say, signal });
  expect(lines).toEqual(["Nothing can go now: all that is left came just now."]);
  toy.clock.shift += 2 * MINUTE;
  await run();
  expect(await stored()).toEqual([]);
});

test("bytes that another repository names stay on the disk", async () => {
  await fill(["a.tgz"]);
  const second = toy.also("second", toy.upstream).repository.own();
  await bytesOf(await second.artifact(artifact("a.tgz"), request()));
  toy.clock.shift += 2 * MINUTE;
  one = { ...one, quota: 0 };
  await run();
  expect(await stored()).toEqual([]);
  expect(await toy.blobs.stat(sha256(bytes("a.tgz")))).not.toBeNull();
});

test("bytes that are fetched again before they are removed stay", async () => {
  await fill(["a.tgz"]);
  one = { ...one, quota: 0 };
  const lingering = createRoom({
    ...toy.shared,
    repositories: () => [one],
    marks: () => marks,
    disk: async () => disk,
    metrics,
    lingerMs: 5_000,
  });
  const lines: string[] = [];
  const job = lingering.job(createLog("json", (line) => lines.push(line)));
  await job.run();
  expect(await stored()).toEqual([]);
  expect(JSON.parse(lines[0]!)).toMatchObject({ repository: "toy", files: 1, bytes: SIZE });
  await fill(["a.tgz"]);
  one = { ...one, quota: null };
  await job.run();
  expect(await stored()).toEqual(["a.tgz"]);
  expect(await toy.blobs.stat(sha256(bytes("a.tgz")))).not.toBeNull();
  // And those that nobody asked for are gone.
  one = { ...one, quota: 0 };
  await job.run();
  expect(await toy.blobs.stat(sha256(bytes("a.tgz")))).not.toBeNull();
  toy.clock.shift += 10_000;
  await job.run();
  expect(await toy.blobs.stat(sha256(bytes("a.tgz")))).toBeNull();
});
