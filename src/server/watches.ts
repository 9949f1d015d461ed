// What a server that listens looks after again and again: what it stands on, its disk, the primary that it follows, and what calls for somebody.
import { watchDisk, watchUpstreams } from "../jobs/alarms.ts";
import { watchReleases } from "../jobs/released.ts";
import type { createRoom } from "../jobs/room.ts";
import type { RecurringJob } from "../jobs/runner.ts";
import { FLUSH_MS } from "../series/room.ts";
import { bringJob } from "./bring.ts";
import type { Follower } from "./follow.ts";
import type { Generation } from "./generation.ts";
import type { Ground } from "./ground.ts";

/** How often it is looked whether database and bucket can be had. */
const STORAGE_MS = 5_000;
/** How often it is written beside the files that they are this catalog's, and looked at. */
const TENURE_MS = 60_000;

interface WatchesDeps {
  ground: Ground;
  /** The configuration that is at work. */
  current(): Generation;
  room: Pick<ReturnType<typeof createRoom>, "job">;
  alarms: { job: RecurringJob };
}

export function watches({ ground, current, room, alarms }: WatchesDeps): RecurringJob[] {
  const { away, tenure, series, follower, advisories, host, log } = ground;
  const { events, database, waivers, now } = ground.shared;
  const deps = { events, database, now };
  return [
    {
      name: "The watch on database and bucket",
      everyMs: STORAGE_MS,
      run: async () => void (await away.look()),
    },
    // What lies beside the files says whose they were a minute ago at most.
    {
      name: "Whose the files are",
      everyMs: TENURE_MS,
      run: async () => void (await tenure.whyNot()),
    },
    {
      name: "Keeping the files this catalog's",
      everyMs: TENURE_MS,
      isForAll: true,
      run: tenure.renew,
    },
    { name: "Writing numbers over time", everyMs: FLUSH_MS, run: series.flush },
    ...(follower ? followJobs(follower, ground, current) : []),
    watchUpstreams(() => current().held, deps),
    watchDisk(
      async () => (await ground.disk()).free,
      () => current().config.diskLow,
      { ...deps, host },
    ),
    room.job(log),
    alarms.job,
    watchReleases(() => current().policed, {
      ...deps,
      waivers,
      told: { revision: () => advisories.revision("", null) },
    }),
  ];
}

function followJobs(
  follower: Follower,
  { shared, log }: Ground,
  current: () => Generation,
): RecurringJob[] {
  const { everyMs } = follower.config;
  const { database, now } = shared;
  return [
    { name: "Going on with the primary's log", everyMs, firstMs: 0, run: follower.goOn },
    { name: "Hearing the primary", everyMs, firstMs: 0, run: follower.hear },
    bringJob({ follower, held: () => current().held, database, log, now }),
  ];
}
