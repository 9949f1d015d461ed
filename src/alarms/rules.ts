// What each rule looks at. A rule says what is wrong now; that it is told once, and once when it is over, is not its business.
import {
  ALL_CANARIES,
  type AlarmName,
  alarmedEvents,
  alarmNames,
  type OpenAlarm,
} from "../core/alarm.ts";
import { type EventKind, NO_REPOSITORY } from "../core/event.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Forecast, ReadSeries } from "../core/series.ts";
import { overall } from "../core/series-reading.ts";
import { humanSize } from "../core/size.ts";
import type { Query } from "../store/database.ts";
import type { Firing } from "./plan.ts";
import { readEvents } from "./rows.ts";

/** From when on something is an alarm: times in milliseconds. */
export interface Thresholds {
  upstreamDownMs: number;
  mirrorStaleMs: number;
  validUntilMs: number;
  diskFullMs: number;
  storageAwayMs: number;
  nodesDifferMs: number;
  /** A part of one. */
  errorRate: number;
  feedStaleMs: number;
  followerStaleMs: number;
  backupStaleMs: number;
  quietMs: number;
  off: readonly AlarmName[];
}

/** What the rules look at: given, so that this room reaches for nothing. */
export interface Sights {
  database: { readonly read: Query };
  metrics: Pick<Metrics, "read">;
  series: ReadSeries;
  forecast(): Promise<Forecast>;
  disk(): Promise<{ free: number }>;
  /** Under which so few bytes are an event. */
  diskLow(): number;
  upstreams(): readonly {
    repository: string;
    host: string;
    isAway: boolean;
    reason: string;
    answers: number;
  }[];
  /** What the server does by itself: when it was last done to its end, null for never; and how often it is due. */
  operations(): Promise<
    readonly { repository: string; name: string; everyMs: number; doneAt: number | null }[]
  >;
  /** By when something is to be made anew, and in words what. */
  endings(): Promise<
    readonly { repository: string; subject: string; what: string; endsAt: number }[]
  >;
  feeds(): Promise<readonly { name: string; readAt: number | null; error: string | null }[]>;
  /** The server that this one follows: when all that it said was last taken in, null for never; and what is wrong. Null where it follows none. */
  followed(): { host: string; currentAt: number | null; fault: string | null; why: string } | null;
  /** What was told of backups. Times in milliseconds since the epoch. */
  backups(): Promise<{
    last: { at: number; to: string } | null;
    failed: { at: number; to: string; why: string } | null;
  }>;
  /** What the server stands on that is away, or was of late; `until`: null while it is. Times in milliseconds since the epoch. */
  outages(): readonly { part: string; why: string; since: number; until: number | null }[];
  /** Why no files may be removed, in words; null where they may. */
  keptFiles(): string | null;
  /** In which servers on the catalog differ that are to be alike, in words; null where in nothing. */
  unlike(): string | null;
  /** Of several servers the host of this one, which looks for all; null where it is alone. */
  host: string | null;
  /** What other servers that live last told of themselves to be wrong. */
  elsewhere(
    kind: "canary-red" | "disk-low",
  ): Promise<readonly { host: string; repository: string; canary: string }[]>;
  startedAt: number;
}

export interface Looking {
  now: number;
  thresholds: Thresholds;
  /** What this rule has open. */
  open: readonly OpenAlarm[];
}

/** Null: nothing can be told now. */
export type Look = (looking: Looking) => Promise<readonly Firing[] | null>;

/** Over which time errors are counted, and how many requests it takes. */
const RATE_MS = 5 * 60_000;
const LEAST_REQUESTS = 50;
/** A disk has room again with so much more than the mark, so that one on the mark raises no flood. */
const ROOM_AGAIN = 1.25;
/** So long after the start it is known what canaries say, where there are any. */
const CANARIES_MS = 30 * 60_000;

/** By name, one for each of `alarmNames`. */
export function rulesOf(sights: Sights): Readonly<Record<AlarmName, Look>> {
  /** Since when an upstream is away, as far as it was seen: by repository and host. */
  const away = new Map<string, number>();
  return {
    tampered: lately(sights, "tampered"),
    held: lately(sights, "held"),
    fork: lately(sights, "fork"),
    canary: ({ now }) => redCanaries(sights, now),
    "upstream-down": (looking) => upstreamsDown(sights, away, looking),
    "mirror-stale": (looking) => staleOperations(sights, looking),
    "valid-until": (looking) => nearEndings(sights, looking),
    "disk-low": (looking) => diskLow(sights, looking),
    "disk-full": (looking) => diskFull(sights, looking),
    "storage-away": storageAway(sights),
    "catalog-behind": async () => {
      const message = sights.keptFiles();
      return message === null ? [] : [{ repository: NO_REPOSITORY, subject: "files", message }];
    },
    "nodes-differ": nodesDiffer(sights),
    "error-rate": (looking) => errorRate(sights, looking),
    "follower-stale": (looking) => staleFollower(sights, looking),
    "backup-stale": (looking) => staleBackup(sights, looking),
    "feed-stale": (looking) => staleFeeds(sights, looking),
  };
}

/** Events of these kinds: an alarm until none came for a while. */
function lately({ database }: Sights, rule: keyof typeof alarmedEvents): Look {
  const kinds: readonly EventKind[] = alarmedEvents[rule];
  return async ({ now, thresholds: { quietMs } }) => {
    const found = await Promise.all(
      kinds.map(async (kind) =>
        (await readEvents(database.read, kind, now - quietMs)).map(({ repository, message }) => ({
          repository,
          subject: kind,
          message,
        })),
      ),
    );
    return found.flat();
  };
}

async function redCanaries({ metrics, startedAt, host, elsewhere }: Sights, now: number) {
  const readings = await metrics.read("holdfast_canary_ok");
  if (readings.length === 0 && now - startedAt < CANARIES_MS) return null;
  const others = await elsewhere("canary-red");
  const asked = readings.map(({ value, labels: { repository = NO_REPOSITORY, canary = "" } }) => ({
    ...{ repository, canary },
    hosts: value === 0 ? [host] : [],
  }));
  // What is not asked here any more is not asked elsewhere; that none can be asked there has no reading here.
  const none = { repository: NO_REPOSITORY, canary: ALL_CANARIES, hosts: [] };
  return [...asked, none].flatMap(({ repository, canary, hosts }) => {
    const red = [
      ...hosts,
      ...others
        .filter((one) => one.repository === repository && one.canary === canary)
        .map((one) => one.host),
    ].sort();
    if (red.length === 0) return [];
    const what =
      canary === ALL_CANARIES ? "All canaries are" : `The canary ${canary} of ${repository} is`;
    const message = `${what} red${host === null ? "" : ` on ${red.join(", ")}`}`;
    return [{ repository, subject: canary, message }];
  });
}

async function upstreamsDown(
  { upstreams }: Sights,
  away: Map<string, number>,
  { now, thresholds: { upstreamDownMs }, open }: Looking,
): Promise<Firing[]> {
  const all = upstreams();
  const keys = new Set(all.map(({ repository, host }) => `${repository}\0${host}`));
  for (const key of away.keys()) if (!keys.has(key)) away.delete(key);
  return all.flatMap(({ repository, host, isAway, reason, answers }) => {
    const key = `${repository}\0${host}`;
    const known = open.find((one) => one.repository === repository && one.subject === host);
    if (isAway) away.set(key, Math.min(away.get(key) ?? now, now));
    // Whether one that was away before the start is back is not known before it answers.
    else if (!known || answers > 0) away.delete(key);
    const isDown = known
      ? isAway || answers === 0
      : now - (away.get(key) ?? now) >= upstreamDownMs && isAway;
    if (!isDown) return [];
    const why = reason === "" ? "" : `: ${reason}`;
    const message = `${host}, an upstream of ${repository}, cannot be reached${why}`;
    return [{ repository, subject: host, message: isAway ? message : known!.message }];
  });
}

async function staleOperations(
  { operations, startedAt }: Sights,
  { now, thresholds: { mirrorStaleMs } }: Looking,
): Promise<Firing[]> {
  const all = await operations();
  return all
    .filter(({ doneAt, everyMs }) => now - (doneAt ?? startedAt) > everyMs + mirrorStaleMs)
    .map(({ repository, name, doneAt }) => ({
      repository,
      subject: name,
      message: `${name} of ${repository} was ${doneAt === null ? "never done to its end" : `last done to its end on ${moment(doneAt)}`}`,
    }));
}

async function nearEndings(
  { endings }: Sights,
  { now, thresholds: { validUntilMs } }: Looking,
): Promise<Firing[]> {
  const all = await endings();
  return all
    .filter(({ endsAt }) => endsAt - now < validUntilMs)
    .map(({ repository, subject, what, endsAt }) => ({
      repository,
      subject,
      message: `${what} of ${subject} in ${repository} ${endsAt <= now ? "was" : "is"} ${moment(endsAt)}`,
    }));
}

async function diskLow(
  { disk, diskLow: markOf, host, elsewhere }: Sights,
  { open }: Looking,
): Promise<Firing[]> {
  const { free } = await disk();
  const own = lowDisk(host, markOf());
  const isOpen = open.some(({ subject }) => subject === own.subject);
  const others = await elsewhere("disk-low");
  return [
    ...(free < markOf() * (isOpen ? ROOM_AGAIN : 1) ? [own] : []),
    ...others.map((one) => lowDisk(one.host, markOf())),
  ];
}

function lowDisk(host: string | null, mark: number): Firing {
  const where = host === null ? "" : ` of ${host}`;
  const message = `The disk of the data directory${where} has little room left, under ${humanSize(mark)}`;
  return { repository: NO_REPOSITORY, subject: `disk${where}`, message };
}

async function diskFull(
  { forecast }: Sights,
  { now, thresholds: { diskFullMs } }: Looking,
): Promise<Firing[]> {
  const { growth, full } = await forecast();
  if (!growth || full.likely === null || full.likely - now > diskFullMs) return [];
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const message = `The disk of the data directory grows by ${humanSize(growth.median)} a day: it is full about ${day(full.likely)}`;
  return [{ repository: NO_REPOSITORY, subject: "disk", message }];
}

/** For how long it is news that something is back. */
const NEWS_MS = 5 * 60_000;

/** While the database is away nothing can be told: that it was is told when it is back, and over with the next look. */
function storageAway(sights: Sights): Look {
  const told = new Set<string>();
  return async ({ now, thresholds: { storageAwayMs }, open }) =>
    sights.outages().flatMap(({ part, why, since, until }) => {
      if (part !== "database" && part !== "bucket") return [];
      const key = `${part} ${since}`;
      const isOpen = open.some(({ subject }) => subject === part);
      const isLong = (until ?? now) - since >= storageAwayMs;
      // What was over long before this server began to look another one has told.
      const isFresh = until !== null && now - until < NEWS_MS && !told.has(key);
      const isNews = until === null ? isLong || isOpen : isLong && isFresh;
      if (!isNews) return [];
      told.add(key);
      const words =
        until === null
          ? `The ${part} cannot be reached: ${why}`
          : `The ${part} could not be reached from ${moment(since)} to ${moment(until)}: ${why}`;
      return [{ repository: NO_REPOSITORY, subject: part, message: words }];
    });
}

/** A configuration that is changed on one server after the other is told in the log, and no alarm. */
function nodesDiffer(sights: Sights): Look {
  let since: number | null = null;
  return async ({ now, thresholds: { nodesDifferMs }, open }) => {
    const message = sights.unlike();
    if (message === null) {
      since = null;
      return [];
    }
    since = Math.min(since ?? now, now);
    if (open.length === 0 && now - since < nodesDifferMs) return [];
    return [{ repository: NO_REPOSITORY, subject: "configuration", message }];
  };
}

async function errorRate(
  { series }: Sights,
  { now, thresholds: { errorRate: most } }: Looking,
): Promise<Firing[]> {
  const { series: found } = await series({ names: ["requests"], from: now - RATE_MS, to: now });
  const byRepository = Map.groupBy(found, ({ labels }) => labels["repository"]!);
  return [...byRepository].flatMap(([name, all]) => {
    const failed = all.filter(({ labels }) => labels["outcome"] === "failed");
    const [requests, failures] = [overall(all)?.sum ?? 0, overall(failed)?.sum ?? 0];
    if (requests < LEAST_REQUESTS || failures / requests <= most) return [];
    // Without the numbers, which change with each look.
    const whose = name === NO_REPOSITORY ? "for pages, the API and metrics" : `of ${name}`;
    const message = `More than ${Math.round(most * 100)} % of the requests ${whose} fail for a fault of the server`;
    return [{ repository: name, subject: "requests", message }];
  });
}

async function staleFollower(
  { followed, startedAt }: Sights,
  { now, thresholds: { followerStaleMs } }: Looking,
): Promise<Firing[]> {
  const one = followed();
  if (!one) return [];
  const { host, currentAt, fault, why } = one;
  const firing = (message: string) => [{ repository: NO_REPOSITORY, subject: host, message }];
  if (fault !== null) return firing(fault);
  if (now - (currentAt ?? startedAt) <= followerStaleMs) return [];
  const last = currentAt === null ? "never since the start" : `last on ${moment(currentAt)}`;
  return firing(
    `All that ${host} has, which is followed, was taken in ${last}${why === "" ? "" : `: ${why}`}`,
  );
}

/** Whoever makes them otherwise, and tells nothing, is not told. */
async function staleBackup(
  { backups }: Sights,
  { now, thresholds: { backupStaleMs } }: Looking,
): Promise<Firing[]> {
  const { last, failed } = await backups();
  const isOld = last !== null && now - last.at > backupStaleMs;
  if (!isOld && !failed) return [];
  const done = last
    ? `The last backup, to ${last.to}, came to its end on ${moment(last.at)}`
    : "No backup came to its end";
  const why = failed ? `; since then one failed: ${failed.why}` : "";
  return [{ repository: NO_REPOSITORY, subject: "backup", message: `${done}${why}` }];
}

async function staleFeeds(
  { feeds, startedAt }: Sights,
  { now, thresholds: { feedStaleMs } }: Looking,
): Promise<Firing[]> {
  const all = await feeds();
  return all
    .filter(({ readAt }) => now - (readAt ?? startedAt) > feedStaleMs)
    .map(({ name, readAt, error }) => ({
      repository: NO_REPOSITORY,
      subject: name,
      message: `The feed ${name} was ${readAt === null ? "never read" : `last read on ${moment(readAt)}`}${error === null ? "" : `: ${error}`}`,
    }));
}

function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Whether it is the name of a rule. */
export function isAlarmName(text: string): text is AlarmName {
  return (alarmNames as readonly string[]).includes(text);
}
