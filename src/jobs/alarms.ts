// What an operator must know of the server's surroundings: an upstream that stays away, a disk with little room. Each is told once, and once
// when it is over, also where the server was restarted in between.
import { type EventKind, NO_REPOSITORY, type RepositoryEvent } from "../core/event.ts";
import { humanSize } from "../core/size.ts";
import type { Events } from "../ledger/events.ts";
import type { ReadDatabase } from "../store/database.ts";
import type { OverviewSource } from "./overview.ts";
import type { RecurringJob } from "./runner.ts";

export interface AlarmDeps {
  events: Pick<Events, "report" | "reportFound">;
  database: ReadDatabase;
  now(): number;
}

/** Of several servers on one database this one's host, by which it knows what it told of itself; null where it is alone. */
export type Host = string | null;

const LOOK_MS = 10_000;
/** Whoever is back sooner was not away: nobody could do anything about it. */
const AWAY_MS = 60_000;
/** Room again is so much more than the mark, so that a disk on the mark raises no flood. */
const ROOM_AGAIN = 1.25;
const UPSTREAMS: readonly [EventKind, EventKind] = ["upstream-down", "upstream-up"];
/** Events that are looked through for what was told last. */
const LOOKED_THROUGH = 1_000;

/** `all`: the repositories that there are now. */
export function watchUpstreams(
  all: () => readonly Pick<OverviewSource, "name" | "upstreams">[],
  { events, database, now }: AlarmDeps,
): RecurringJob {
  /** By repository and host: since when it is away, as far as it was seen, and whether that was told. */
  const away = new Map<string, { since: number; isTold: boolean; answers: number }>();
  let isRemembered = false;

  /** Of those that were told of before the start: whether they are back is not known before they answer. */
  async function remember(): Promise<void> {
    const seen = new Set<string>();
    for (const { kind, repository, at, detail } of await toldBefore(database, UPSTREAMS)) {
      const key = `${repository}\0${detail["upstream"]}`;
      if (!seen.has(key) && kind === "upstream-down")
        away.set(key, { since: at, isTold: true, answers: 0 });
      seen.add(key);
    }
    isRemembered = true;
  }

  return {
    name: "The watch on upstreams",
    everyMs: LOOK_MS,
    isForAll: true,
    async run() {
      if (!isRemembered) await remember();
      const known = new Set<string>();
      for (const { name, upstreams } of all())
        for (const { host, isAway, reason, answers } of upstreams()) {
          const key = `${name}\0${host}`;
          const before = away.get(key);
          known.add(key);
          // Of several servers on one database the first one that sees it tells it.
          const tell = (kind: EventKind, message: string, detail: object) =>
            events.reportFound(name, async (sql) => {
              const told = await toldBefore({ read: sql }, UPSTREAMS);
              const last = told.find(
                (one) => one.repository === name && one.detail["upstream"] === host,
              );
              const event = { kind, package: "", message, detail: { upstream: host, ...detail } };
              return (last?.kind ?? "upstream-up") === kind ? [] : [event];
            });
          if (isAway && !before) away.set(key, { since: now(), isTold: false, answers });
          else if (isAway && before && !before.isTold && now() - before.since >= AWAY_MS) {
            before.isTold = true;
            tell("upstream-down", `${host}, an upstream of ${name}, cannot be reached: ${reason}`, {
              reason,
            });
          } else if (!isAway && before && answers > 0) {
            away.delete(key);
            if (before.isTold)
              tell("upstream-up", `${host}, an upstream of ${name}, answers again`, {
                since: new Date(before.since).toISOString(),
              });
          }
        }
      // Who is asked no more is neither away nor back.
      for (const key of away.keys()) if (!known.has(key)) away.delete(key);
    },
  };
}

/** `mark`: how many free bytes are too few; 0 for never. */
export function watchDisk(
  freeBytes: () => Promise<number>,
  mark: () => number,
  { events, database, host = null }: AlarmDeps & { host?: Host },
): RecurringJob {
  let isLow: boolean | null = null;
  return {
    name: "The watch on the disk",
    everyMs: LOOK_MS,
    async run() {
      if (isLow === null) {
        const low = await toldWrong(database, "disk-low");
        isLow = low.some((one) => one.host === host);
      }
      const free = await freeBytes();
      const tell = (kind: EventKind, words: string) =>
        events.report(NO_REPOSITORY, {
          kind,
          package: "",
          message: `The disk that holds the data directory ${ofHost(host)}${words}: ${humanSize(free)} free`,
          detail: { freeBytes: free, mark: mark(), ...(host !== null && { host }) },
        });
      if (!isLow && free < mark()) {
        isLow = true;
        tell("disk-low", "has little room left");
      } else if (isLow && free >= mark() * ROOM_AGAIN) {
        isLow = false;
        tell("disk-ok", "has room again");
      }
    },
  };
}

type Before = Pick<RepositoryEvent, "kind"> & {
  repository: string;
  at: number;
  detail: Record<string, unknown>;
};

function ofHost(host: Host): string {
  return host === null ? "" : `of ${host} `;
}

const AGAIN = { "disk-low": "disk-ok", "canary-red": "canary-green" } as const;

/** Of what a server tells of itself, and by which host: what is wrong by the last that was told of it. */
export async function toldWrong(
  database: Pick<ReadDatabase, "read">,
  kind: keyof typeof AGAIN,
): Promise<{ host: Host; repository: string; canary: string }[]> {
  const last = new Map<string, Before>();
  for (const one of await toldBefore(database, [kind, AGAIN[kind]])) {
    const key = JSON.stringify([one.detail["host"], one.repository, one.detail["canary"]]);
    if (!last.has(key)) last.set(key, one);
  }
  return [...last.values()]
    .filter((one) => one.kind === kind)
    .map(({ repository, detail: { host, canary } }) => ({
      host: typeof host === "string" ? host : null,
      repository,
      canary: String(canary),
    }));
}

/** Events of two kinds, the newest first. */
async function toldBefore(
  { read }: Pick<ReadDatabase, "read">,
  [one, other]: readonly [EventKind, EventKind],
): Promise<Before[]> {
  const rows = await read`SELECT kind, repository, at, detail FROM events
    WHERE kind = ${one} OR kind = ${other} ORDER BY id DESC LIMIT ${LOOKED_THROUGH}`;
  return rows.map((row) => ({ ...row, at: Number(row.at), detail: JSON.parse(row.detail) }));
}
