// The feeds of the configuration at work: the ways to them, which are opened here, when they are read, and what becomes of what they told.
import { isDeepStrictEqual } from "node:util";
import type { Feed, FeedSource } from "../advisories/feed.ts";
import { createFeeds, IMPORTED, type Reading } from "../advisories/feeds.ts";
import { noteNames } from "../advisories/news.ts";
import type { Named } from "../advisories/rows.ts";
import type { Seed } from "../advisories/seed.ts";
import type { Config, FeedConfig, UpstreamConfig } from "../config/resolve.ts";
import { NO_REPOSITORY } from "../core/event.ts";
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import { formats } from "../formats/index.ts";
import type { HouseOperations } from "../jobs/house.ts";
import type { PolicedRepository } from "../jobs/policy.ts";
import type { RecurringJob } from "../jobs/runner.ts";
import { sweep } from "../jobs/sweep.ts";
import { openFolder } from "../store/folder.ts";
import { openRandom } from "../store/sink.ts";
import { offline } from "../upstream/offline.ts";
import { createUpstream, type Upstreams } from "../upstream/upstreams.ts";
import { ecosystems, type Ground } from "./ground.ts";

/** What of a configuration is about feeds. */
export type FeedsConfig = Pick<Config, "feeds" | "offline" | "fetches"> & {
  repositories: readonly { format: string }[];
};

export interface ServerFeeds {
  /** Ways that have changed in nothing stay as they are. */
  use(config: FeedsConfig): void;
  readonly jobs: readonly RecurringJob[];
  readonly operations: HouseOperations;
  close(): void;
}

/** How often it is looked which feeds are due. */
const LOOK_MS = 5_000;
/** Names that are remembered between a reading and the look at what it changed. */
const MOST_HEARD = 5_000;
const TIDY_MS = 6 * 60 * 60 * 1000;

export function openFeeds(
  ground: Ground,
  policed: () => readonly PolicedRepository[],
): ServerFeeds {
  const { shared, advisories, log, metrics, fetches } = ground;
  const { database, events, waivers, now } = shared;
  let used: unknown = null;
  let ways: Upstreams[] = [];
  const ending = new AbortController();
  /** What feeds told and was not looked at yet, of first readings and of later ones; null: so much that all that is here is looked at. */
  const heard: { first: Named[] | null; later: Named[] | null } = { first: null, later: [] };
  const feeds = createFeeds({
    database,
    blobs: shared.blobs,
    openRandom,
    ecosystems,
    now,
    note: (sql, names) => noteNames(shared.changes, sql, names),
    changed(names, isFirst) {
      advisories.changed(names); // before anybody asks again
      const which = isFirst ? "first" : "later";
      heard[which]?.push(...names);
      if ((heard[which]?.length ?? 0) > MOST_HEARD) heard[which] = null;
    },
  });

  watch();

  function watch(): void {
    const read = async (number: (feed: FeedNumbers) => number | null) =>
      (await advisories.feeds()).flatMap((feed): [Record<string, string>, number][] => {
        const value = number(feed);
        return value === null ? [] : [[{ feed: feed.name }, value]];
      });
    const since = (time: string | null) => time && (now() - Date.parse(time)) / 1000;
    metrics.gauge("holdfast_feed_age_seconds", "Since a feed was last read.", () =>
      read(({ readAt, seedOf }) => (seedOf === null ? (since(readAt) as number | null) : null)),
    );
    metrics.gauge(
      "holdfast_feed_seed_age_seconds",
      "Of what the program itself knows of an ecosystem, where no feed has told of it yet.",
      () => read(({ seedOf }) => since(seedOf) as number | null),
    );
    metrics.gauge("holdfast_feed_records", "Records of a feed.", () => read((one) => one.records));
    metrics.gauge("holdfast_feed_failing", "1 where a feed could not be read the last time.", () =>
      read(({ error }) => Number(error !== null)),
    );
  }

  function close(): void {
    for (const way of ways) way.close();
    ways = [];
  }

  function open(from: UpstreamConfig, isOffline: boolean) {
    if (isOffline) return offline();
    const { upstreamMetrics, elapsed } = ground;
    const deps = { log, metrics: upstreamMetrics, repository: NO_REPOSITORY, now: elapsed };
    const way = createUpstream([from], deps);
    ways.push(way);
    return way;
  }

  function sourcesOf(feed: FeedConfig, isOffline: boolean): Feed[] {
    const { name, form, from, everyMs } = feed;
    if ("directory" in from)
      return [{ name, everyMs, source: { kind: "folder", folder: openFolder(from.directory) } }];
    const upstream = open(from, isOffline);
    if (form === "packagist") return [{ name, everyMs, source: { kind: "packagist", upstream } }];
    return feed.ecosystems.map((ecosystem) => {
      const path = `${encodeURIComponent(ecosystem)}/`;
      const source: FeedSource = { kind: "bucket", upstream, path };
      return { name: `${name}/${ecosystem}`, everyMs, source };
    });
  }

  /** What was told is looked at before a word is said of it. */
  async function settle(readings: readonly Reading[], say: OperationCall["say"]): Promise<boolean> {
    await fetches.settled(); // who has it is told with it
    const hasNone = (await advisories.feeds()).length === 0;
    for (const which of ["later", "first"] as const) {
      const names = heard[which];
      heard[which] = [];
      if (names?.length === 0 || hasNone) continue;
      const deps = { database, events, advisories, waivers, now };
      const told = await sweep(deps, policed(), names, which === "first");
      if (told > 0) say(`${told} releases that were fetched here are told of: see the events`);
    }
    for (const { feed, error, taken } of readings) {
      const { written, removed, skippedInAll, skipped } = taken;
      if (error !== null)
        say(`${feed} could not be read, and what it told before still counts: ${error}`);
      else if (written + removed > 0) say(`${feed}: ${written} records came, ${removed} went`);
      if (skippedInAll > 0) {
        const some = skipped.map(({ id, why }) => `${id} (${why})`).join(", ");
        say(
          `${feed}: ${skippedInAll} records cannot be read, and what was known of them stays: ${some}`,
        );
      }
    }
    return readings.every(({ error }) => error === null);
  }

  const told = new Map<string, string | null>();
  async function turn(): Promise<void> {
    const readings = await feeds.read("due", ending.signal).catch((error) => {
      if (ending.signal.aborted) return []; // the server stops
      throw error;
    });
    // What fails again and again in the same words is said once.
    const fresh = readings.filter(({ feed, error }) => {
      const isNew = error === null || told.get(feed) !== error;
      told.set(feed, error);
      return isNew;
    });
    await settle(fresh, (line) => log.write("info", line, { job: "feeds" }));
  }

  return {
    use(config) {
      const { feeds: wanted, offline: isOffline, fetches: keptMs, repositories } = config;
      fetches.keepFor(keptMs);
      heard.first = null; // what stopped before it was looked at, and what other rules block
      const sown = wanted.length > 0 ? seedsFor(repositories) : [];
      const next = { feeds: wanted, offline: isOffline, fetches: keptMs, sown };
      if (isDeepStrictEqual(used, next)) return;
      used = next;
      close();
      feeds.use(
        wanted.flatMap((feed) => sourcesOf(feed, isOffline)),
        sown,
      );
    },
    jobs: [
      { name: "Reading feeds", everyMs: LOOK_MS, firstMs: 500, isForAll: true, run: turn },
      {
        name: "Tidying who fetched what",
        everyMs: TIDY_MS,
        isForAll: true,
        run: () => fetches.tidy(),
      },
    ],
    operations: {
      async "feeds refresh"({ values = {}, say, signal }) {
        const { feed } = values;
        const names = feeds.names();
        const wanted = names.filter(
          (name) => !feed || name === feed || name.startsWith(`${feed}/`),
        );
        if (wanted.length === 0)
          throw new Problem(
            "notFound",
            names.length === 0
              ? "The configuration has no feeds"
              : `There is no feed ${feed}; there are ${names.join(", ")}`,
          );
        const readings: Reading[] = [];
        for (const only of wanted) readings.push(...(await feeds.read({ only }, signal)));
        const isWell = await settle(readings, say);
        if (readings.every(({ taken, error }) => !error && taken.written + taken.removed === 0))
          say("Nothing has changed.");
        return isWell && !signal.aborted;
      },
      async "feeds import"({ values = {}, say, signal }) {
        const { path } = values;
        if (!path)
          throw new Problem("badRequest", "What is to be imported? A path on the server's machine");
        const reading = await feeds.bring(openFolder(path), signal);
        const isWell = await settle([reading], say);
        if (isWell && reading.taken.written === 0) say(`${IMPORTED}: nothing in it is new.`);
        return isWell;
      },
    },
    close() {
      ending.abort();
      close();
    },
  };
}

function seedsFor(repositories: FeedsConfig["repositories"]): Seed[] {
  const used = new Set(repositories.map(({ format }) => format));
  return formats.flatMap(({ name, advisories }) =>
    used.has(name) && advisories?.seed
      ? [{ ecosystem: advisories.ecosystem, ...advisories.seed }]
      : [],
  );
}

type FeedNumbers = Awaited<ReturnType<Ground["advisories"]["feeds"]>>[number];
