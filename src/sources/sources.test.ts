import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { SourceSettings } from "../core/source.ts";
import { openMirrors } from "../git/mirrors.ts";
import { makeRepository } from "../git/testkit.ts";
import { createEvents } from "../ledger/events.ts";
import { type Change, createChanges } from "../store/changes.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createSources, plainUrl, type SourcesDeps } from "./sources.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function scene() {
  const data = mkdtempSync(join(tmpdir(), "holdfast-sources-"));
  const code = makeRepository(join(data, "host", "lib"));
  const database = await openTestDatabase(join(data, "holdfast.db"));
  cleanups.push(
    () => database.close(),
    () => rmSync(data, { recursive: true, force: true }),
  );
  const clock = { now: 1_000_000 };
  const log = createLog("json", () => {});
  const events = createEvents(database, log, createMetrics(), () => clock.now);
  const published: unknown[] = [];
  const deps: SourcesDeps = {
    repository: "go",
    offline: false,
    mirrors: openMirrors(join(data, "git")),
    database,
    changes: createChanges(),
    events,
    now: () => clock.now,
    blobs: { local: async () => null },
    hosting: () => {
      throw new Error("nothing is published");
    },
  };
  const settings: SourceSettings = {
    names: "git.example.com/team/*",
    git: `file://${data}/host/{1}`,
    everyMs: 3_600_000,
    limit: 2 ** 30,
  };
  const open = (more: Partial<SourcesDeps> = {}) => createSources({ ...deps, ...more }, [settings]);
  const told = async () =>
    (await events.list({ limit: 50 })).map(({ kind, version }) => [kind, version]);
  return { data, code, clock, open, told, published };
}

test("a name leads to code by its first segments, and is claimed", async () => {
  const { data, open } = await scene();
  const sources = open();
  const source = sources.for("git.example.com/team/lib/sub/v2")!;
  expect(source.root).toBe("git.example.com/team/lib");
  expect(source.url).toBe(`file://${data}/host/lib`);
  for (const name of [
    "git.example.com/other/lib",
    "git.example.com/team",
    "git.example.com/team/..",
    "git.example.com/team/a.git",
    "git.example.com/team/-x",
  ])
    expect(sources.for(name)).toBeNull();
  expect(sources.above("git.example.com/team")).toBe("git.example.com/team/*");
  expect(sources.above("git.example.com/other")).toBeNull();
  expect(sources.above("git.example.com/team/lib")).toBeNull();
  expect(sources.claims).toEqual(["git.example.com/team/*"]);
});

test("the first commit of a tag stays, and what happens to tags is told once", async () => {
  const { code, open, told, clock } = await scene();
  const first = code.commit({ "a.txt": "one\n" });
  code.tag("v1.0.0");
  code.tag("v1.1.0");
  const source = open().for("git.example.com/team/lib")!;
  expect((await source.refs()).tags.get("v1.0.0")).toEqual({
    name: "v1.0.0",
    commit: first,
    isGone: false,
    firstSeenAt: 1_000_000,
  });
  expect((await source.refs()).head).toBe("main");
  const second = code.commit({ "a.txt": "two\n" });
  code.tag("v1.0.0");
  code.git("tag", "--delete", "v1.1.0");
  code.tag("v1.2.0");
  clock.now += 5_000;
  expect(await source.refresh()).toBeNull();
  const refs = await source.refs();
  expect(refs.tags.get("v1.0.0")!.commit).toBe(first);
  expect(refs.tags.get("v1.1.0")!.isGone).toBe(true);
  expect(refs.tags.get("v1.2.0")!.commit).toBe(second);
  expect(refs.branches.get("main")!.commit).toBe(second);
  expect(await source.tagsBefore(first)).toEqual(["v1.0.0"]);
  expect(await source.tagsBefore(second)).toEqual(["v1.0.0", "v1.2.0"]);
  code.commit({ "a.txt": "three\n" });
  clock.now += 5_000;
  expect(await source.refresh()).toBeNull();
  expect(await told()).toEqual([
    ["tampered", "v1.0.0"],
    ["orphaned", "v1.1.0"],
  ]);
});

test("a code host that is away takes nothing of what was seen, and is no 'not found'", async () => {
  const { data, code, open, clock } = await scene();
  const commit = code.commit({ "a.txt": "one\n" });
  code.tag("v1.0.0");
  await open().for("git.example.com/team/lib")!.refs();
  renameSync(join(data, "host", "lib"), join(data, "host", "away"));
  const after = open().for("git.example.com/team/lib")!;
  expect((await after.refs()).tags.size).toBe(1);
  expect(await after.tree(commit)).toHaveLength(1);
  expect((await after.refresh())?.kind).toBe("unreachable");
  // A moment later nobody asks again, and then somebody does.
  renameSync(join(data, "host", "away"), join(data, "host", "lib"));
  expect((await after.refresh())?.kind).toBe("unreachable");
  clock.now += 60_000;
  expect(await after.refresh()).toBeNull();
  const never = open().for("git.example.com/team/other")!;
  await expect(never.refs()).rejects.toMatchObject({ kind: "notFound" });
  const offline = open({ offline: true });
  await expect(offline.for("git.example.com/team/new")!.refs()).rejects.toMatchObject({
    kind: "offline",
  });
  expect((await offline.for("git.example.com/team/lib")!.refresh())?.kind).toBe("offline");
});

test("numbers: how much code was had, whose host fails, and since when", async () => {
  const { data, code, open, clock } = await scene();
  code.commit({ "a.txt": "one\n" });
  const other = makeRepository(join(data, "host", "other"));
  other.commit({ "a.txt": "one\n" });
  const counts: string[] = [];
  const sources = open({ count: (names, result) => void counts.push(`${names} ${result}`) });
  const names = "git.example.com/team/*";
  expect(await sources.numbers()).toEqual([{ names, codes: 0, failing: 0, answeredAt: null }]);
  await sources.for("git.example.com/team/lib")!.refs();
  await expect(sources.for("git.example.com/team/none")!.refs()).rejects.toThrow();
  clock.now += 10_000;
  await sources.for("git.example.com/team/other")!.refs();
  const answeredAt = clock.now - 10_000;
  expect(await sources.numbers()).toEqual([{ names, codes: 2, failing: 0, answeredAt }]);
  renameSync(join(data, "host", "lib"), join(data, "host", "away"));
  clock.now += 10_000;
  await sources.refresh({});
  expect(await sources.numbers()).toEqual([{ names, codes: 2, failing: 1, answeredAt }]);
  renameSync(join(data, "host", "away"), join(data, "host", "lib"));
  await sources.refresh({});
  const now = { names, codes: 2, failing: 0, answeredAt: clock.now };
  expect(await sources.numbers()).toEqual([now]);
  expect(await open().numbers()).toEqual([now]);
  const results = ["new", "failed", "new", "failed", "same", "same", "same"];
  expect(counts).toEqual(results.map((result) => `${names} ${result}`));
});

test("a mirror that was lost is made again", async () => {
  const { data, code, open } = await scene();
  const commit = code.commit({ "a.txt": "one\n" });
  await open().for("git.example.com/team/lib")!.refs();
  rmSync(join(data, "git"), { recursive: true });
  const source = open().for("git.example.com/team/lib")!;
  expect(await source.tree(commit)).toHaveLength(1);
});

test("what one server sees of a code host, another one with a mirror of its own sees at once", async () => {
  const { data, code, clock, open } = await scene();
  code.commit({ "a.txt": "one\n" });
  code.tag("v1.0.0");
  const noted: Change[] = [];
  const news = {
    isShared: true,
    behind: () => null,
    isHearing: () => true,
    catchUp: async () => {},
    note: async (_: unknown, change: Change) => void noted.push(change),
    everywhere: async () => {},
  };
  const changes = createChanges();
  const name = "git.example.com/team/lib";
  const one = open({ changes: createChanges(news) }).for(name)!;
  const own = { changes, mirrors: openMirrors(join(data, "git of the other")) };
  const other = open(own).for(name)!;
  for (const source of [one, other])
    expect([...(await source.refs()).tags.keys()]).toEqual(["v1.0.0"]);
  const commit = code.commit({ "a.txt": "two\n", "b.txt": "new\n" });
  code.tag("v1.1.0");
  noted.length = 0;
  clock.now += 5_000;
  await one.refresh();
  expect(noted).toEqual([{ kind: "source", repository: "go", key: one.url }]);
  await changes.hear(noted);
  expect((await other.refs()).tags.get("v1.1.0")?.commit).toBe(commit);
  expect(await other.tree(commit)).toHaveLength(2);
  // One that was away meanwhile, and finds in the database what its mirror has not.
  code.commit({ "c.txt": "new\n" });
  code.tag("v1.2.0");
  clock.now += 5_000;
  await one.refresh();
  const later = open(own).for(name)!;
  const tag = (await later.refs()).tags.get("v1.2.0")!;
  expect(await later.tree(tag.commit)).toHaveLength(3);
});

test("code that was had is asked for again when it is due, or when a hook names it", async () => {
  const { code, open, clock } = await scene();
  code.commit({ "a.txt": "one\n" });
  const sources = open();
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  expect(await sources.refresh({ say })).toEqual({ asked: 0, changed: 0, failed: 0 });
  await sources.for("git.example.com/team/lib")!.refs();
  expect(await sources.roots()).toEqual(["git.example.com/team/lib"]);
  expect(await sources.refresh({ isDue: true })).toMatchObject({ asked: 0 });
  clock.now += 3_600_000;
  code.commit({ "a.txt": "two\n" });
  expect(await sources.refresh({ isDue: true, say })).toEqual({ asked: 1, changed: 1, failed: 0 });
  expect(lines).toEqual(["git.example.com/team/lib: has something new"]);
  const { url } = sources.for("git.example.com/team/lib")!;
  expect(await sources.refresh({ url: `${url}.git` })).toMatchObject({ asked: 1, changed: 0 });
  expect(await sources.refresh({ url: "https://git.example.com/other" })).toMatchObject({
    asked: 0,
  });
});

const urls: [string, string][] = [
  ["https://git.example.com/team/lib.git", "git.example.com/team/lib"],
  ["https://user@git.example.com:8443/team/lib/", "git.example.com/team/lib"],
  ["ssh://git@git.example.com:2222/team/lib.git", "git.example.com/team/lib"],
  ["git@git.example.com:Team/lib.git", "git.example.com/team/lib"],
];
for (const [text, plain] of urls)
  test(`plainUrl(${text})`, () => expect(plainUrl(text)).toBe(plain));
