// What is told of a database and a bucket that go and come back: a line each way, however often somebody asks.
import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { createAway } from "./away.ts";

function world() {
  const lines: string[] = [];
  const at = { now: 1_000_000, database: "", bucket: "", folder: "", isHearing: true };
  const away = createAway({
    ask: async () => {
      if (at.database) throw new Error(at.database, { cause: new Error("no route to 10.0.0.1") });
    },
    isHearing: () => at.isHearing,
    askFiles: async () => {
      if (at.bucket) throw new Problem("busy", at.bucket, { cause: new Error("key2") });
    },
    askFolder: async () => {
      if (at.folder) throw Object.assign(new Error("open '/data/x'"), { code: at.folder });
    },
    log: createLog("json", (line) => void lines.push(JSON.parse(line))),
    now: () => at.now,
  });
  const told = () =>
    (lines as unknown as { level: string; msg: string }[]).map(
      ({ level, msg }) => `${level} ${msg}`,
    );
  return { at, away, told };
}

test("each is one line when it goes and one when it is back, and since when stays as it was first seen", async () => {
  const { at, away, told } = world();
  expect(await away.look()).toBeNull();
  at.bucket = "refused";
  for (let second = 0; second < 5; second += 1) {
    expect(await away.look()).toBe("refused");
    at.now += 1_000;
  }
  expect(away.outages()).toEqual([
    { part: "bucket", why: "refused", inFull: "refused (key2)", since: 1_000_000, until: null },
  ]);
  at.database = "gone";
  expect(await away.look()).toBe("the database does not answer: gone");
  at.bucket = "";
  await away.look();
  at.database = "";
  expect(await away.look()).toBeNull();
  expect(told()).toEqual([
    "warn The bucket cannot be reached",
    "warn The database cannot be reached",
    "info The bucket answers again",
    "info The database answers again",
  ]);
  expect(away.outages().map(({ part, until }) => [part, until])).toEqual([
    ["bucket", 1_005_000],
    ["database", 1_005_000],
  ]);
  expect(away.outages().map(({ why, inFull }) => [why, inFull])).toEqual([
    ["refused", "refused (key2)"],
    ["gone", "gone (no route to 10.0.0.1)"],
  ]);
  at.now += 2 * 3_600_000;
  await away.look();
  expect(away.outages()).toEqual([]);
});

test("a catalog that cannot be read is told in words, once", async () => {
  const { at, away } = world();
  at.database = "database disk image is malformed";
  expect(await away.look()).toBe("The catalog cannot be read: it is damaged, or its disk fails");
});

test("a server that hears nothing of the others is not ready, and news has its own line", async () => {
  const { at, away, told } = world();
  at.isHearing = false;
  expect(await away.look()).toBe("what other servers change is not heard of");
  expect(away.outages()).toMatchObject([{ part: "news", until: null }]);
  expect(told()).toEqual([]);
});

test("a data directory that cannot be used keeps the server from being ready, and is told without its files' names", async () => {
  const { at, away, told } = world();
  at.folder = "EACCES";
  const words = "Permission is denied for the data directory, or something in it";
  expect(await away.look()).toBe(words);
  expect(away.outages()).toMatchObject([
    { part: "folder", why: words, inFull: `${words} (open '/data/x')` },
  ]);
  at.folder = "";
  expect(await away.look()).toBeNull();
  expect(told()).toEqual([
    "warn The data directory cannot be used",
    "info The data directory can be used again",
  ]);
});
