// What the rules of alarms look at, of the configuration as it is now; and how often.

import { type FeedRow, readFeeds } from "../advisories/rows.ts";
import { type Alarms, createAlarms } from "../alarms/room.ts";
import { rulesOf } from "../alarms/rules.ts";
import type { Log } from "../core/log.ts";
import { toldWrong } from "../jobs/alarms.ts";
import { readBackups } from "../jobs/backups.ts";
import type { HouseOperations } from "../jobs/house.ts";
import { lastSuccess } from "../jobs/operations.ts";
import type { RecurringJob } from "../jobs/runner.ts";
import { alarmOperations } from "./alarm-operations.ts";
import type { Generation } from "./generation.ts";
import type { Ground } from "./ground.ts";
import { unlikeWords } from "./nodes.ts";

const LOOK_MS = 30_000;
/** Upstreams are asked, and what is due is begun, before anybody is told that it was not. */
const FIRST_LOOK_MS = 60_000;

export interface ServerAlarms extends Alarms {
  readonly job: RecurringJob;
  readonly operations: HouseOperations;
}

/** `current`: the configuration at work, and its repositories. */
export function openAlarms(current: () => Generation, ground: Ground): ServerAlarms {
  const { shared, metrics, series, disk, log, auth, tally } = ground;
  const { database, events, now } = shared;
  const config = () => current().config;
  const rules = rulesOf({
    database,
    metrics,
    series: series.read,
    forecast: series.forecast,
    disk,
    diskLow: () => config().diskLow,
    startedAt: tally.startedAt,
    upstreams: () =>
      current().held.flatMap(({ name, upstreams }) =>
        upstreams().map((one) => ({ repository: name, ...one })),
      ),
    operations: () => operationsOf(current()),
    endings: () => endingsOf(current(), log),
    outages: ground.away.outages,
    keptFiles: () => ground.tenure.seen()?.why ?? null,
    unlike: () => unlikeWords(ground.nodes?.list() ?? []),
    host: ground.host,
    async elsewhere(kind) {
      if (ground.nodes === null) return [];
      const living = new Set(ground.nodes.list().map(({ host }) => host));
      const wrong = await toldWrong(database, kind);
      return wrong.flatMap(({ host, ...one }) =>
        host !== null && host !== ground.host && living.has(host) ? [{ host, ...one }] : [],
      );
    },
    backups: () => readBackups(database),
    followed: () => ground.follower?.state() ?? null,
    async feeds() {
      const all = await readFeeds(database.read);
      return config().feeds.flatMap(({ name }): Pick<FeedRow, "name" | "readAt" | "error">[] => {
        // What is read of one for an ecosystem is called by both.
        const known = all.filter((one) => one.name === name || one.name.startsWith(`${name}/`));
        return known.length > 0 ? known : [{ name, readAt: null, error: null }];
      });
    },
  });
  const alarms = createAlarms({
    database,
    events,
    rules,
    thresholds: () => {
      const { alarms: wanted } = config();
      return {
        upstreamDownMs: wanted.upstreamDown,
        mirrorStaleMs: wanted.mirrorStale,
        validUntilMs: wanted.validUntil,
        diskFullMs: wanted.diskFull,
        storageAwayMs: wanted.storageAway,
        nodesDifferMs: wanted.nodesDiffer,
        errorRate: wanted.errorRate,
        feedStaleMs: wanted.feedStale,
        followerStaleMs: wanted.followerStale,
        backupStaleMs: wanted.backupStale,
        quietMs: wanted.quiet,
        off: wanted.off,
      };
    },
    audit: auth.audit.write,
    metrics,
    log,
    now,
  });
  return {
    ...alarms,
    job: {
      name: "The look at what calls for somebody",
      everyMs: LOOK_MS,
      isForAll: true,
      firstMs: FIRST_LOOK_MS,
      run: alarms.look,
    },
    operations: alarmOperations(alarms, () => config().repositories, now),
  };
}

/** What is due again and again by the options of its repository; not what mostly finds nothing new. */
async function operationsOf({ own, held }: Pick<Generation, "own" | "held">) {
  const due = own.flatMap(({ format, repository }, at) =>
    (format.operations ?? []).flatMap(({ name, every, isQuiet }) => {
      const everyMs = every?.(repository.options) ?? null;
      if (everyMs === null || isQuiet || held[at]!.offline) return [];
      return [{ repository, name, everyMs }];
    }),
  );
  return Promise.all(
    due.map(async ({ repository, name, everyMs }) => ({
      repository: repository.name,
      name,
      everyMs,
      doneAt: await lastSuccess(repository, name),
    })),
  );
}

async function endingsOf({ own }: Pick<Generation, "own">, log: Log) {
  const gauges = own.flatMap(({ service, repository }) =>
    (service.gauges ?? []).flatMap((gauge) =>
      gauge.endOf === undefined ? [] : [{ gauge, repository, what: gauge.endOf }],
    ),
  );
  const found = await Promise.all(
    gauges.map(async ({ gauge, repository, what }) => {
      try {
        const read = await gauge.read(repository);
        return read.map(([labels, seconds]) => ({
          repository: repository.name,
          subject: Object.values(labels).join(" "),
          what,
          endsAt: seconds * 1000,
        }));
      } catch (error) {
        log.write("error", `${gauge.name} cannot be read`, {
          repository: repository.name,
          error: String(error),
        });
        return [];
      }
    }),
  );
  return found.flat();
}
