// What a follower makes of another server's log, on a database and a log of their own, over a line that the test holds.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import { HERE } from "../hosted/rows.ts";
import { createEvents, type Events } from "../ledger/events.ts";
import { type LedgerLog, openLog } from "../ledger/log/log.ts";
import { provePin, readReceipt } from "../ledger/log/prove.ts";
import { pin, readPin, unpin } from "../ledger/pins.ts";
import type { Database } from "../store/database.ts";
import { openLogFiles } from "../store/log-files.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { followedLog, readFollowedLog } from "./log.ts";
import type { PrimaryState } from "./primary.ts";
import { type FollowDeps, type Following, openFollowing } from "./room.ts";
import { endWanted, readWanted, tryWanted, type Wanted } from "./rows.ts";

const digest = (letter: string) => letter.repeat(64);

interface Side {
  database: Database;
  events: Events;
}

let folder: string;
let there: Side & { log: LedgerLog };
let here: Side;
let following: Following;
let ending: AbortController;
let clock = 0;
/** What comes over the line in place of what is there. */
let line: (path: string, bytes: Uint8Array | null) => Uint8Array | null;
let state: PrimaryState;
let verdicts: { package: string; verdicts: object[] }[];
let asked: string[];
let removed: string[];
let judged: string[];
let taken: object[];
let deps: FollowDeps;

async function side(name: string): Promise<Side> {
  const database = await openTestDatabase(join(folder, `${name}.db`));
  const quiet = createLog("json", () => {});
  return { database, events: createEvents(database, quiet, createMetrics(), () => clock) };
}

beforeEach(async () => {
  folder = tempFolder("follow");
  clock = 1_000_000;
  const first = await side("there");
  const files = openLogFiles(join(folder, "there-log"));
  there = { ...first, log: await openLog({ ...first, files, name: "there.example.test" }) };
  here = await side("here");
  line = (_path, bytes) => bytes;
  state = {
    access: "a",
    accessNow: {
      users: [],
      teams: {},
      grants: [],
      tokens: [],
      rules: { anonymous: [], teams: { web: ["ann"] }, grants: [] },
    },
    policy: "p",
    published: [],
    cursor: "",
  };
  [verdicts, asked, removed, judged, taken] = [[], [], [], [], []];
  following = await open();
});
afterEach(async () => {
  await there.database.close();
  await here.database.close();
  removeTemp(folder);
});

/** A checkpoint that another key signed. */
const otherKey: typeof line = (path, bytes) => {
  if (!path.endsWith("checkpoint")) return bytes;
  const note = Buffer.from(bytes!).toString();
  return Buffer.from(note.replace(/\n— .*\n$/, "\n— x AAAAAAAA\n"));
};

async function open(more: Partial<FollowDeps> = {}): Promise<Following> {
  ending = new AbortController();
  const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
  deps = {
    host: "there.example.test",
    signal: ending.signal,
    primary: {
      async read(path) {
        asked.push(path);
        if (path.startsWith("/-/api/")) return line(path, bytesOf(state));
        if (path === "/-/log/key") return line(path, Buffer.from(`${there.log.verifier}\n`));
        const note = there.log.note();
        const bytes =
          path === "/-/log/checkpoint"
            ? note === null
              ? null
              : Buffer.from(note)
            : await there.log.tile(path.replace("/-/log/", ""));
        return line(path, bytes);
      },
      async post(path, body) {
        asked.push(`${path} ${JSON.stringify(body)}`);
        return bytesOf({ policy: state.policy, items: verdicts });
      },
    },
    key: there.log.verifier,
    files: openLogFiles(join(folder, "here-log")),
    database: here.database,
    events: here.events,
    log: createLog("json", () => {}),
    accessForMs: null,
    now: () => clock,
    repository: (name) =>
      name === "npm"
        ? { documents: true, files: () => true }
        : name === "pypi"
          ? { documents: true, files: (isHosted) => isHosted }
          : null,
    async takeAccess(access, also) {
      taken.push(access);
      await here.database.write(also);
    },
    accessChanged() {},
    judged: (some) => judged.push(...some.map((one) => one.package)),
    async remove(some) {
      removed.push(...some.map(({ file }) => file));
    },
    ...more,
  };
  return openFollowing(deps);
}

/** Pins files on the primary, and makes leaves of that. */
async function pinThere(
  files: readonly string[],
  { repository = "npm", upstream = "r.example.test", sha256 = digest("a") } = {},
): Promise<void> {
  await there.database.write(async (sql) => {
    for (const file of files)
      await pin(
        sql,
        { repository, package: "kelp", file },
        { sha256, size: 3, firstSeen: 7, upstream, digests: null, content: null },
      );
  });
  await there.log.drain();
}

async function wanted(): Promise<string[]> {
  const rows = await readWanted(here.database.read, clock, 1000);
  return rows.map(({ repository, file }) => `${repository} ${file || "documents"}`);
}

async function bringAll(): Promise<void> {
  for (const one of await readWanted(here.database.read, clock, 1000))
    await here.database.write(async (sql) => endWanted(sql, await tryWanted(sql, one, clock + 5)));
}

async function kinds(): Promise<string[]> {
  await here.events.settled();
  return (await here.events.list({ limit: 100 })).map(({ kind }) => kind);
}

const names = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => `kelp-${from + at}.tgz`);

describe("the log", () => {
  test("of no leaf is followed until there is one", async () => {
    await following.goOn();
    expect(following.state()).toMatchObject({ leaves: 0, taken: 0, fault: null });
    expect(following.mirror.note()).toBe(null);
  });

  test("is copied and taken in as it grows, over restarts, and only what is new is asked for", async () => {
    let size = 0;
    for (const count of [1, 300, 255, 700, 256]) {
      await pinThere(names(size, count));
      size += count;
      asked = [];
      await following.goOn();
      expect(following.state()).toMatchObject({ leaves: size, taken: size });
      expect(asked.length).toBeLessThan(2 + Math.ceil(count / 256) + 1);
      following = await open();
    }
    expect((await wanted()).length).toBe(1000);
    const key = { repository: "npm", package: "kelp", file: "kelp-3.tgz" };
    expect(await readPin(here.database.read, key)).toEqual(await readPin(there.database.read, key));
    expect(await following.mirror.tile("tile/0/000")).toEqual(await there.log.tile("tile/0/000"));
    expect(await following.mirror.tile("tile/0/900")).toBe(null);
  });

  test("whose copy was lost is copied again, and held against what was known", async () => {
    await pinThere(names(0, 300));
    await following.goOn();
    removeTemp(join(folder, "here-log"));
    following = await open();
    expect([following.mirror.note(), following.mirror.size()]).toEqual([null, 0]);
    await following.goOn();
    expect(following.mirror.size()).toBe(300);
    expect(await following.mirror.entries(1)).toHaveLength(44);
  });

  test("how long it is cut and how old all is outlives a restart, and is over when the primary is heard", async () => {
    await pinThere(["kelp-0.tgz"]);
    await following.goOn();
    const currentAt = clock;
    clock += 5_000;
    line = () => {
      throw new Problem("unreachable", "no route");
    };
    await following.goOn();
    const cut = { cutSince: clock, why: "no route", currentAt, isRefused: false };
    expect(following.state()).toMatchObject(cut);
    clock += 3_600_000;
    following = await open();
    expect(following.state()).toMatchObject(cut);
    await following.goOn();
    expect(following.state()).toMatchObject(cut);
    line = (_path, bytes) => bytes;
    await following.goOn();
    expect(following.state()).toMatchObject({ cutSince: null, why: "", currentAt: clock });
    following = await open();
    expect(following.state()).toMatchObject({ cutSince: null, why: "" });
  });

  test("a token that the primary does not take is told as that, and not gone on with by what needs none", async () => {
    await pinThere(["kelp-0.tgz"]);
    line = (path, bytes) => {
      if (!path.startsWith("/-/api/")) return bytes;
      throw new Problem("unauthenticated", "there.example.test refuses the token of this server");
    };
    await following.goOn();
    await following.hear();
    const refused = { isRefused: true, cutSince: clock };
    expect(following.state()).toMatchObject(refused);
    await following.goOn();
    expect(following.state()).toMatchObject(refused);
    following = await open();
    expect(following.state()).toMatchObject(refused);
    line = (_path, bytes) => bytes;
    await following.hear();
    expect(following.state()).toMatchObject({ isRefused: false, cutSince: null });
  });

  test("that is cut in the middle is gone on with from there", async () => {
    await pinThere(names(0, 2000));
    let bundles = 0;
    line = (path, bytes) => {
      bundles += path.includes("entries") ? 1 : 0;
      if (bundles > 5) throw new Problem("unreachable", "no route");
      return bytes;
    };
    await following.goOn();
    expect(following.state()).toMatchObject({ taken: 0, cutSince: clock, why: "no route" });
    line = (_path, bytes) => bytes;
    asked = [];
    await following.goOn();
    expect(following.state()).toMatchObject({ taken: 2000, cutSince: null });
    expect(asked.length).toBe(1 + 4); // four bundles were there
  });

  const wrong: [what: string, lie: typeof line, kind: string][] = [
    [
      "a leaf that is another one",
      (path, bytes) =>
        path.includes("entries")
          ? Buffer.from(
              Buffer.from(bytes!).toString("latin1").replace("kelp-0", "kelp-x"),
              "latin1",
            )
          : bytes,
      "fork",
    ],
    ["a checkpoint that another key signed", otherKey, "fork"],
  ];
  for (const [what, lie, kind] of wrong)
    test(`${what} is not taken in, told once, and gone on with when it is right`, async () => {
      await pinThere(names(0, 10));
      line = lie;
      await following.goOn();
      await following.goOn();
      expect(following.state()).toMatchObject({ taken: 0, fault: expect.any(String) });
      expect(await kinds()).toEqual([kind]);
      expect(await wanted()).toEqual([]);
      following = await open();
      expect(following.state().fault).toBeString();
      line = (_path, bytes) => bytes;
      await following.goOn();
      expect(following.state()).toMatchObject({ taken: 10, fault: null });
    });

  const pages: [what: string, lie: typeof line][] = [
    ["a page", () => Buffer.from("<html>\n\n<p>We are back soon</p></html>\n")],
    ["an empty answer", () => Buffer.from("")],
    ['"not found" to everything', () => null],
  ];
  for (const [what, lie] of pages)
    test(`whoever answers with ${what} in its place is no other history: it is away`, async () => {
      await pinThere(names(0, 10));
      await following.goOn();
      line = lie;
      await following.goOn();
      expect(following.state()).toMatchObject({
        fault: null,
        why: expect.stringContaining("something else answers in its place"),
      });
      expect(await kinds()).toEqual([]);
      line = (_path, bytes) => bytes;
      await following.goOn();
      expect(following.state()).toMatchObject({ taken: 10, cutSince: null });
    });

  test("that has fewer leaves than it had is told, and so is one of other leaves", async () => {
    await pinThere(names(0, 10));
    const old = there.log.note()!;
    await pinThere(names(10, 10));
    await following.goOn();
    line = (path, bytes) => (path.endsWith("checkpoint") ? Buffer.from(old) : bytes);
    await following.goOn();
    line = (path, bytes) => (path.endsWith("checkpoint") ? null : bytes);
    await following.goOn();
    expect(await kinds()).toEqual(["rollback", "rollback"]);
    expect(following.state()).toMatchObject({ taken: 20, leaves: 20 });
  });

  test("that is taken as it is begins anew, and what is pinned here stays", async () => {
    await pinThere(names(0, 10));
    const old = there.log.note()!;
    await pinThere(names(10, 10));
    await following.goOn();
    line = (path, bytes) => (path.endsWith("checkpoint") ? Buffer.from(old) : bytes);
    await following.goOn();
    await following.beginAnew("ann", "it was meant");
    await following.goOn();
    expect(following.state()).toMatchObject({ taken: 10, fault: null });
    expect(await kinds()).toEqual(["rollback", "history-accepted"]);
    const key = { repository: "npm", package: "kelp", file: "kelp-15.tgz" };
    expect(await readPin(here.database.read, key)).not.toBe(null);
  });

  test("of another key is followed from its beginning", async () => {
    await pinThere(names(0, 3));
    await following.goOn();
    const files = openLogFiles(join(folder, "another-log"));
    await there.database.write((sql) => sql`DELETE FROM log_state`);
    const another = await openLog({ ...there, files, name: "another.example.test" });
    there.log = another;
    await pinThere(names(3, 2));
    following = await open({ files: openLogFiles(join(folder, "another-copy")) });
    expect(following.state()).toMatchObject({ taken: 0, heardAt: null });
    await following.goOn();
    expect(following.state()).toMatchObject({ taken: 2, fault: null });
  });

  test("gives receipts here as it does there", async () => {
    await pinThere(names(0, 300));
    await following.goOn();
    const key = { repository: "npm", package: "kelp", file: "kelp-200.tgz" };
    const files = openLogFiles(join(folder, "here-log"));
    for (const log of [
      followedLog(files, deps.key, following.mirror),
      await readFollowedLog(files, deps.key, here.database.read),
    ]) {
      const proof = await provePin(log, here.database.read, key);
      expect(readReceipt(proof!.proof, deps.key)).toMatchObject({ index: 200, size: 300 });
    }
  });
});

describe("pins", () => {
  test("of repositories that are not here are passed over, and only what is wished is brought", async () => {
    await pinThere(["a.deb"], { repository: "debian" });
    await pinThere(["a.whl"], { repository: "pypi" });
    await pinThere(["b.whl"], { repository: "pypi", upstream: HERE });
    await following.goOn();
    expect(await wanted()).toEqual(["pypi documents", "pypi b.whl"]);
    const key = { package: "kelp", file: "a.deb" };
    expect(await readPin(here.database.read, { repository: "debian", ...key })).toBe(null);
  });

  test("that contradict one of here are told, and nothing is brought", async () => {
    const key = { repository: "npm", package: "kelp", file: "kelp-0.tgz" };
    const more = { size: 3, firstSeen: 7, upstream: "r", digests: null, content: null };
    await here.database.write((sql) => pin(sql, key, { sha256: digest("b"), ...more }));
    await pinThere(["kelp-0.tgz"]);
    await following.goOn();
    expect(await kinds()).toEqual(["tampered"]);
    expect(await wanted()).toEqual(["npm documents"]);
    expect((await readPin(here.database.read, key))!.sha256).toBe(digest("b"));
  });

  test("that are taken back there are taken back here, and pinned anew", async () => {
    const key = { repository: "npm", package: "kelp", file: "kelp-0.tgz" };
    await pinThere(["kelp-0.tgz"]);
    await following.goOn();
    await there.database.write((sql) => unpin(sql, key, { at: 9, by: "ann", reason: "wrong" }));
    await there.log.drain();
    await following.goOn();
    expect([removed, await kinds()]).toEqual([["kelp-0.tgz"], ["unpinned"]]);
    expect(await readPin(here.database.read, key)).toBe(null);
    expect(await wanted()).toEqual(["npm documents"]);
    await pinThere(["kelp-0.tgz"], { sha256: digest("c") });
    await following.goOn();
    expect((await readPin(here.database.read, key))!.sha256).toBe(digest("c"));
  });

  test("are brought once, what fails later, and what was wanted again meanwhile once more", async () => {
    await pinThere(["kelp-0.tgz"]);
    await following.goOn();
    const [documents] = (await readWanted(here.database.read, clock, 1)) as [Wanted];
    const tried = await here.database.write((sql) => tryWanted(sql, documents, clock + 5000));
    expect(await wanted()).toEqual(["npm kelp-0.tgz"]);
    await pinThere(["kelp-1.tgz"]);
    await following.goOn();
    await here.database.write((sql) => endWanted(sql, tried));
    expect(await wanted()).toEqual(["npm documents", "npm kelp-0.tgz", "npm kelp-1.tgz"]);
    await bringAll();
    await following.count();
    expect([await wanted(), following.state().wanted]).toEqual([[], 0]);
  });
});

describe("what is said beside the log", () => {
  test("is taken over once, kept over a restart, and held for as long as the operator says", async () => {
    following = await open({ accessForMs: 1000 });
    expect(following.shut()).toContain("has not said yet");
    await following.hear();
    expect([taken.length, following.shut()]).toEqual([1, null]);
    expect(following.rules().teams).toEqual({ web: ["ann"] });
    state = { ...state, accessNow: null };
    clock += 70_000;
    await following.hear();
    expect(asked.at(-1)).toContain("access=a");
    following = await open({ accessForMs: 1000 });
    expect([following.rules().teams, following.shut()]).toEqual([{ web: ["ann"] }, null]);
    clock += 1001;
    expect(following.shut()).toContain("too long ago");
    clock -= 100_000;
    expect(following.shut()).toContain("too long ago");
  });

  test("of what is withheld is asked for what is pinned, again with each policy, and told where it changed", async () => {
    await pinThere(names(0, 2));
    await following.goOn();
    await bringAll();
    await following.hear();
    expect(asked.at(-1)).toEndWith('withheld {"repository":"npm","packages":["kelp"]}');
    expect([following.judgements(), judged]).toEqual([[], []]);
    const block = { version: "1.0.0", verdict: "block", rule: "bad", why: "malware", until: null };
    verdicts = [{ package: "kelp", verdicts: [block] }];
    asked = [];
    await following.hear();
    expect(asked.filter((one) => one.includes("withheld"))).toEqual([]);
    state = { ...state, policy: "q" };
    await following.hear();
    expect(judged).toEqual(["kelp"]);
    expect(await wanted()).toEqual(["npm documents"]);
    following = await open();
    expect(following.judgements()).toMatchObject([{ package: "kelp", verdicts: [block] }]);
  });

  test("of what was published takes back what is there no more, and brings what was restored", async () => {
    await pinThere(names(0, 2), { upstream: HERE });
    await following.goOn();
    await bringAll();
    const said = { repository: "npm", package: "kelp" };
    state.published = [{ ...said, revision: 3, files: ["kelp-1.tgz"] }];
    state.cursor = "5.x";
    await following.hear();
    await following.hear();
    expect(removed).toEqual(["kelp-0.tgz"]);
    expect(await wanted()).toEqual(["npm documents", "npm kelp-1.tgz"]);
    await bringAll();
    state.published = [{ ...said, revision: 4, files: ["kelp-0.tgz", "kelp-1.tgz"] }];
    await following.hear();
    expect(asked.at(-1)).toContain("cursor=5.x");
    expect(await wanted()).toEqual(["npm documents", "npm kelp-0.tgz", "npm kelp-1.tgz"]);
  });

  test("of a revision before the known one takes nothing back, unless the history is taken anew", async () => {
    await pinThere(names(0, 2), { upstream: HERE });
    await following.goOn();
    const said = { repository: "npm", package: "kelp" };
    state.published = [{ ...said, revision: 2, files: names(0, 2) }];
    await following.hear();
    await bringAll();
    state.published = [{ ...said, revision: 1, files: names(0, 1) }];
    await following.hear();
    expect([removed, await wanted()]).toEqual([[], []]);
    await following.beginAnew("ann", "a backup");
    await following.goOn();
    await following.hear();
    expect(removed).toEqual(["kelp-1.tgz"]);
  });

  test("is not taken over while the log forks, nor when it is no answer", async () => {
    await pinThere(names(0, 1));
    line = otherKey;
    await following.goOn();
    await following.hear();
    expect(taken).toEqual([]);
    line = (path, bytes) => (path.startsWith("/-/api") ? Buffer.from("<html>") : bytes);
    await following.goOn();
    await following.hear();
    expect([taken, following.state().why]).toEqual([[], expect.stringContaining("no JSON")]);
    line = (path, bytes) => (path.startsWith("/-/api") ? Buffer.from("{}") : bytes);
    await following.hear();
    expect(following.state().why).toContain("otherwise than it should: access");
    line = (path, bytes) => (path.startsWith("/-/api") ? null : bytes);
    await following.hear();
    expect(following.state().why).toContain("of a version before");
  });

  test("nothing is taken in once the server stops", async () => {
    await pinThere(names(0, 3));
    ending.abort();
    await following.goOn();
    expect(following.state().taken).toBe(0);
  });
});
