// What this program knows by itself, and when it makes room for feeds.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { toldState } from "../core/advisory.ts";
import { formats } from "../formats/index.ts";
import { readRecord } from "./record.ts";
import { type Seed, seedEntries } from "./seed.ts";
import { openWorld, record } from "./testkit.ts";

const seeds = formats.flatMap(({ advisories }) =>
  advisories?.seed ? [{ ecosystem: advisories.ecosystem, ...advisories.seed }] : [],
);
const DAY = 86_400_000;

describe("the seeds that are shipped", () => {
  test.each(seeds.map((seed) => [seed.ecosystem, seed] as const))("%s", async (_, seed) => {
    const ecosystems = formats.flatMap(({ advisories }) => advisories ?? []);
    const ids = new Set<string>();
    for await (const entry of seedEntries(seed)) {
      const { text } = await entry.read();
      const told = readRecord(text, ecosystems);
      expect(told.packages.length, told.id).toBeGreaterThan(0);
      // As it is of that day, nothing in it can be younger.
      expect(told.modifiedAt, told.id).toBeLessThanOrEqual(Date.parse(seed.at));
      for (const words of ["summary", "details"])
        expect(JSON.parse(text), told.id).not.toHaveProperty(words);
      ids.add(told.id);
    }
    expect(ids.size).toBe(seed.records);
  });

  test("are small", () => {
    const sizes = seeds.map(({ path }) => statSync(path).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(2_000_000);
  });
});

describe("a seed", () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  let seed: Seed;
  beforeEach(async () => {
    world = await openWorld();
    seed = sow("one", [record("T-1", "2025-12-01T00:00:00Z")]);
    world.feeds.use([world.osv], [seed]);
  });
  afterEach(() => world.close());

  function sow(mark: string, records: readonly object[], changes: Partial<Seed> = {}): Seed {
    const path = join(world.folder, `${mark}.br`);
    const text = records.map((one) => `${JSON.stringify(one)}\n`).join("");
    writeFileSync(path, brotliCompressSync(text));
    const at = "2025-12-01T00:00:00.000Z";
    return {
      ecosystem: "Toys",
      at,
      isWhole: true,
      records: records.length,
      mark,
      path,
      ...changes,
    };
  }
  const states = () => world.current.feeds();
  const failing = () =>
    world.bucket.instead.set("Toys/all.zip", () => new Response("", { status: 500 }));

  test("counts while the feed cannot be read, and says as of when it is", async () => {
    failing();
    await world.read();
    expect(await world.ids()).toEqual(["T-1"]);
    expect(await states()).toMatchObject([
      { name: "osv", readAt: null },
      { name: "seed/Toys", readAt: seed.at, seedOf: seed.at, records: 1, error: null },
    ]);
    expect(toldState(await world.current.covering("toy"))).toMatchObject({ readAt: seed.at });
  });

  test("makes room for the first feed of its ecosystem, however little that tells, and once", async () => {
    world.bucket.records.set("T-9", record("T-9", "2026-01-01T00:00:00Z"));
    await world.read();
    expect(await world.ids()).toEqual(["T-9"]);
    expect(await states()).toMatchObject([{ name: "osv" }]);
    failing();
    world.clock.at += 2 * DAY;
    await world.read(); // whose feed fails by now
    expect(await world.ids()).toEqual(["T-9"]);
    world.feeds.use([], [seed]); // and one without any feed has it again
    await world.read();
    expect(await world.ids()).toEqual(["T-1"]);
  });

  test("stays beside the few records that an operator wrote down, which say what counts of their own", async () => {
    seed = sow("two", [
      record("T-1", "2025-12-01T00:00:00Z"),
      record("T-2", "2025-12-01T00:00:00Z"),
    ]);
    failing();
    world.feeds.use([world.osv], [seed]);
    await world.read();
    expect(await world.ids()).toEqual(["T-1", "T-2"]);
    const own = join(world.folder, "T-2.json");
    const told = record("T-2", "2026-01-01T00:00:00Z", { withdrawn: "2026-01-01T00:00:00Z" });
    writeFileSync(own, JSON.stringify(told));
    await world.bring(own);
    expect(await world.ids()).toEqual(["T-1"]);
    await world.read();
    expect(await world.ids()).toEqual(["T-1"]);
  });

  test("makes room for what was carried here, where that is as much", async () => {
    failing();
    await world.read();
    const many = Array.from({ length: 1000 }, (_, nth) => record(`M-${nth}`, seed.at));
    writeFileSync(join(world.folder, "all.zip"), world.zipOf(many));
    await world.bring(join(world.folder, "all.zip"));
    expect(await world.ids()).toHaveLength(1000);
    expect((await states()).map(({ name }) => name)).toEqual(["imported", "osv"]);
  });

  test("another program's takes its place, with what is gone from it", async () => {
    failing();
    await world.read();
    world.heard.length = 0;
    world.feeds.use([world.osv], [sow("two", [record("T-3", "2025-12-02T00:00:00Z")])]);
    await world.read();
    expect(await world.ids()).toEqual(["T-3"]);
    expect(new Set(world.heard)).toEqual(new Set(["toy/thing"]));
    world.feeds.use([world.osv], []);
    await world.read();
    expect(await world.ids()).toEqual([]);
    expect(await states()).toMatchObject([{ name: "osv" }]);
  });

  test.each([
    ["of a part alone", { isWhole: false }],
    ["of more than a year ago", { at: "2024-12-01T00:00:00.000Z" }],
  ])("%s blocks what it knows, and answers no audit", async (_, changes) => {
    failing();
    world.feeds.use([world.osv], [sow("old", [record("T-1", "2024-01-01T00:00:00Z")], changes)]);
    await world.read();
    expect(await world.ids()).toEqual(["T-1"]);
    expect(toldState(await world.current.covering("toy"))).toBeNull();
  });

  test("that could not be taken in is taken in the next time", async () => {
    failing();
    const path = seed.path;
    world.feeds.use([world.osv], [{ ...seed, path: `${path}.none` }]);
    await expect(world.read()).rejects.toThrow("no such file");
    world.feeds.use([world.osv], [seed]);
    await world.read();
    expect(await world.ids()).toEqual(["T-1"]);
  });
});
