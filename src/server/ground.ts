// What stays for as long as the server: the data directory, and all that remembers it. Configurations come and go on it.
import { createHash, randomBytes } from "node:crypto";
import { statfs } from "node:fs/promises";
import { type CurrentAdvisories, createCurrent } from "../advisories/current.ts";
import { createFetches, type Fetches } from "../advisories/fetches.ts";
import { knownAdvisories } from "../advisories/known.ts";
import { hearNames } from "../advisories/news.ts";
import { serverGrant, sourceGrant } from "../auth/gate.ts";
import { type Auth, openAuth } from "../auth/room.ts";
import { createLru } from "../cache/lru.ts";
import { createNaming } from "../cache/named.ts";
import type { Shared } from "../cache/repository.ts";
import { createSecrets } from "../cache/secrets.ts";
import { createSoundness } from "../cache/soundness.ts";
import type { StoredArtifact } from "../cache/stored-reply.ts";
import { createUses } from "../cache/uses.ts";
import type { Config } from "../config/resolve.ts";
import { build } from "../core/build.ts";
import type { Log } from "../core/log.ts";
import { createMetrics, type Metrics } from "../core/metrics.ts";
import { formats } from "../formats/index.ts";
import { openMirrors } from "../git/mirrors.ts";
import { createHooks, type Hooks } from "../hooks/room.ts";
import { openHostedNames } from "../hosted/names.ts";
import { type AccessLog, createAccessLog } from "../http/accesslog.ts";
import { type Bodies, createBodies } from "../http/bodies.ts";
import { type Board, createBoard } from "../jobs/board.ts";
import { watchLog, watchStore } from "../jobs/gauges.ts";
import { createTally, type Tally } from "../jobs/overview.ts";
import { createEvents, type Events } from "../ledger/events.ts";
import { type LedgerLog, openLog } from "../ledger/log/log.ts";
import { openSharedLog } from "../ledger/log/shared.ts";
import { createWitness, type Witness } from "../ledger/log/witness.ts";
import { createRefused, type Refused } from "../ledger/refused.ts";
import { openWaivers } from "../policy/waivers.ts";
import { createCosigner } from "../proof/cosignature.ts";
import type { Verifier } from "../proof/verifier.ts";
import { createSeries, type SeriesRoom } from "../series/room.ts";
import { createChanges } from "../store/changes.ts";
import { type Database, tryCatalog } from "../store/database.ts";
import {
  emptyIncoming,
  type Layout,
  openLayout,
  refuseUnrestored,
  requireUsable,
  tighten,
} from "../store/layout.ts";
import { joinLock, type Lock, lockData } from "../store/lock.ts";
import { openNews } from "../store/news.ts";
import { hurryLinks } from "../store/postgres-link.ts";
import { watchPostgres } from "../store/postgres-watch.ts";
import { openTenure, type Tenure } from "../store/tenure.ts";
import { openViewFiles } from "../store/view-files.ts";
import { createUpstreamMetrics, type UpstreamMetrics } from "../upstream/upstreams.ts";
import { createPool, type Ended, type Pool } from "../worker/pool.ts";
import { type Away, createAway } from "./away.ts";
import { openCatalog } from "./database.ts";
import { afarOf, besideOf, type Files, identityOf, openFiles, requireFiles } from "./files.ts";
import { elsewhere, type Follower, openFollower } from "./follow.ts";
import { isShared as isSharedBy, joinNodes, type Membership } from "./nodes.ts";
import { inTurn } from "./processes/leases.ts";
import { ledgerElsewhere } from "./processes/ledger.ts";
import type { Siblings } from "./processes/siblings.ts";
import { countSources } from "./source-metrics.ts";
import type { Traces } from "./traces.ts";

export interface Ground {
  readonly layout: Layout;
  readonly lock: Lock;
  /** The servers that share its catalog; null where it has it to itself. */
  readonly nodes: Membership["nodes"];
  readonly host: Membership["host"];
  /** Of lines of the log, which of several servers wrote them. */
  readonly label: Membership["label"];
  readonly shared: Shared;
  /** Whether the files are still this catalog's. */
  readonly tenure: Tenure;
  /** Whether database and bucket can be had, as it was last seen. */
  readonly away: Away;
  readonly auth: Auth;
  readonly hooks: Hooks;
  readonly advisories: CurrentAdvisories;
  readonly fetches: Fetches;
  readonly ledgerLog: LedgerLog;
  /** The server that this one follows; null for one of its own. */
  readonly follower: Follower | null;
  readonly refused: Refused;
  /** How what the server does by itself goes. */
  readonly board: Board;
  readonly witness: Witness;
  /** The logs of others that it is a witness of, by the configuration as it is now. */
  watch(logs: readonly Verifier[]): void;
  readonly pool: Pool;
  readonly metrics: Metrics;
  readonly upstreamMetrics: UpstreamMetrics;
  readonly accessLog: AccessLog;
  readonly tally: Tally;
  readonly series: SeriesRoom;
  readonly bodies: Bodies;
  readonly log: Log;
  /** Null where none are wanted. */
  readonly traces: Traces | null;
  /** Bytes of the disk of the data directory. */
  disk(): Promise<{ free: number; total: number }>;
  /** Milliseconds that only grow: a clock that is put back must not keep an upstream from being asked. */
  elapsed(): number;
  /** Database and primary are asked with these secrets from now on. A bucket's key is read again by whoever asks it (store/bucket-keys.ts). */
  renew(secrets: Pick<GroundConfig, "database" | "follow">): void;
  /** It is about to be closed: a database that says nothing is not waited for as long as before. */
  hurry(): void;
  /** Where people find the server, by the configuration as it is now; null: where they asked. */
  isAt(publicUrl: string | null): void;
  close(): Promise<void>;
}

const TENURE = "It could not be written beside the files that they are this catalog's";

/** How feeds call what the formats here have. */
export const ecosystems = formats.flatMap(({ advisories, spell }) =>
  advisories ? [{ ...advisories, spell }] : [],
);

/** What of the configuration cannot be changed while it stands. */
export type GroundConfig = Pick<
  Config,
  "data" | "database" | "store" | "cache" | "requests" | "publicUrl"
> & {
  traces?: Config["traces"];
  follow?: Config["follow"];
  offline?: boolean;
};

export interface GroundDeps extends Pick<Shared, "patienceMs"> {
  log: Log;
  now(): number;
  elapsed(): number;
  /** For tests: in place of what the configuration says. */
  isShared?: boolean;
  /** Where the server has several processes. */
  siblings?: Siblings;
}

/** Throws a Problem when the data directory is in use or newer than this program. */
export async function openGround(config: GroundConfig, deps: GroundDeps): Promise<Ground> {
  refuseUnrestored(config.data);
  const layout = openLayout(config.data);
  const isFirst = deps.siblings?.isFirst ?? true;
  const lock = isFirst ? lockData(layout.lock) : joinLock(layout.lock);
  const joined: Membership[] = [];
  try {
    return await layGround(config, layout, lock, deps, (membership) => joined.push(membership));
  } catch (error) {
    for (const { leave } of joined) await leave();
    lock.release(); // whatever keeps this one from starting is not to keep the next one
    throw error;
  }
}

async function layGround(
  given: GroundConfig,
  layout: Layout,
  lock: Lock,
  deps: GroundDeps,
  joined: (membership: Membership) => void,
): Promise<Ground> {
  const { log, now, elapsed, patienceMs, siblings } = deps;
  // Its own: whoever asks them reads the secret in there each time.
  const { database: place } = given;
  const config = { ...given, database: place && { ...place } };
  const isFirst = siblings?.isFirst ?? true;
  if (isFirst) {
    const tightened = tighten(layout.root);
    if (tightened) log.write("warn", tightened);
    emptyIncoming(layout);
  }
  const traces = config.traces
    ? (await import("./traces.ts")).openTraces(config.traces, log)
    : null;
  const isShared = deps.isShared ?? isSharedBy(config);
  const opened = await openCatalog(config, layout, isShared || !isFirst);
  const {
    blobs,
    log: files,
    ask: askFiles,
  } = await openOwnFiles(config, layout, opened, (sha256) => {
    soundness
      .condemn(sha256)
      .catch((error) =>
        log.write("error", "A false file could not be told of", { sha256, error: String(error) }),
      );
  });
  const traced = traces?.database(opened) ?? opened;
  const between = siblings?.between(traced);
  const database = between?.database ?? traced;
  const news = isShared ? await openNewsOf(database, config, log) : null;
  const membership = await joinNodes(isShared ? config.database : null, {
    ...{ log, now, news, elapsed: () => performance.now() }, // the machine's own, also where a test moves the others
  });
  joined(membership);
  const leases = siblings?.leases ?? membership.leases;
  const metrics = siblings?.together(createMetrics()) ?? createMetrics();
  const hooks = createHooks({ database, log, metrics, now, leases });
  const events = createEvents(database, log, metrics, now, hooks.event);
  const name = `holdfast-${randomBytes(4).toString("hex")}`;
  const logDeps = { files, database, events, name };
  const ledgerLog = !isFirst
    ? ledgerElsewhere(files, database)
    : await (membership.leases.hasOthers
        ? openSharedLog({ ...logDeps, leases })
        : openLog(logDeps));
  const pool = startPool(metrics, events, log);
  const changes = createChanges(between?.news ?? news ?? undefined);
  const watch =
    config.database &&
    watchPostgres(config.database, {
      // Where there is news, that notices by itself; of what this server did itself it says nothing.
      replaced: async () => (news === null ? changes.hear(null) : undefined),
      decided: () => changes.hear(null),
      warn: (message) => log.write("warn", message),
    });
  const { follow = null } = config;
  const closed = follow && elsewhere(follow);
  const auth = await openAuth({
    ...{ database, changes, log, now, closed },
    ...(siblings && { share: siblings.shared }),
  });
  const upstreamMetrics = createUpstreamMetrics(metrics);
  const follower =
    follow &&
    (await openFollower(follow, {
      ...{ offline: config.offline ?? false, folder: layout.followed },
      ...{ database, changes, events, auth, log, metrics, upstreamMetrics, now, elapsed },
    }));
  const waivers = await openWaivers({ database, changes, audit: auth.audit.write, now });
  const tenure = openTenure(database, besideOf(config, layout, opened), now, (why) =>
    why === null
      ? log.write("info", "Files may be removed again")
      : log.write("warn", `No files are removed: ${why}`),
  );
  // What cannot be said now is said by the job, or is told by a removal.
  if (isFirst)
    await tenure.renew().catch((error) => log.write("warn", TENURE, { error: String(error) }));
  const naming = createNaming(database, blobs, leases, tenure);
  const soundness = createSoundness({ blobs, database, changes, naming, events });
  const advisories = createCurrent(knownAdvisories(database.read, ecosystems));
  hearNames(changes, advisories);
  const fetches = createFetches(database, log, now);
  const refused = createRefused(database, log, now);
  const uses = createUses(database);
  let { publicUrl } = config;
  let watched: readonly Verifier[] = [];
  const afar = afarOf(config, blobs);
  const shared: Shared = {
    views: openViewFiles(layout.views, (path) =>
      log.write("warn", "A stored view was damaged on disk: it is rendered again", { path }),
    ),
    database,
    changes,
    events,
    blobs,
    naming,
    leases,
    soundness,
    uses,
    ...(afar && { afar }),
    transform: pool.transform,
    viewMemory: createLru(config.cache.memory),
    artifactMemory: createLru<StoredArtifact>(Math.ceil(config.cache.memory / 2)),
    ownGrant: serverGrant,
    sourceGrant,
    mirrors: openMirrors(
      layout.git,
      siblings && { inTurn: (...work) => inTurn(siblings.leases, ...work) },
    ),
    askedSource: countSources(metrics),
    secret: createSecrets(database, now),
    accounts: auth.accounts,
    hostedNames: await openHostedNames(database, changes),
    audit: auth.audit.write,
    tell: hooks.tell,
    closed,
    isFollower: follower !== null,
    isPublic: auth.isPublic,
    waivers: follower?.waivers(waivers) ?? waivers,
    whyUrl: () => `${publicUrl ?? ""}/-/why/`,
    advisories,
    now,
    ...(patienceMs !== undefined && { patienceMs }),
  };
  const disk = async () => {
    const { bavail, blocks, bsize } = await statfs(layout.root);
    return { free: bavail * bsize, total: blocks * bsize };
  };
  watchStore(metrics, database, disk);
  watchLog(metrics, database, ledgerLog, now);
  const tally = createTally(metrics, now);
  const { requests } = config;
  const witness = await openWitness(shared, () => watched);
  await news?.follow(changes.hear);
  siblings?.follow(changes.hear);
  await watch?.look();
  return {
    layout,
    lock,
    nodes: membership.nodes,
    host: membership.host,
    label: membership.label,
    shared,
    tenure,
    away: createAway({
      ask: () => Promise.all([tryCatalog(database.read), watch?.look()]),
      isHearing: changes.isHearing,
      askFiles,
      askFolder: () => requireUsable(layout),
      ...{ log, now },
    }),
    auth,
    hooks,
    advisories,
    fetches,
    refused,
    board: createBoard(now),
    disk,
    ledgerLog,
    follower,
    witness,
    watch(logs) {
      watched = logs;
    },
    pool,
    metrics,
    upstreamMetrics,
    accessLog: createAccessLog(log, metrics),
    tally,
    series: createSeries({ database, metrics, disk, now, elapsed }),
    bodies: createBodies({
      memory: requests.memory,
      silenceMs: requests.silence,
      timeMs: requests.time,
    }),
    log,
    traces,
    elapsed,
    renew({ database, follow }) {
      if (config.database && database) {
        const { password, passwordFile } = database;
        Object.assign(config.database, { password, passwordFile });
      }
      if (follow) follower?.renew(follow.token);
    },
    isAt(url) {
      publicUrl = url;
    },
    hurry() {
      if (config.database) hurryLinks(config.database);
    },
    async close() {
      follower?.close();
      await pool.close();
      await auth.audit.settled();
      await fetches.settled();
      await refused.settled();
      await events.settled();
      await uses.flush().catch(() => {}); // a full disk: what was used last goes a little earlier
      await hooks.stop();
      await ledgerLog
        .stop()
        .catch((error) =>
          log.write("error", "The log could not be ended", { error: String(error) }),
        );
      await news?.close();
      await membership.leave();
      await watch?.close();
      await database.close();
      await traces?.close();
      lock.release();
    },
  };
}

function openNewsOf(database: Database, { database: place }: GroundConfig, log: Log) {
  const warn = (message: string) => log.write("warn", message);
  return openNews({ database, place: place!, warn });
}

/** The catalog is let go of where they are not its own. */
async function openOwnFiles(
  config: GroundConfig,
  layout: Layout,
  database: Database,
  isFalse: (sha256: string) => void,
): Promise<Files> {
  const files = openFiles(config, layout, isFalse);
  try {
    await requireFiles(config, layout, database, files);
    await identityOf(database); // who reads beside this server makes none: a backup says whose it is
    return files;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Its key and its name stay for as long as the database. */
async function openWitness(
  { database, secret, now }: Shared,
  logs: () => readonly Verifier[],
): Promise<Witness> {
  const bytes = await secret("log witness");
  const name = `witness-${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}`;
  return createWitness({ database, cosigner: createCosigner(name, bytes), logs, now });
}

/** Work that had to be ended is an event of the repository that it was done for. */
function startPool(metrics: Metrics, events: Events, log: Log): Pool {
  const ended = ({ repository, problem, ...subject }: Ended) => {
    if (repository === null) log.write("error", problem.message);
    else events.report(repository, { kind: "unfinished", message: problem.message, ...subject });
  };
  // All files of an executable are one, which stands where the entry of threads is seen from src/.
  const entry = build ? "./worker/thread.ts" : "../worker/thread.ts";
  const thread = new URL(entry, import.meta.url).href;
  return createPool({ spawn: () => new Worker(thread, { smol: true }), metrics, ended });
}
