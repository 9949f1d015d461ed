import { expect, test } from "bun:test";
import { Problem } from "../../../core/problem.ts";
import { createPace } from "./pace.ts";
import { type FakeRepository, fakeRepository, sha256 } from "./testing.ts";
import { type TransferSettings, transfer, type Wish } from "./transfer.ts";

function wish(path: string, content = path): Wish {
  return {
    path,
    size: content.length,
    artifact: {
      kind: "pool",
      package: "p",
      version: "1",
      file: path,
      purl: "pkg:deb/p@1",
      contentType: "text/plain",
      path,
      namedBy: [],
      integrity: async () => `sha256-${Buffer.from(sha256(content), "hex").toString("base64")}`,
    },
  };
}

function repositoryWith(...paths: string[]): FakeRepository<null> {
  const repository = fakeRepository({ options: null, documents: {}, tasks: {} });
  for (const path of paths) repository.upstream.set(path, path);
  return repository;
}

function settings(changes: Partial<TransferSettings> = {}): TransferSettings & { waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    connections: 2,
    pace: () => 0,
    signal: new AbortController().signal,
    wait: async (ms) => void waits.push(ms),
    settled: () => {},
    ...changes,
  };
}

const names = (number: number) => Array.from({ length: number }, (_, at) => `file${at}`);

test("all are fetched, not more at a time than there are connections", async () => {
  const repository = repositoryWith(...names(20));
  let running = 0;
  let most = 0;
  repository.beforeFetch = async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  };
  const result = await transfer(
    repository,
    names(20).map((name) => wish(name)),
    settings(),
  );
  expect(result).toEqual({ files: 20, bytes: 110, missing: [], left: 0, ended: null });
  expect(most).toBe(2);
});

test("a failure is tried again at the end, three times, and does not end the rest", async () => {
  const repository = repositoryWith("a", "b", "c");
  repository.upstream.set("a", new Problem("malformed", "a is being published"));
  const with_ = settings({ connections: 1 });
  const result = await transfer(
    repository,
    ["a", "b", "c"].map((name) => wish(name)),
    with_,
  );
  expect(repository.asked).toEqual(["a", "b", "c", "a", "a", "a"]);
  expect(result).toMatchObject({ files: 2, left: 0, ended: null });
  expect(result.missing).toEqual([{ path: "a", reason: "a is being published" }]);
  expect(with_.waits).toHaveLength(3);
});

test("altered bytes are not asked for again: they are refused for half a minute anyway", async () => {
  const repository = repositoryWith("a", "b");
  repository.upstream.set("a", "not a");
  const with_ = settings();
  const result = await transfer(repository, [wish("a"), wish("b")], with_);
  expect(repository.asked.filter((path) => path === "a")).toHaveLength(1);
  expect(result).toMatchObject({ files: 1, left: 0, ended: null });
  expect(result.missing).toEqual([{ path: "a", reason: "a is not what was expected" }]);
  expect(with_.waits).toEqual([]);
});

test("what works the second time is not missing", async () => {
  const repository = repositoryWith("a", "b");
  repository.upstream.set("a", new Problem("malformed", "it is being published"));
  const wait = async () => void repository.upstream.set("a", "a");
  const result = await transfer(repository, [wish("a"), wish("b")], settings({ wait }));
  expect(result).toMatchObject({ files: 2, missing: [] });
});

test("what the upstream does not have is not asked for again", async () => {
  const repository = repositoryWith("b");
  const result = await transfer(repository, [wish("a"), wish("b")], settings());
  expect(repository.asked.filter((path) => path === "a")).toHaveLength(1);
  expect(result.missing).toEqual([{ path: "a", reason: "The upstream has no a" }]);
});

test("what the upstream does not have is taken in its other form", async () => {
  const repository = repositoryWith("a.gz");
  const with_ = settings();
  const result = await transfer(repository, [{ ...wish("a.xz"), otherwise: wish("a.gz") }], with_);
  expect(result).toMatchObject({ files: 1, missing: [] });
  expect(with_.waits).toEqual([]);
});

test("an upstream that stays away ends it early, and nothing counts as missing", async () => {
  const repository = repositoryWith();
  for (const name of names(100))
    repository.upstream.set(name, new Problem("unreachable", "nobody answers"));
  const with_ = settings();
  const result = await transfer(
    repository,
    names(100).map((name) => wish(name)),
    with_,
  );
  expect(result).toMatchObject({ files: 0, missing: [], left: 100, ended: "nobody answers" });
  expect(with_.waits).toEqual([2_000, 10_000, 30_000]);
  expect(repository.asked.length).toBeLessThan(30);
});

test("an upstream that comes back is gone on with", async () => {
  const repository = repositoryWith(...names(50));
  let isAway = false;
  repository.beforeFetch = () => {
    if (repository.asked.length === 10) isAway = true;
    if (!isAway) return;
    repository.asked.push("nobody");
    throw new Problem("unreachable", "nobody answers");
  };
  const wait = async () => {
    isAway = false;
  };
  const result = await transfer(
    repository,
    names(50).map((name) => wish(name)),
    settings({ wait }),
  );
  expect(result).toMatchObject({ files: 50, missing: [], left: 0, ended: null });
});

test("no waiting when no file can be had at all", async () => {
  const repository = repositoryWith("a", "b", "c");
  repository.upstream.set("b", new Problem("offline", "the repository is offline"));
  const with_ = settings({ connections: 1 });
  const result = await transfer(
    repository,
    ["a", "b", "c"].map((name) => wish(name)),
    with_,
  );
  expect(result).toMatchObject({ files: 1, left: 2, ended: "the repository is offline" });
  expect(with_.waits).toEqual([]);
});

test("it stops between files when it is aborted", async () => {
  const repository = repositoryWith(...names(10));
  const stop = new AbortController();
  repository.beforeFetch = (path) => {
    if (path === "file3") stop.abort();
  };
  const with_ = settings({ connections: 1, signal: stop.signal });
  const result = await transfer(
    repository,
    names(10).map((name) => wish(name)),
    with_,
  );
  expect(result).toMatchObject({ files: 4, missing: [], left: 6, ended: null });
});

test("all connections share one rate", () => {
  let at = 0;
  let counted = 0;
  const pace = createPace(
    1000,
    () => at,
    (bytes) => {
      counted += bytes;
    },
  );
  expect(pace(500)).toBe(500);
  expect(pace(500)).toBe(1000);
  at = 1000;
  expect(pace(1)).toBe(1);
  at = 60_000;
  // No credit for the time in which nothing came.
  expect(pace(100)).toBe(100);
  expect(counted).toBe(1101);
});

test("without a limit nobody waits", () => {
  expect(
    createPace(
      null,
      () => 0,
      () => {},
    )(1e9),
  ).toBe(0);
});
