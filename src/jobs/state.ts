// How the server fares, in one line and its reasons: whether upstreams are asked and answer, the disk has room, feeds are read, and what happened that
// nobody has looked at.
import { eventKinds, eventLevels } from "../core/event.ts";
import { humanSize } from "../core/size.ts";
import { countUnseen } from "../ledger/events.ts";
import type { ReadDatabase } from "../store/database.ts";
import type { CanaryRound } from "./canaries.ts";
import type { OverviewSource, SeenUpstream } from "./overview.ts";
import type { RoomOfRepository, RoomState } from "./room.ts";

/** Times are milliseconds since the epoch. */
export interface ServerReason {
  /** What is wrong, in a sentence without a final period. */
  text: string;
  since: number | null;
  /** What it is about, so that people are led to where it is looked into. */
  about: "upstream" | "disk" | "feed" | "canary" | "events" | "storage" | "nodes";
  /** `bad`: something is not served, or soon will not be. */
  level: "bad" | "warn";
}

export interface ServerCondition {
  state: "serving" | "degraded" | "offline";
  since: number;
  startedAt: number;
  /** What the database knows is left out, then. */
  isDatabaseAway: boolean;
  reasons: ServerReason[];
  upstreams: ({ repository: string } & SeenUpstream)[];
  /** Of the last month, that nobody has said they saw; counted up to MOST_UNSEEN. */
  unseen: { error: number; warn: number };
}

export const MOST_UNSEEN = 1_000;
const MONTH_MS = 30 * 86_400_000;
const LOUD = eventKinds.filter((kind) => eventLevels[kind] === "error");
const WARNING = eventKinds.filter((kind) => eventLevels[kind] === "warn");

export interface ConditionDeps {
  sources: readonly Pick<OverviewSource, "name" | "offline" | "isHostedOnly" | "upstreams">[];
  database: ReadDatabase;
  startedAt: number;
  disk(): Promise<RoomState>;
  /** Free bytes that are too few; 0: never. */
  diskLow: number;
  feeds(): Promise<readonly { name: string; error: string | null; readAt: string | null }[]>;
  /** What made-up packages proved last; null: nothing yet. */
  canaries(): CanaryRound | null;
  /** What is wrong with what the server stands on: database, bucket, other servers. */
  ground(): readonly ServerReason[];
  /** While it is, what it knows is left out. */
  isDatabaseAway(): boolean;
  now(): number;
}

export async function readCondition(deps: ConditionDeps): Promise<ServerCondition> {
  const { sources, database, now, startedAt } = deps;
  const isAway = deps.isDatabaseAway();
  const known = async <T>(read: () => Promise<T>, nothing: T) => (isAway ? nothing : read());
  const upstreams = sources.flatMap((one) =>
    one.upstreams().map((upstream) => ({ repository: one.name, ...upstream })),
  );
  const since = now() - MONTH_MS;
  const [error, warn] = await Promise.all(
    [LOUD, WARNING].map((kinds) =>
      known(() => countUnseen(database.read, kinds, since, MOST_UNSEEN), 0),
    ),
  );
  const reasons = [
    ...deps.ground(),
    ...upstreams.flatMap((one) => (one.isAway ? [awayReason(one)] : [])),
    ...(await known(async () => diskReasons(await deps.disk(), deps.diskLow), [])),
    ...feedReasons(await known(deps.feeds, [])),
    ...canaryReasons(deps.canaries()),
    ...eventReasons(error!),
  ];
  const asking = sources.filter(({ isHostedOnly }) => !isHostedOnly);
  const isOffline = asking.length > 0 && asking.every(({ offline }) => offline);
  const isDegraded = reasons.some(({ level }) => level === "bad");
  const begun = reasons.flatMap(({ since, level }) => (level === "bad" ? (since ?? []) : []));
  return {
    state: isOffline ? "offline" : isDegraded ? "degraded" : "serving",
    since:
      isDegraded && begun.length > 0
        ? Math.min(...begun)
        : Math.max(startedAt, await known(() => lastRecovery(database), 0)),
    startedAt,
    isDatabaseAway: isAway,
    reasons,
    upstreams,
    unseen: { error: error!, warn: warn! },
  };
}

function awayReason({
  repository,
  host,
  reason,
  health,
}: { repository: string } & SeenUpstream): ServerReason {
  return {
    text: `${host}, an upstream of ${repository}, cannot be reached: ${reason}`,
    since: health?.awaySince ?? null,
    about: "upstream",
    level: "bad",
  };
}

function diskReasons({ free, keepFree, wanted, repositories }: RoomState, low: number) {
  return [...lowReasons({ free, keepFree, wanted }, low), ...repositories.flatMap(quotaReasons)];
}

function lowReasons(
  { free, keepFree, wanted }: Pick<RoomState, "free" | "keepFree" | "wanted">,
  low: number,
): ServerReason[] {
  const base = { since: null, about: "disk" } as const;
  if (free < low)
    return [{ ...base, level: "bad", text: `The disk has little room left: ${humanSize(free)}` }];
  if (wanted > 0 || free < keepFree)
    return [
      { ...base, level: "warn", text: `Room is being made on the disk: ${humanSize(free)} free` },
    ];
  return [];
}

/** A repository that has more than it may: room is made in it, or something keeps all of it. */
function quotaReasons({ name, quota, wanted, whyNot }: RoomOfRepository): ServerReason[] {
  if (quota === null || wanted === 0) return [];
  const what = `${name} has ${humanSize(wanted)} more than its quota of ${humanSize(quota)}`;
  const text = whyNot === null ? `${what}: room is being made` : `${what}, and ${whyNot}`;
  return [{ text, since: null, about: "disk", level: "warn" }];
}

function feedReasons(
  feeds: readonly { name: string; error: string | null; readAt: string | null }[],
): ServerReason[] {
  return feeds.flatMap(({ name, error, readAt }) =>
    error === null
      ? []
      : [
          {
            text: `The feed ${name} could not be read: ${error}`,
            since: readAt === null ? null : Date.parse(readAt),
            about: "feed" as const,
            level: "warn" as const,
          },
        ],
  );
}

/** One for each repository: what one canary finds, others often find as well. */
function canaryReasons(last: CanaryRound | null): ServerReason[] {
  if (last && last.failure !== null)
    return [
      {
        text: `It is not proven that any repository enforces its rules: no canary could be asked (${last.failure})`,
        since: null,
        about: "canary",
        level: "bad",
      },
    ];
  const red = (last?.results ?? []).filter(({ state }) => state === "red");
  const names = [...new Set(red.map(({ repository }) => repository))];
  return names.map((name) => {
    const { canary, why } = red.find(({ repository }) => repository === name)!;
    return {
      text: `It is not proven that ${name} enforces its rules: its canary ${canary} is red${why ? ` (${why})` : ""}`,
      since: null,
      about: "canary",
      level: "bad",
    };
  });
}

function eventReasons(error: number): ServerReason[] {
  if (error === 0) return [];
  const many = error >= MOST_UNSEEN ? `${MOST_UNSEEN} events or more` : `${error} events`;
  const text =
    error === 1
      ? "An event that nobody has looked at is serious"
      : `${many} that nobody has looked at are serious`;
  return [{ text, since: null, about: "events", level: "warn" }];
}

/** When something was last told to be well again; 0 for never. */
async function lastRecovery({ read }: ReadDatabase): Promise<number> {
  const [row] =
    await read`SELECT max(at) AS at FROM events WHERE kind IN ('upstream-up', 'disk-ok', 'canary-green')`;
  return Number(row?.at ?? 0);
}
