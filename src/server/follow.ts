// A server that follows another one, put together: the way there, what is heard of it, and what that means for the rooms of this one.
import { takeAccess } from "../auth/followed.ts";
import type { Auth } from "../auth/room.ts";
import type { FollowConfig } from "../config/follow.ts";
import type { AccessRules } from "../core/access.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import type { Upstream } from "../core/upstream.ts";
import { followedLog } from "../follow/log.ts";
import type { Following, FollowState } from "../follow/room.ts";
import { openFollowing } from "../follow/room.ts";
import type { Followed } from "../follow/take.ts";
import type { HouseOperations } from "../jobs/house.ts";
import type { Events } from "../ledger/events.ts";
import type { ProvingLog } from "../ledger/log/prove.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Waivers } from "../policy/waivers.ts";
import type { Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { openLogFiles } from "../store/log-files.ts";
import type { UpstreamMetrics } from "../upstream/upstreams.ts";
import { connectPrimary } from "./primary.ts";

export interface FollowerDeps {
  offline: boolean;
  /** Of the copy of the log. */
  folder: string;
  database: Database;
  changes: Changes;
  events: Events;
  auth: Auth;
  log: Log;
  metrics: Metrics;
  upstreamMetrics: UpstreamMetrics;
  now(): number;
  elapsed(): number;
}

/** A repository of the configuration as it is now. */
export interface FollowedRepository {
  name: string;
  purlType: string;
  /** Whether its files can be asked for by what the log says of them. */
  hasPaths: boolean;
  remove(files: { package: string; file: string }[]): Promise<unknown>;
}

export interface Follower
  extends Pick<Following, "goOn" | "hear" | "state" | "shut" | "count" | "beginAnew"> {
  readonly config: FollowConfig;
  /** Who may read what, as the primary's configuration says it. */
  readonly rules: AccessRules;
  /** The primary's log, as far as it is copied. */
  readonly log: ProvingLog;
  tile(path: string): Promise<Uint8Array | null>;
  /** Those of the configuration from now on. */
  use(repositories: readonly FollowedRepository[]): void;
  /** The waivers of this server, with what the primary blocks: nobody makes any here. */
  waivers(own: Waivers): Waivers;
  /** The primary as an upstream, for as long as it shows one history. */
  guard<Guarded extends Upstream>(upstream: Guarded): Guarded;
  /** The primary is asked with that token from now on. */
  renew(token: string): void;
  /** Aborted by `close`. */
  readonly signal: AbortSignal;
  close(): void;
}

/** What people are told who want to change something here. */
export function elsewhere({ url }: Pick<FollowConfig, "url">): string {
  return `This server follows ${url} and is for reading alone: do that there`;
}

export async function openFollower(config: FollowConfig, deps: FollowerDeps): Promise<Follower> {
  const { database, changes, auth, log, metrics, upstreamMetrics, now, elapsed } = deps;
  const way = connectPrimary(config, {
    log,
    metrics: upstreamMetrics,
    repository: "-",
    now: elapsed,
    offline: deps.offline,
  });
  let repositories: readonly FollowedRepository[] = [];
  let judgements = 0;
  const files = openLogFiles(deps.folder);
  const following = await openFollowing({
    host: way.host,
    signal: way.signal,
    primary: way,
    key: config.key,
    files,
    database,
    events: deps.events,
    log,
    accessForMs: config.accessForMs,
    now,
    repository: (name) =>
      wishOf(
        config,
        repositories.find((one) => one.name === name),
      ),
    takeAccess: (access, also) => takeAccess(auth.directory, access, also),
    accessChanged: () => changes.announce({ kind: "access", repository: "", key: "" }),
    judged(packages) {
      judgements += 1;
      for (const { repository, package: key } of packages)
        changes.announce({ kind: "policy", repository, key });
    },
    async remove(some) {
      for (const { repository, ...file } of some)
        await repositories.find((one) => one.name === repository)?.remove([file]);
    },
  });
  watch(metrics, following.state, now);
  const refuse = () => {
    throw new Problem("forbidden", elsewhere(config), { rule: "follow" });
  };
  const rules: AccessRules = {
    get anonymous() {
      return following.rules().anonymous;
    },
    get teams() {
      return following.rules().teams;
    },
    get grants() {
      return following.rules().grants;
    },
    isLocal: false,
  };
  return {
    config,
    rules,
    log: followedLog(files, config.key, following.mirror),
    tile: following.mirror.tile,
    goOn: following.goOn,
    hear: following.hear,
    state: following.state,
    shut: following.shut,
    count: following.count,
    beginAnew: following.beginAnew,
    use(wanted) {
      repositories = wanted;
    },
    waivers(own) {
      let made: { of: unknown; all: readonly Waiver[] } = { of: null, all: [] };
      return {
        revision: () => own.revision() + judgements,
        all() {
          const of = following.judgements();
          if (made.of !== of) made = { of, all: blocksOf(of, repositories, following.state()) };
          return made.all;
        },
        add: async () => refuse(),
        remove: async () => refuse(),
        fixed: async () => {},
      };
    },
    guard(upstream) {
      const fault = () => following.state().fault;
      return {
        ...upstream,
        unavailable: () => (fault() === null ? upstream.unavailable() : "unreachable"),
        async fetch(request) {
          const why = fault();
          if (why !== null) throw new Problem("unreachable", why);
          return upstream.fetch(request);
        },
      };
    },
    renew: way.use,
    signal: way.signal,
    close: way.close,
  };
}

/** What `holdfast follow anew` has the server do. */
export function followOperations(follower: Follower | null): HouseOperations {
  return {
    async "follow anew"({ values = {}, say }) {
      const { reason, by } = values;
      if (!follower)
        throw new Problem(
          "notFound",
          "This server follows nobody: its configuration has no `follow`",
        );
      if (!reason?.trim() || !by)
        throw new Problem(
          "badRequest",
          "To take another history as it is takes a reason and who asks",
        );
      await follower.beginAnew(by, reason.trim());
      say(
        `${follower.config.url} is followed from the first leaf of its log: pins of here stay, and what contradicts one is told`,
      );
      return true;
    },
  };
}

/** Without paths a file comes when a client asks for it, and is held to its pin then. */
function wishOf(
  { files }: FollowConfig,
  repository: FollowedRepository | undefined,
): Followed | null {
  if (!repository) return null;
  const { name, hasPaths } = repository;
  const isWhole = files === "all" || files.includes(name);
  return { documents: hasPaths, files: (isHosted) => hasPaths && (isHosted || isWhole) };
}

/** What the primary blocks, as an operator's blocks here. What it only holds is left out of its documents. */
function blocksOf(
  judgements: ReturnType<Following["judgements"]>,
  repositories: readonly FollowedRepository[],
  { host, heardAt }: FollowState,
): Waiver[] {
  return judgements.flatMap(({ repository, package: name, verdicts }) => {
    const purlType = repositories.find((one) => one.name === repository)?.purlType;
    if (purlType === undefined) return [];
    return verdicts
      .filter(({ verdict }) => verdict === "block")
      .map(({ version, rule, why }) => ({
        id: `${host} ${repository} ${name} ${version}`,
        repository,
        purlType,
        package: name,
        versions: version,
        reason: `${why} (${rule}, at ${host})`,
        owner: host,
        createdAt: heardAt ?? 0,
        until: null,
        isBlock: true,
      }));
  });
}

function watch(metrics: Metrics, state: () => FollowState, now: () => number): void {
  metrics.gauge(
    "holdfast_follower_lag_seconds",
    "Since when something that the primary said may not have been taken in; none before the first time that all was.",
    () => {
      const { currentAt } = state();
      return currentAt === null ? [] : [[{}, Math.max(0, now() - currentAt) / 1000]];
    },
  );
  metrics.gauge(
    "holdfast_follower_lag_leaves",
    "Leaves of the primary's log that were not taken in yet, as far as it was heard.",
    () => [[{}, state().leaves - state().taken]],
  );
  metrics.gauge(
    "holdfast_follower_wanted",
    "Files, and documents of packages, that are still to be brought from the primary.",
    () => [[{}, state().wanted]],
  );
  metrics.gauge(
    "holdfast_follower_forked",
    "1 while the primary shows another history and is not gone on with.",
    () => [[{}, state().fault === null ? 0 : 1]],
  );
}
