// The verifying client against a database that is honest, lies, forks, forgets, and goes away.
import { expect, test } from "bun:test";
import { Problem } from "../../../core/problem.ts";
import { checkTree } from "../../../proof/merkle.ts";
import { createKey } from "../../../proof/testkit.ts";
import { FULL, parseTilePath, tilePath } from "../../../proof/tile.ts";
import { parseVerifierKey } from "../../../proof/verifier.ts";
import { createClient, type SumdbClient } from "./client.ts";
import type { Fork } from "./operations.ts";
import { createLog, goSum, h1, type TestLog } from "./testing.ts";
import { formatRecord, parseRecord, parseTree } from "./texts.ts";

const NAME = "sums.example.test";

interface World {
  client: SumdbClient;
  kept: Map<string, Uint8Array>;
  /** What `Operations.heard` says. */
  heard: number;
  asked: string[];
  forks: Fork[];
  /** Answers instead of the log; null falls through to it. */
  lie: (path: string) => Promise<Uint8Array | null>;
  online: boolean;
  /** A client that starts anew with what is kept. */
  restart(): void;
}

function createWorld(
  fetch: (path: string) => Promise<Uint8Array | null>,
  verifier: string,
  kept = new Map<string, Uint8Array>(),
): World {
  const world: World = {
    client: null as unknown as SumdbClient,
    kept,
    heard: 0,
    asked: [],
    forks: [],
    lie: async () => null,
    online: true,
    restart() {
      world.client = createClient(parseVerifierKey(verifier)!, {
        async fetch(path) {
          if (!world.online) throw new Problem("offline", "The cable is cut");
          world.asked.push(path);
          return (await world.lie(path)) ?? (await fetch(path));
        },
        stored: async (key) => kept.get(key) ?? null,
        swap: swapIn(kept),
        heard: () => world.heard,
        async store(key, bytes) {
          kept.set(key, typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes));
        },
        forked: (evidence) => world.forks.push(evidence),
        now: () => 0,
      });
    },
  };
  world.restart();
  return world;
}

function swapIn(kept: Map<string, Uint8Array>) {
  return async (key: string, bytes: Uint8Array, previous: Uint8Array | null) => {
    if (Buffer.compare(kept.get(key) ?? Buffer.of(), previous ?? Buffer.of()) !== 0) return false;
    kept.set(key, Buffer.from(bytes));
    return true;
  };
}

function setUp(size = 0): { log: TestLog; world: World } {
  const log = createLog(createKey(NAME));
  log.grow(size);
  return { log, world: createWorld(log.answer, log.key.verifier) };
}

const pathOf = (module: string, version = "v1.0.0") => `lookup/${module}@${version}`;
const recordOf = (client: SumdbClient, module: string, version = "v1.0.0") =>
  client.record(pathOf(module, version), module, version);

/** A client of our client: it sees what the go command would see. */
function behind(world: World, log: TestLog, kept?: Map<string, Uint8Array>): World {
  const serve = async (path: string) => {
    const tile = parseTilePath(path);
    if (tile) return (await world.client.tile(tile))?.bytes ?? null;
    if (path === "latest") return (await world.client.latest()).bytes;
    const [module, version] = path.slice("lookup/".length).split("@");
    return (await world.client.lookup(path, module!, version!))?.bytes ?? null;
  };
  return createWorld(serve, log.key.verifier, kept);
}

test("a record is proven once, and then answered without asking", async () => {
  const { log, world } = setUp(300);
  log.add("a.test/m", "v1.0.0");
  expect(await recordOf(world.client, "a.test/m")).toEqual({
    id: 300,
    text: goSum("a.test/m", "v1.0.0"),
  });
  expect(world.asked).toContain(pathOf("a.test/m"));
  world.online = false;
  world.restart();
  expect((await recordOf(world.client, "a.test/m"))?.id).toBe(300);
  await expect(recordOf(world.client, "b.test/m")).rejects.toMatchObject({ kind: "offline" });
});

test("the database's own no is null, and is not remembered", async () => {
  const { log, world } = setUp(3);
  expect(await recordOf(world.client, "a.test/m")).toBeNull();
  log.add("a.test/m", "v1.0.0");
  expect((await recordOf(world.client, "a.test/m"))?.id).toBe(3);
});

test("two processes on one store: the tree head of neither goes back, and each goes on from the other's", async () => {
  const { log, world } = setUp(3);
  const older = await log.note();
  const other = createWorld(log.answer, log.key.verifier, world.kept);
  expect(await recordOf(other.client, "filler.test/m0")).not.toBeNull();
  log.grow(300);
  expect(await recordOf(world.client, "filler.test/m200")).not.toBeNull();
  const newer = await log.note();
  // What the second process still holds for the newest is what its upstream shows it: an older one.
  other.lie = async (path) => (path === "latest" ? Buffer.from(older) : null);
  await other.client.latest();
  expect(Buffer.from(world.kept.get("latest")!).toString()).toBe(newer);
  log.grow(600);
  expect(await recordOf(other.client, "filler.test/m500")).not.toBeNull();
  expect(Buffer.from(world.kept.get("latest")!).toString()).toBe(await log.note());
  expect([world.forks, other.forks]).toEqual([[], []]);
});

test("parallel lookups of one record ask once", async () => {
  const { log, world } = setUp(3);
  log.add("a.test/m", "v1.0.0");
  await Promise.all(Array.from({ length: 20 }, () => recordOf(world.client, "a.test/m")));
  expect(world.asked.filter((path) => path === pathOf("a.test/m"))).toHaveLength(1);
});

for (const sizes of [
  [1, 2, 3],
  [10, 255, 256, 257, 511, 512, 513],
  [300, 700, 1500],
  [65_000, 65_536, 65_600, 66_400],
])
  test(`offline, fresh and old clients verify all that was seen while the log grew to ${sizes}`, async () => {
    const { log, world } = setUp();
    const old: Map<string, Uint8Array>[] = [];
    const modules: string[] = [];
    for (const size of sizes) {
      log.grow(size - 1);
      const module = `seen.test/at${size}`;
      log.add(module, "v1.0.0");
      await recordOf(world.client, module);
      modules.push(module);
      // One go command looked at this time, and comes back much later.
      const then = behind(world, log);
      await recordOf(then.client, module);
      old.push(then.kept);
    }
    world.online = false;
    world.restart();
    for (const kept of [new Map<string, Uint8Array>(), ...old]) {
      const later = behind(world, log, new Map([...kept].filter(([key]) => key === "latest")));
      for (const module of modules) expect(await recordOf(later.client, module)).not.toBeNull();
      expect(later.forks).toEqual([]);
    }
  });

test("lookups in parallel while the log grows leave a whole that verifies offline", async () => {
  const { log, world } = setUp(200);
  const modules = Array.from({ length: 40 }, (_, at) => `seen.test/m${at}`);
  await Promise.all(
    modules.map((module) => {
      log.grow(log.records.length + 17);
      log.add(module, "v1.0.0");
      return recordOf(world.client, module);
    }),
  );
  world.online = false;
  world.restart();
  const fresh = behind(world, log);
  for (const module of modules) expect(await recordOf(fresh.client, module)).not.toBeNull();
});

test("a slower, older lookup takes back neither the head nor a tile", async () => {
  const { log, world } = setUp(300);
  log.add("old.test/m", "v1.0.0");
  const [old, recordPath] = [await log.answer(pathOf("old.test/m")), pathOf("old.test/m")];
  const narrow = "tile/8/0/001.p/45";
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  world.lie = async (path) => {
    if (path === recordPath) return old;
    if (path !== narrow) return null;
    const data = await log.answer(path);
    arrived.resolve();
    await released.promise;
    return data;
  };
  const slow = recordOf(world.client, "old.test/m");
  await arrived.promise;
  log.grow(420);
  log.add("new.test/m", "v1.0.0");
  await recordOf(world.client, "new.test/m");
  released.resolve();
  expect((await slow)?.id).toBe(300);
  expect(parseTree(Buffer.from(world.kept.get("latest")!).toString()).size).toBe(421);
  expect(world.kept.get("tile/8/0/001.p")).toHaveLength((421 - 256) * 32);
});

test("a record proven under a head that is no longer the newest keeps the wider tiles", async () => {
  const { log, world } = setUp(300);
  log.records[3] = goSum("old.test/m", "v1.0.0");
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  world.lie = async (path) => {
    if (path !== "tile/8/0/000") return null;
    arrived.resolve();
    await released.promise;
    return null;
  };
  const slow = recordOf(world.client, "old.test/m");
  await arrived.promise;
  log.grow(420);
  log.add("new.test/m", "v1.0.0");
  await recordOf(world.client, "new.test/m");
  released.resolve();
  await slow;
  expect(world.kept.get("tile/8/0/001.p")).toHaveLength((421 - 256) * 32);
});

test("a slow disk does not let a narrow tile overtake a wide one", async () => {
  const { log } = setUp(300);
  log.add("old.test/m", "v1.0.0");
  const old = await log.answer(pathOf("old.test/m"));
  log.grow(420);
  log.add("new.test/m", "v1.0.0");
  const kept = new Map<string, Uint8Array>();
  const shrunk: string[] = [];
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const client = createClient(parseVerifierKey(log.key.verifier)!, {
    fetch: async (path) => (path === pathOf("old.test/m") ? old : log.answer(path)),
    stored: async (key) => kept.get(key) ?? null,
    async swap(key, bytes, previous) {
      // The narrow tile of the smaller tree takes its time.
      if (bytes.length === 45 * 32) for (let left = 50; left > 0; left -= 1) await turn();
      if (key.endsWith(".p") && (kept.get(key)?.length ?? 0) > bytes.length) shrunk.push(key);
      return swapIn(kept)(key, bytes, previous);
    },
    heard: () => null,
    async store(key, bytes) {
      kept.set(key, Buffer.from(bytes as Uint8Array));
    },
    forked: () => {},
    now: () => 0,
  });
  await Promise.all([recordOf(client, "old.test/m"), recordOf(client, "new.test/m")]);
  expect(shrunk).toEqual([]);
  expect(kept.get("tile/8/0/001.p")).toHaveLength((421 - 256) * 32);
});

test("of two servers on one store each shows the head that the other found, and neither takes its tiles back", async () => {
  const { log, world } = setUp(300);
  const other = createWorld(log.answer, log.key.verifier, world.kept);
  log.add("old.test/m", "v1.0.0");
  const old = await log.answer(pathOf("old.test/m"));
  await recordOf(other.client, "old.test/m");
  const narrow = world.kept.get("tile/8/0/001.p")!;
  log.grow(420);
  log.add("new.test/m", "v1.0.0");
  await recordOf(world.client, "new.test/m");
  const sizeOf = async ({ client }: World) => {
    const shown = await client.lookup(pathOf("old.test/m"), "old.test/m", "v1.0.0");
    const [, size] = Buffer.from(shown!.bytes)
      .toString()
      .split("go.sum database tree\n")[1]!
      .match(/^(\d+)\n/)!;
    return Number(size);
  };
  other.online = false;
  other.heard += 1;
  expect(await sizeOf(other)).toBe(421);
  expect(await sizeOf(world)).toBe(421);
  // One that has not heard yet, and proves an answer by the smaller tree.
  const late = createWorld(log.answer, log.key.verifier, world.kept);
  late.lie = async (path) => (path === pathOf("old.test/m", "v1.0.0") ? old : null);
  world.kept.delete(pathOf("old.test/m"));
  await recordOf(late.client, "old.test/m");
  const kept = world.kept.get("tile/8/0/001.p")!;
  expect([narrow.length, kept.length]).toEqual([45 * 32, (421 - 256) * 32]);
});

test("every lookup shows the newest proven head", async () => {
  const { log, world } = setUp(5);
  log.add("a.test/m", "v1.0.0");
  await recordOf(world.client, "a.test/m");
  log.add("b.test/m", "v1.0.0");
  await recordOf(world.client, "b.test/m");
  const shown = await world.client.lookup(pathOf("a.test/m"), "a.test/m", "v1.0.0");
  expect(shown?.fetched).toBe(false);
  expect(Buffer.from(shown!.bytes).toString()).toBe(
    formatRecord({ id: 5, text: goSum("a.test/m", "v1.0.0") }) + (await log.note(7)),
  );
});

test("nothing is kept of an answer that is not proven", async () => {
  const forge: [what: string, kind: string, forged: (log: TestLog) => Promise<string>][] = [
    [
      "another hash",
      "tampered",
      async (log) =>
        `1\na.test/m v1.0.0 ${h1("forged")}\na.test/m v1.0.0/go.mod ${h1("forged")}\n\n${await log.note()}`,
    ],
    [
      "the record of another module",
      "tampered",
      async (log) => formatRecord({ id: 0, text: log.records[0]! }) + (await log.note()),
    ],
    [
      "a line about another module",
      "tampered",
      async (log) =>
        formatRecord({ id: 1, text: `${log.records[1]}b.test/m v1.0.0 ${h1("b")}\n` }) +
        (await log.note()),
    ],
    [
      "a number behind the end",
      "tampered",
      async (log) => formatRecord({ id: 9, text: log.records[1]! }) + (await log.note()),
    ],
    [
      "the head of a tree before the record",
      "tampered",
      async (log) => formatRecord({ id: 1, text: log.records[1]! }) + (await log.note(1)),
    ],
    [
      "another key's signature",
      "tampered",
      async (log) =>
        formatRecord({ id: 1, text: log.records[1]! }) +
        createKey(NAME).sign((await log.note()).split("\n\n")[0]!.concat("\n")),
    ],
    [
      "another name's signature",
      "tampered",
      async (log) =>
        formatRecord({ id: 1, text: log.records[1]! }) +
        createKey("other.example.test").sign((await log.note()).split("\n\n")[0]!.concat("\n")),
    ],
    [
      "no signature",
      "malformed",
      async (log) =>
        `${formatRecord({ id: 1, text: log.records[1]! })}${(await log.note()).split("\n\n")[0]}\n`,
    ],
    ["a page of HTML", "malformed", async () => "<html>\n<body>\n\nSign in\n</html>\n"],
    ["nothing", "malformed", async () => ""],
  ];
  for (const [what, kind, forged] of forge) {
    const { log, world } = setUp(1);
    log.add("a.test/m", "v1.0.0");
    const answer = await forged(log);
    world.lie = async (path) => (path === pathOf("a.test/m") ? Buffer.from(answer) : null);
    const failure = await recordOf(world.client, "a.test/m").catch((error) => error);
    expect([what, failure.kind]).toEqual([what, kind]);
    expect([what, world.kept.has(pathOf("a.test/m"))]).toEqual([what, false]);
    world.lie = async () => null;
    expect((await recordOf(world.client, "a.test/m"))?.id).toBe(1);
  }
});

test("CVE-2026-56864: hashes outside the record's own text count for nothing", async () => {
  const { log, world } = setUp(1);
  log.add("a.test/m", "v1.0.0");
  const text = `go.sum database tree\n2\n${Buffer.from((await log.tree()).hash).toString("base64")}\na.test/m v1.0.0 ${h1("forged")}\n`;
  const answer = formatRecord({ id: 1, text: log.records[1]! }) + log.key.sign(text);
  world.lie = async (path) => (path === pathOf("a.test/m") ? Buffer.from(answer) : null);
  expect((await recordOf(world.client, "a.test/m"))?.text).toBe(goSum("a.test/m", "v1.0.0"));
  const shown = await world.client.lookup(pathOf("a.test/m"), "a.test/m", "v1.0.0");
  expect(parseRecord(Buffer.from(shown!.bytes).toString()).record.text).not.toContain(h1("forged"));
});

test("CVE-2026-56865: a tile is proven also where the right edge lies in one tile", async () => {
  for (const size of [257, 259, 511, 700, 767]) {
    const { log, world } = setUp(100);
    const id = log.add("a.test/m", "v1.0.0");
    log.grow(size);
    const forged = { id, text: `a.test/m v1.0.0 ${h1("forged")}\n` };
    const other = createLog(log.key);
    other.records.push(...log.records.with(id, forged.text));
    world.lie = async (path) => {
      if (path === pathOf("a.test/m"))
        return Buffer.from(formatRecord(forged) + (await log.note()));
      return path === "tile/8/0/000" ? other.answer(path) : null;
    };
    await expect(recordOf(world.client, "a.test/m")).rejects.toMatchObject({ kind: "tampered" });
    expect(world.kept.has("tile/8/0/000")).toBe(false);
    expect(world.kept.has(pathOf("a.test/m"))).toBe(false);
  }
});

test("a truncated, a lengthened, an altered and a missing tile are refused and not kept", async () => {
  const spoil: [kind: string, (data: Buffer) => Buffer | null][] = [
    ["malformed", (data) => data.subarray(0, -1)],
    ["malformed", (data) => data.subarray(0, -32)],
    ["malformed", (data) => Buffer.concat([data, data])],
    ["malformed", () => Buffer.alloc(0)],
    ["tampered", (data) => Buffer.from(data).fill(1, 0, 1)],
    ["tampered", (data) => Buffer.concat([data.subarray(32), data.subarray(0, 32)])],
  ];
  for (const [kind, spoiled] of spoil)
    for (const path of ["tile/8/0/000", "tile/8/0/001.p/45", "tile/8/1/000.p/1"]) {
      const { log, world } = setUp(300);
      log.records[3] = goSum("a.test/m", "v1.0.0");
      log.grow(301);
      const answer = Buffer.from((await log.answer(path))!);
      // A tile of one hash has no other order.
      if (spoiled(answer)?.equals(answer)) continue;
      world.lie = async (asked) => (asked === path ? spoiled(answer) : null);
      await expect(recordOf(world.client, "a.test/m")).rejects.toMatchObject({ kind });
      expect(world.kept.has(path)).toBe(false);
    }
});

test("a tile that the database does not have is no answer, not a no", async () => {
  const { log } = setUp(300);
  log.records[3] = goSum("a.test/m", "v1.0.0");
  const world = createWorld(
    async (path) => (path.startsWith("tile/") ? null : log.answer(path)),
    log.key.verifier,
  );
  await expect(recordOf(world.client, "a.test/m")).rejects.toMatchObject({ kind: "unreachable" });
});

test("a stored tile that rotted is fetched again", async () => {
  const { log, world } = setUp(300);
  log.records[3] = goSum("a.test/m", "v1.0.0");
  log.records[4] = goSum("b.test/m", "v1.0.0");
  await recordOf(world.client, "a.test/m");
  world.kept.set("tile/8/0/000", Buffer.alloc(FULL * 32));
  world.restart();
  expect((await recordOf(world.client, "b.test/m"))?.id).toBe(4);
  expect(Buffer.from(world.kept.get("tile/8/0/000")!)).toEqual(
    Buffer.from((await log.answer("tile/8/0/000"))!),
  );
});

test("the head is kept only after the tiles that prove it", async () => {
  const { log, world } = setUp(300);
  log.add("a.test/m", "v1.0.0");
  const set = world.kept.set.bind(world.kept);
  world.kept.set = (key, bytes) => {
    if (key.startsWith("tile/")) throw new Problem("full", "No space left");
    return set(key, bytes);
  };
  await expect(recordOf(world.client, "a.test/m")).rejects.toMatchObject({ kind: "full" });
  expect(world.kept.size).toBe(0);
});

test("a smaller tree of the same timeline is accepted and never takes us back", async () => {
  const { log, world } = setUp(300);
  log.add("a.test/m", "v1.0.0");
  await recordOf(world.client, "a.test/m");
  const newest = Buffer.from(world.kept.get("latest")!).toString();
  const replayed = await log.note(120);
  world.lie = async (path) => (path === "latest" ? Buffer.from(replayed) : null);
  expect(Buffer.from((await world.client.latest()).bytes).toString()).toBe(newest);
  expect(Buffer.from(world.kept.get("latest")!).toString()).toBe(newest);
  expect(world.forks).toEqual([]);
});

/** A second history under the same key: the same up to a record, then another. */
function forkOf(log: TestLog, at: number, size: number): TestLog {
  const fork = createLog(log.key);
  fork.records.push(...log.records.slice(0, at));
  fork.add("forked.test/m", "v1.0.0");
  fork.grow(size);
  return fork;
}

for (const [what, size] of [
  ["smaller", 150],
  ["equal", 301],
  ["larger", 400],
  ["much larger", 1200],
] as const)
  test(`a fork with a ${what} tree freezes the client, and what is stored stays`, async () => {
    const { log, world } = setUp(300);
    log.add("a.test/m", "v1.0.0");
    await recordOf(world.client, "a.test/m");
    const before = new Map([...world.kept].map(([key, bytes]) => [key, Buffer.from(bytes)]));
    const fork = forkOf(log, 20, size);
    world.lie = fork.answer;
    await expect(recordOf(world.client, "forked.test/m")).rejects.toMatchObject({
      kind: "tampered",
      message: expect.stringContaining("forked"),
    });

    expect(world.forks).toHaveLength(1);
    const [{ older, newer, hash, proof }] = world.forks as [Fork];
    const text = (note: string) => note.slice(0, note.indexOf("\n\n") + 1);
    const [small, large] = [parseTree(text(older)), parseTree(text(newer))];
    const inLarge = { size: small.size, hash: Buffer.from(hash, "base64") };
    const steps = proof.map((one) => Buffer.from(one, "base64"));
    expect(checkTree(steps, large, inLarge)).toBe(true);
    expect(inLarge.hash.equals(small.hash)).toBe(false);

    for (const [key, bytes] of before) expect(Buffer.from(world.kept.get(key)!)).toEqual(bytes);
    world.restart();
    world.lie = async () => null;
    expect((await recordOf(world.client, "a.test/m"))?.id).toBe(300);
    log.add("c.test/m", "v1.0.0");
    await expect(recordOf(world.client, "c.test/m")).rejects.toMatchObject({ kind: "tampered" });
    expect(Buffer.from((await world.client.latest()).bytes)).toEqual(before.get("latest")!);

    // What `unfreeze` of checksums.ts does.
    world.kept.delete("frozen");
    expect((await recordOf(world.client, "c.test/m"))?.id).toBe(301);
  });

test("a partial tile comes out of the full or a wider one, and never replaces it", async () => {
  const { log, world } = setUp(600);
  log.records[3] = goSum("a.test/m", "v1.0.0");
  await recordOf(world.client, "a.test/m");
  world.online = false;
  for (const path of [
    "tile/8/0/000.p/7",
    "tile/8/0/002.p/88",
    "tile/8/0/002.p/5",
    "tile/8/0/000",
  ]) {
    const shown = await world.client.tile(parseTilePath(path)!);
    expect(shown?.fetched).toBe(false);
    expect(Buffer.from(shown!.bytes)).toEqual(Buffer.from((await log.answer(path))!));
  }
  await expect(world.client.tile(parseTilePath("tile/8/0/001")!)).rejects.toMatchObject({
    kind: "offline",
  });
  world.online = true;
  expect((await world.client.tile(parseTilePath("tile/8/0/001.p/9")!))?.fetched).toBe(true);
  expect(world.kept.get("tile/8/0/001")).toHaveLength(FULL * 32);
  expect([...world.kept.keys()].filter((key) => key.endsWith(".p")).sort()).toEqual([
    "tile/8/0/002.p",
    "tile/8/1/000.p",
  ]);
});

test("a database that dropped a partial tile gives its full one", async () => {
  const { log, world } = setUp(300);
  log.add("a.test/m", "v1.0.0");
  const note = await log.note();
  log.grow(600);
  const answer = formatRecord({ id: 300, text: log.records[300]! }) + note;
  const honest = log.answer;
  world.client = createWorld(
    async (path) => {
      if (path === pathOf("a.test/m")) return Buffer.from(answer);
      return path === "tile/8/0/001.p/45" ? null : honest(path);
    },
    log.key.verifier,
    world.kept,
  ).client;
  expect((await recordOf(world.client, "a.test/m"))?.id).toBe(300);
  expect(world.kept.get("tile/8/0/001.p")).toHaveLength(45 * 32);
});

test("a tile beyond our tree makes us look at the database's newest head first", async () => {
  const { log, world } = setUp(300);
  const tile = { level: 0, index: 1, width: 44 };
  expect((await world.client.tile(tile))?.bytes).toHaveLength(44 * 32);
  expect(parseTree(Buffer.from(world.kept.get("latest")!).toString()).size).toBe(300);
  expect(await world.client.tile({ ...tile, width: 45 })).toBeNull();
  log.grow(310);
  expect((await world.client.tile({ ...tile, width: 45 }))?.bytes).toHaveLength(45 * 32);
});

test("records are given out only when they are those of the tree", async () => {
  const { log, world } = setUp(300);
  const tile = parseTilePath("tile/8/data/001.p/44")!;
  const honest = Buffer.from((await log.answer(tilePath(tile)))!);
  expect(Buffer.from((await world.client.data(tile))!.bytes)).toEqual(honest);
  const spoiled = [
    honest.toString().replace("v1.0.0", "v1.0.1"),
    honest.toString().slice(0, -1),
    `${honest}extra\n\n`,
    "",
  ];
  for (const text of spoiled) {
    world.lie = async (path) => (path === tilePath(tile) ? Buffer.from(text) : null);
    await expect(world.client.data(tile)).rejects.toMatchObject({ kind: "tampered" });
  }
});
