import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AlarmName, alarmNames } from "../core/alarm.ts";
import type { EventKind } from "../core/event.ts";
import { createLog } from "../core/log.ts";
import { createMetrics, type Metrics } from "../core/metrics.ts";
import { theServer } from "../core/principal.ts";
import type { SeriesAnswer } from "../core/series.ts";
import { createEvents, type Events } from "../ledger/events.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { type Alarms, createAlarms } from "./room.ts";
import { rulesOf, type Sights, type Thresholds } from "./rules.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 10, 26, 12);

const standard: Thresholds = {
  upstreamDownMs: 5 * MINUTE,
  mirrorStaleMs: 6 * HOUR,
  validUntilMs: 2 * DAY,
  diskFullMs: 14 * DAY,
  storageAwayMs: MINUTE,
  nodesDifferMs: 5 * MINUTE,
  errorRate: 0.05,
  feedStaleMs: 3 * DAY,
  followerStaleMs: HOUR,
  backupStaleMs: 2 * DAY,
  quietMs: DAY,
  off: [],
};

let root: string;
let database: Database;
let metrics: Metrics;
let events: Events;
let alarms: Alarms;
let clock = START;
let sights: Sights;
let thresholds = standard;
let logged: string[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-alarms-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  [clock, thresholds, logged] = [START, standard, []];
  open();
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

/** Also after a restart: nothing is remembered but what stands in the database. */
function open(): void {
  const log = createLog("json", (line) => logged.push(line));
  metrics = createMetrics();
  events = createEvents(database, log, metrics, () => clock);
  const nothing = async () => [];
  sights = {
    database,
    metrics,
    series: async () => ({ series: [] }) as unknown as SeriesAnswer,
    forecast: async () => ({
      days: 0,
      free: 0,
      growth: null,
      full: { early: null, likely: null, late: null },
    }),
    disk: async () => ({ free: 100 }),
    diskLow: () => 10,
    keptFiles: () => null,
    upstreams: () => [],
    operations: nothing,
    endings: nothing,
    feeds: nothing,
    followed: () => null,
    backups: async () => ({ last: null, failed: null }),
    outages: () => [],
    unlike: () => null,
    host: null,
    elsewhere: async () => [],
    startedAt: clock,
  };
  alarms = createAlarms({
    database,
    events,
    rules: rulesOf(new Proxy(sights, { get: (_, key) => sights[key as keyof Sights] })),
    thresholds: () => thresholds,
    audit: async (sql, entry) =>
      void (await sql`INSERT INTO audit (at, action, kind, principal, address, detail)
        VALUES (${clock}, ${entry.action}, 'server', ${entry.principal.name}, '', ${JSON.stringify(entry.detail)})`),
    metrics,
    log,
    now: () => clock,
  });
}

async function look(after = 0): Promise<void> {
  clock += after;
  await alarms.look();
}
/** What hooks are told: these events are written down for them. */
async function told(): Promise<string[]> {
  await events.settled();
  const all = await events.list({ limit: 100 });
  return all
    .filter(({ kind }) => kind.startsWith("alarm"))
    .map(({ kind, repository, detail }) => `${kind} ${detail!["rule"]} ${repository}`);
}
async function happened(kind: EventKind, repository = "npm", message = "It happened") {
  events.report(repository, { kind, package: "left", message });
  await events.settled();
}
const openRules = async () =>
  (await alarms.open()).map(({ rule, subject }) => `${rule} ${subject}`);

test("nothing is open where nothing is wrong", async () => {
  await look();
  expect([await told(), await alarms.open()]).toEqual([[], []]);
});

describe("what events tell of", () => {
  test("is told once, however often it happens, and is over when nothing more came for a day", async () => {
    await happened("tampered");
    for (let nth = 0; nth < 5; nth += 1) {
      await look(MINUTE);
      await happened("tampered", "npm", `Once more, ${nth}`);
    }
    await look();
    expect(await told()).toEqual(["alarm tampered npm"]);
    expect((await alarms.open())[0]).toMatchObject({
      message: "Once more, 4",
      since: START + MINUTE,
    });
    await look(DAY - MINUTE);
    expect(await openRules()).toEqual(["tampered tampered"]);
    await look(2 * MINUTE);
    expect(await told()).toEqual(["alarm tampered npm", "alarm-over tampered npm"]);
    expect(await alarms.open()).toEqual([]);
  });

  test("has its rule: what is held, and forks", async () => {
    await happened("withheld", "pypi");
    await happened("rollback", "debian");
    await happened("fork", "go");
    await happened("skipped", "npm");
    await look();
    expect((await told()).toSorted()).toEqual([
      "alarm fork go",
      "alarm held debian",
      "alarm held pypi",
    ]);
  });

  test("of long ago is no alarm at the first start with this room", async () => {
    await happened("tampered");
    clock += 2 * DAY;
    open();
    await look();
    expect(await told()).toEqual([]);
  });
});

test("what is open stays open across a restart, and is told neither twice nor forgotten", async () => {
  await happened("tampered");
  await look();
  open();
  await look(MINUTE);
  expect(await told()).toEqual(["alarm tampered npm"]);
  open();
  await look(2 * DAY);
  expect(await told()).toEqual(["alarm tampered npm", "alarm-over tampered npm"]);
});

test("what begins at once in a repository is one message", async () => {
  sights.feeds = async () =>
    ["a", "b", "c", "d", "e"].map((name) => ({ name, readAt: clock - 4 * DAY, error: null }));
  await look();
  expect(await told()).toEqual(["alarm feed-stale -"]);
  const [event] = await events.list({ limit: 1, kind: "alarm" });
  expect(event!.message).toMatch(
    /^Alarm: The feed a .*; The feed b .*; The feed c .*; and 2 more$/,
  );
  expect(event!.detail!["subjects"]).toEqual(["a", "b", "c", "d", "e"]);
});

describe("an upstream", () => {
  const one = { repository: "npm", host: "one.test", isAway: false, reason: "", answers: 1 };
  const see = (isAway: boolean, answers = 1) => {
    sights.upstreams = () => [{ ...one, isAway, answers, reason: isAway ? "no route" : "" }];
  };

  test("that is away for five minutes is an alarm, and one that comes and goes is none", async () => {
    for (let nth = 0; nth < 30; nth += 1) {
      see(nth % 4 !== 0);
      await look(MINUTE);
    }
    expect(await told()).toEqual([]);
    see(false);
    await look(MINUTE);
    see(true);
    for (let nth = 0; nth < 7; nth += 1) await look(MINUTE);
    expect(await told()).toEqual(["alarm upstream-down npm"]);
    expect((await alarms.open())[0]!.message).toBe(
      "one.test, an upstream of npm, cannot be reached: no route",
    );
    see(false, 2);
    await look(MINUTE);
    expect(await told()).toEqual(["alarm upstream-down npm", "alarm-over upstream-down npm"]);
  });

  test("that was away before a restart is neither back nor told again before it answers", async () => {
    see(true);
    for (let nth = 0; nth < 7; nth += 1) await look(MINUTE);
    open();
    see(false, 0);
    for (let nth = 0; nth < 7; nth += 1) await look(MINUTE);
    expect(await told()).toEqual(["alarm upstream-down npm"]);
    see(false, 1);
    await look(MINUTE);
    expect((await told()).at(-1)).toBe("alarm-over upstream-down npm");
  });

  test("that is asked no more is over", async () => {
    see(true);
    for (let nth = 0; nth < 7; nth += 1) await look(MINUTE);
    sights.upstreams = () => [];
    await look();
    expect(await alarms.open()).toEqual([]);
  });

  test("is not away for longer than it was by a clock that is put back", async () => {
    see(true);
    await look();
    clock -= 365 * DAY;
    for (let nth = 0; nth < 7; nth += 1) await look(MINUTE);
    expect(await told()).toEqual(["alarm upstream-down npm"]);
  });
});

describe("what the server stands on", () => {
  const bucket = { part: "bucket", why: "refused", since: START, until: null as number | null };

  test("is an alarm when it is away for a minute, and over when it is back", async () => {
    sights.outages = () => [bucket, { ...bucket, part: "news" }];
    await look(MINUTE / 2);
    expect(await told()).toEqual([]);
    await look(MINUTE);
    await look(MINUTE);
    expect(await alarms.open()).toMatchObject([
      { subject: "bucket", message: "The bucket cannot be reached: refused" },
    ]);
    sights.outages = () => [{ ...bucket, until: clock }];
    await look(MINUTE);
    await look(MINUTE);
    expect(await told()).toEqual(["alarm storage-away -", "alarm-over storage-away -"]);
  });

  test("and could not be told of while it was, is told once when it is back, and over then", async () => {
    const until = START + 5 * MINUTE;
    sights.outages = () => [{ ...bucket, part: "database", until }];
    clock = until;
    await look(1);
    expect((await alarms.open())[0]!.message).toBe(
      "The database could not be reached from 2026-11-26 12:00 UTC to 2026-11-26 12:05 UTC: refused",
    );
    for (let nth = 0; nth < 3; nth += 1) await look(MINUTE);
    expect(await told()).toEqual(["alarm storage-away -", "alarm-over storage-away -"]);
  });

  test("and was back long before this server began to look is another one's to tell", async () => {
    const until = START + 5 * MINUTE;
    sights.outages = () => [{ ...bucket, until }];
    clock = until + 10 * MINUTE;
    await look(1);
    expect(await told()).toEqual([]);
  });

  test("for some seconds is none", async () => {
    sights.outages = () => [{ ...bucket, until: START + 20_000 }];
    await look(MINUTE);
    expect(await told()).toEqual([]);
  });
});

test("a catalog that may remove no files is one until it may again", async () => {
  sights.keptFiles = () => "The catalog does not know";
  for (let nth = 0; nth < 3; nth += 1) await look(MINUTE);
  expect((await alarms.open()).map(({ message }) => message)).toEqual([
    "The catalog does not know",
  ]);
  sights.keptFiles = () => null;
  await look(MINUTE);
  expect(await told()).toEqual(["alarm catalog-behind -", "alarm-over catalog-behind -"]);
});

test("configurations that differ are an alarm after five minutes, not while they are changed one after the other", async () => {
  for (let round = 0; round < 3; round += 1) {
    sights.unlike = () => "a and b";
    for (let nth = 0; nth < 4; nth += 1) await look(MINUTE);
    sights.unlike = () => null;
    await look(MINUTE);
  }
  expect(await told()).toEqual([]);
  sights.unlike = () => "a and b";
  for (let nth = 0; nth < 8; nth += 1) await look(MINUTE);
  expect((await alarms.open()).map(({ message }) => message)).toEqual(["a and b"]);
  sights.unlike = () => null;
  await look(MINUTE);
  expect(await told()).toEqual(["alarm nodes-differ -", "alarm-over nodes-differ -"]);
});

describe("each rule has its mark", () => {
  const requests = (outcome: string, sum: number) => ({
    name: "requests" as const,
    labels: { repository: "npm", outcome },
    points: [{ sum, count: 1, max: sum, buckets: null }, null],
  });
  const cases: [rule: AlarmName, wrong: () => void, right: () => void][] = [
    [
      "canary",
      () =>
        metrics.gauge("holdfast_canary_ok", "C", () => [[{ repository: "npm", canary: "bad" }, 0]]),
      () =>
        metrics.gauge("holdfast_canary_ok", "C", () => [[{ repository: "npm", canary: "bad" }, 1]]),
    ],
    [
      "mirror-stale",
      () => {
        sights.operations = async () => [
          { repository: "debian", name: "mirror run", everyMs: HOUR, doneAt: clock - 8 * HOUR },
        ];
      },
      () => {
        sights.operations = async () => [
          { repository: "debian", name: "mirror run", everyMs: HOUR, doneAt: clock - 6 * HOUR },
          { repository: "debian", name: "mirror new", everyMs: HOUR, doneAt: null },
        ];
      },
    ],
    [
      "valid-until",
      () => {
        sights.endings = async () => [
          { repository: "debian", subject: "stable", what: "Valid-Until", endsAt: clock + DAY },
        ];
      },
      () => {
        sights.endings = async () => [
          { repository: "debian", subject: "stable", what: "Valid-Until", endsAt: clock + 3 * DAY },
        ];
      },
    ],
    [
      "disk-low",
      () => {
        sights.disk = async () => ({ free: 9 });
      },
      () => {
        sights.disk = async () => ({ free: 13 });
      },
    ],
    [
      "disk-full",
      () => {
        const full = { early: null, likely: clock + 13 * DAY, late: null };
        const growth = { low: 1, median: 2, high: 3 };
        sights.forecast = async () => ({ days: 14, free: 9, growth, full });
      },
      () => {
        const full = { early: clock, likely: clock + 15 * DAY, late: null };
        const growth = { low: 1, median: 2, high: 3 };
        sights.forecast = async () => ({ days: 14, free: 9, growth, full });
      },
    ],
    [
      "error-rate",
      () => {
        sights.series = async () =>
          ({ series: [requests("hit", 90), requests("failed", 10)] }) as unknown as SeriesAnswer;
      },
      () => {
        // Half of a few are chance, and what no upstream answers is no fault of the server.
        sights.series = async () =>
          ({
            series: [
              requests("failed", 5),
              requests("unavailable", 500),
              { ...requests("failed", 20), labels: { repository: "pypi", outcome: "failed" } },
            ],
          }) as unknown as SeriesAnswer;
      },
    ],
    [
      "feed-stale",
      () => {
        sights.feeds = async () => [{ name: "osv", readAt: clock - 4 * DAY, error: "no route" }];
      },
      () => {
        sights.feeds = async () => [
          { name: "osv", readAt: clock - 2 * DAY, error: "no route" },
          { name: "new", readAt: null, error: null },
        ];
      },
    ],
  ];
  for (const [rule, wrong, right] of cases)
    test(rule, async () => {
      right();
      await look(MINUTE);
      expect(await told()).toEqual([]);
      wrong();
      await look(MINUTE);
      await look(MINUTE);
      expect((await told()).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
        `alarm ${rule}`,
      ]);
      const [{ message } = { message: "" }] = await alarms.open();
      expect(message).not.toMatch(/undefined|null|NaN/);
      right();
      await look(MINUTE);
      expect((await told()).at(-1)).toStartWith(`alarm-over ${rule} `);
      expect(await alarms.open()).toEqual([]);
    });
});

test("room on the disk is back with a quarter more than the mark", async () => {
  for (const [free, want] of [
    [9, 1],
    [11, 1],
    [12.6, 0],
    [11, 0],
  ] as const) {
    sights.disk = async () => ({ free });
    await look(MINUTE);
    expect([free, (await alarms.open()).length]).toEqual([free, want]);
  }
});

test("a canary of which nothing is known yet after a restart stays as it was, for half an hour", async () => {
  metrics.gauge("holdfast_canary_ok", "C", () => [[{ repository: "npm", canary: "bad" }, 0]]);
  await look();
  open();
  await look(MINUTE);
  expect(await openRules()).toEqual(["canary bad"]);
  await look(HOUR);
  expect(await openRules()).toEqual([]);
});

describe("of several servers one looks for all:", () => {
  const red = { repository: "npm", canary: "bad" };
  const asked = (value: number) => metrics.gauge("holdfast_canary_ok", "C", () => [[red, value]]);
  const messages = async () => (await alarms.open()).map(({ message }) => message);

  test("a canary that is red on any of them is, and that none can be asked there", async () => {
    asked(1);
    sights.host = "b";
    const all = { repository: "-", canary: "all", host: "c" };
    sights.elsewhere = async (kind) =>
      kind === "canary-red"
        ? [{ host: "a", ...red }, { host: "a", repository: "gone", canary: "bad" }, all]
        : [];
    await look();
    expect((await messages()).toSorted()).toEqual([
      "All canaries are red on c",
      "The canary bad of npm is red on a",
    ]);
    sights.elsewhere = async () => [];
    await look(MINUTE);
    expect(await messages()).toEqual([]);
  });

  test("it stays one alarm when another one looks", async () => {
    asked(1);
    const isLow = { repository: "-", canary: "", host: "a" };
    sights.host = "b";
    sights.elsewhere = async (kind) => (kind === "disk-low" ? [isLow] : [{ host: "a", ...red }]);
    await look();
    const before = await messages();
    expect(before.toSorted()).toEqual([
      "The canary bad of npm is red on a",
      "The disk of the data directory of a has little room left, under 10 B",
    ]);
    open();
    asked(0);
    sights.host = "a";
    sights.disk = async () => ({ free: 9 });
    await look(MINUTE);
    expect(await messages()).toEqual(before);
    expect(await told()).toHaveLength(2);
  });
});

test("a rule that cannot be looked at keeps none of the others, and what it has open stays", async () => {
  sights.feeds = async () => [{ name: "osv", readAt: 0, error: null }];
  await look();
  sights.feeds = async () => {
    throw new Error("no feeds");
  };
  await happened("tampered");
  await look(MINUTE);
  expect((await openRules()).toSorted()).toEqual(["feed-stale osv", "tampered tampered"]);
  expect(logged.join("\n")).toContain("The alarm feed-stale cannot be looked at");
});

test("a rule that is switched off is over, and nobody is told of that", async () => {
  await happened("tampered");
  await look();
  thresholds = { ...standard, off: ["tampered"] };
  await look(MINUTE);
  expect([await told(), await alarms.open()]).toEqual([["alarm tampered npm"], []]);
});

describe("a silence", () => {
  const quiet = (more: Partial<Parameters<Alarms["silence"]>[1]> = {}) =>
    alarms.silence(theServer, {
      rule: null,
      repository: null,
      reason: "they move",
      endsAt: clock + HOUR,
      ...more,
    });

  test("keeps what begins meanwhile from being told, until its end", async () => {
    await quiet({ rule: "tampered" });
    await happened("tampered");
    await happened("fork");
    await look();
    expect(await told()).toEqual(["alarm fork npm"]);
    expect(
      (await alarms.open()).map((one) => [one.rule, one.isSilenced, one.toldAt === null]),
    ).toEqual([
      ["fork", false, false],
      ["tampered", true, true],
    ]);
    await look(HOUR + MINUTE);
    expect(await told()).toEqual(["alarm fork npm", "alarm tampered npm"]);
  });

  test("tells nothing of what begins and is over meanwhile, and of what was told before that it is over", async () => {
    await happened("fork");
    await look();
    await quiet({ endsAt: clock + 10 * DAY });
    await happened("tampered");
    await look();
    await look(2 * DAY);
    await look(10 * DAY);
    expect(await told()).toEqual(["alarm fork npm", "alarm-over fork npm"]);
  });

  test("can be of one repository, and is ended by its id or the beginning of it, with lines in the audit log", async () => {
    const { id } = await quiet({ repository: "pypi" });
    await happened("tampered", "npm");
    await happened("tampered", "pypi");
    await look();
    expect(await told()).toEqual(["alarm tampered npm"]);
    expect(await alarms.silences()).toMatchObject([
      { id, repository: "pypi", owner: "the server" },
    ]);
    expect(await alarms.unsilence(theServer, id.slice(0, 8))).toMatchObject({ id });
    await look(MINUTE);
    expect(await told()).toEqual(["alarm tampered npm", "alarm tampered pypi"]);
    expect(alarms.unsilence(theServer, id)).rejects.toThrow("There is no silence");
    expect(alarms.unsilence(theServer, "")).rejects.toThrow("There is no silence");
    const lines = await database.read`SELECT action FROM audit ORDER BY id`;
    expect(lines.map(({ action }) => action)).toEqual(["silence", "unsilence"]);
  });

  test("takes a reason and an end that is not too far", async () => {
    for (const [wrong, why] of [
      [{ reason: "  " }, "takes a reason"],
      [{ endsAt: START }, "lies in the past"],
      [{ endsAt: START + 91 * DAY }, "90 days at most"],
    ] as const)
      expect(quiet(wrong)).rejects.toThrow(why);
    expect(await alarms.silences()).toEqual([]);
  });
});

test("the metrics count them by rule and level", async () => {
  await happened("tampered");
  await look();
  const page = await metrics.render();
  expect(page).toContain('holdfast_alarms{rule="tampered",level="error",silenced="false"} 1\n');
  for (const rule of alarmNames) expect(page).toContain(`holdfast_alarms{rule="${rule}"`);
});

test("a backup that is old or failed is an alarm, and one that nobody ever told of is none", async () => {
  await look(9 * DAY);
  expect(await openRules()).toEqual([]);
  const at = clock;
  sights.backups = async () => ({ last: { at, to: "s3://b" }, failed: null });
  await look(2 * DAY);
  expect(await openRules()).toEqual([]);
  await look(1);
  expect((await alarms.open())[0]!.message).toMatch(
    /^The last backup, to s3:\/\/b, came to its end on /,
  );
  sights.backups = async () => ({ last: { at: clock, to: "s3://b" }, failed: null });
  await look(MINUTE);
  expect(await told()).toEqual(["alarm backup-stale -", "alarm-over backup-stale -"]);
  const failed = { at: clock, to: "s3://b", why: "the bucket is full" };
  sights.backups = async () => ({ last: { at: clock, to: "s3://b" }, failed });
  await look(MINUTE);
  expect((await alarms.open())[0]!.message).toContain("since then one failed: the bucket is full");
});

test("a server that is followed is an alarm when nothing was taken in for long, and when it shows another history", async () => {
  const one = { host: "p.test", currentAt: null as number | null, fault: null as string | null };
  sights.followed = () => ({ ...one, why: "no route" });
  await look(HOUR);
  expect(await openRules()).toEqual([]);
  await look(1);
  expect((await alarms.open())[0]!.message).toBe(
    "All that p.test has, which is followed, was taken in never since the start: no route",
  );
  one.currentAt = clock;
  await look(MINUTE);
  expect(await told()).toEqual(["alarm follower-stale -", "alarm-over follower-stale -"]);
  one.fault = "p.test is not gone on with";
  await look(MINUTE);
  expect(await openRules()).toEqual(["follower-stale p.test"]);
});
