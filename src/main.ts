// Composition: configuration → rooms → app → listening server. The only file that knows everything.
import { statfs } from "node:fs/promises";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { type Gate, openGate, serverGrant } from "./auth/gate.ts";
import { noAccounts } from "./auth/no-accounts.ts";
import type { StoredArtifact } from "./cache/artifacts.ts";
import { createLru } from "./cache/lru.ts";
import { createNaming } from "./cache/named.ts";
import { createRepository, type Mounted, type Shared } from "./cache/repository.ts";
import { createSoundness } from "./cache/soundness.ts";
import { backupCommand } from "./cli/backup.ts";
import { configCommand } from "./cli/config.ts";
import { doctorCommand } from "./cli/doctor.ts";
import { fetchAgain, operate } from "./cli/errands.ts";
import { eventsCommand } from "./cli/events.ts";
import { gcCommand, tellGarbage } from "./cli/gc.ts";
import { runCli } from "./cli/index.ts";
import { operationCommands } from "./cli/operations.ts";
import { processLog } from "./cli/process-log.ts";
import { serveCommand } from "./cli/serve.ts";
import { setupCommand } from "./cli/setup.ts";
import { unpinCommand } from "./cli/unpin.ts";
import { verifyCommand } from "./cli/verify.ts";
import type { Config, RepositoryConfig } from "./config/resolve.ts";
import type { Log } from "./core/log.ts";
import { createMetrics, type Metrics } from "./core/metrics.ts";
import { formats } from "./formats/index.ts";
import { openHostedNames } from "./hosted/names.ts";
import { createAccessLog } from "./http/accesslog.ts";
import { createBodies } from "./http/bodies.ts";
import { type ControlServer, controlPath, startControl } from "./http/control.ts";
import { type RunningServer, type ServerOptions, startServer } from "./http/server.ts";
import { watchFormats, watchStore } from "./jobs/gauges.ts";
import { houseOperations, withHouse } from "./jobs/house.ts";
import { housekeeping } from "./jobs/housekeeping.ts";
import { createOperations, type Operations } from "./jobs/operations.ts";
import { createOverviews, type OverviewSource } from "./jobs/overview.ts";
import { startJobs } from "./jobs/runner.ts";
import { scrub } from "./jobs/scrub.ts";
import { tellWarnings } from "./jobs/warnings.ts";
import { createEvents, type Events } from "./ledger/events.ts";
import { openBlobs } from "./store/blobs.ts";
import { createChanges } from "./store/changes.ts";
import { type Database, openDatabase } from "./store/database.ts";
import { emptyIncoming, openLayout, tighten } from "./store/layout.ts";
import { lockData } from "./store/lock.ts";
import { openViewFiles } from "./store/view-files.ts";
import { offline } from "./upstream/offline.ts";
import {
  createUpstream,
  createUpstreamMetrics,
  type UpstreamMetrics,
} from "./upstream/upstreams.ts";
import { createSite } from "./web/site.ts";
import { createPool, type Ended, type Pool } from "./worker/pool.ts";

const GRACE_MS = 30_000;

export interface StartOptions {
  config: Config;
  log: Log;
  /** For tests. */
  now?: () => number;
  /** For tests: who is let in. */
  gate?: Gate;
  /**
   * "ports": a server, with its schedule. The others are for a command that needs one for itself: on a port of this machine that nobody
   * knows, or on none.
   */
  listen?: "ports" | "loopback" | "none";
  /** Whether commands may ask it for work, through a socket in the data directory. */
  hasControl?: boolean;
}

export interface Running {
  /** Where it listens: http://127.0.0.1:4653. Empty when it does not. */
  url: string;
  /** The additional ports, by repository. */
  urls: Record<string, string>;
  events: Events;
  database: Database;
  operations: Operations;
  /** Finishes running responses, 30 seconds at most, and closes. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a server. Throws a Problem when the data directory is in use or newer than this program. */
export async function start(options: StartOptions): Promise<Running> {
  const { config, log, now = Date.now, listen: where = "ports", hasControl = false } = options;
  // A clock that is put back must not keep an upstream from being asked.
  const elapsed = options.now ?? (() => performance.now());
  const layout = openLayout(config.data);
  const lock = lockData(layout.lock);
  const tightened = tighten(layout.root);
  if (tightened) log.write("warn", tightened);
  emptyIncoming(layout);
  const database = await openDatabase(layout.database);
  const metrics = createMetrics();
  const events = createEvents(database, log, metrics, now);
  const pool = startPool(metrics, events, log);
  const blobs = openBlobs(layout);
  const changes = createChanges();
  const naming = createNaming(database, blobs);
  const soundness = createSoundness({ blobs, database, changes, naming, events });
  const shared: Shared = {
    views: openViewFiles(layout.views, (path) =>
      log.write("warn", "A stored view was damaged on disk: it is rendered again", { path }),
    ),
    database,
    changes,
    events,
    blobs,
    naming,
    soundness,
    transform: pool.transform,
    viewMemory: createLru(config.cache.memory),
    artifactMemory: createLru<StoredArtifact>(Math.ceil(config.cache.memory / 2)),
    ownGrant: serverGrant,
    accounts: noAccounts,
    hostedNames: await openHostedNames(database, changes),
    audit: async () => {}, // until there is an audit log: it is given here
    isPublic: () => true, // and so is what anonymous callers may read
    now,
  };
  const upstreamMetrics = createUpstreamMetrics(metrics);
  const mounted = config.repositories.map((settings) =>
    mount(settings, shared, upstreamMetrics, log, elapsed),
  );
  watchStore(metrics, database, async () => {
    const disk = await statfs(layout.root);
    return disk.bavail * disk.bsize;
  });
  // What the server does by itself it does with its own grant.
  const own = mounted.map(({ format, service, repository }) => ({
    format,
    service,
    repository: repository.for(serverGrant),
  }));
  watchFormats(metrics, own, log);
  const operations = withHouse(
    createOperations(own, log, now),
    houseOperations(shared, tellGarbage, now),
  );

  const overviews = createOverviews(
    mounted.map(({ repository: { name }, offline, upstreams }) => ({ name, offline, upstreams })),
    database,
    now,
  );
  const accessLog = createAccessLog(log, metrics);

  const repositories = new Map(mounted.map((one) => [one.repository.name, one]));
  const site = createSite({
    repositories: mounted.map(({ repository: { name, options }, format }) => ({
      name,
      format,
      options,
    })),
    version: manifest.version,
    metrics,
    overview: overviews.read,
    ready: () => readiness(database),
  });
  const app = createApp({
    gate: options.gate ?? openGate(),
    repositories,
    site,
    log,
    now,
    accessLog: {
      record(request) {
        accessLog.record(request);
        overviews.count(request);
      },
      alike(request) {
        const record = accessLog.alike(request);
        return (id, durationMs, address) => {
          record(id, durationMs, address);
          overviews.count(request);
        };
      },
    },
  });

  const { publicUrl, trustedProxies, requests } = config;
  const bodies = createBodies({
    memory: requests.memory,
    silenceMs: requests.silence,
    timeMs: requests.time,
  });
  const servers: RunningServer[] = [];
  const listen = (address: Config["listen"], own: string | null, only?: string) => {
    const server = listening(address, {
      hostname: address.host,
      port: address.port,
      publicUrl: own,
      trustedProxies,
      bodies,
      handle: (incoming) => app(incoming, only),
      failed: (error) =>
        log.write("error", "A response could not be sent", { error: String(error) }),
    });
    servers.push(server);
    return `http://${server.hostname.includes(":") ? `[${server.hostname}]` : server.hostname}:${server.port}`;
  };
  let control: ControlServer | null = null;
  const file = layout.database;
  const checkpoint = () => pool.transform({ op: "checkpoint", input: file });
  const keepHouse = housekeeping({ ...shared, file, checkpoint }, log);
  const ending = new AbortController();
  const scrubbing = scrub({ ...shared, everyMs: config.scrub, signal: ending.signal }, log);
  const warnings = tellWarnings(own, log);
  const endJobs = startJobs(
    where === "ports" ? [...keepHouse, ...scrubbing, warnings, ...operations.jobs] : keepHouse,
    log,
  );
  const stop = async (graceMs = GRACE_MS) => {
    ending.abort();
    const enough = setTimeout(() => void pool.close(), graceMs); // work that does not end would keep those who wait for it
    const jobsEnded = endJobs();
    await operations.stop();
    await Promise.all([control?.stop(), ...servers.map((server) => server.stop(graceMs))]);
    await soundness.close();
    await jobsEnded;
    for (const one of mounted) await one.close();
    clearTimeout(enough);
    await pool.close();
    await events.settled();
    await database.close();
    lock.release();
  };
  try {
    const urls: Record<string, string> = {};
    const running = { urls, events, database, operations, stop };
    if (where === "none") return { url: "", ...running };
    if (where === "loopback")
      return { url: listen({ host: "127.0.0.1", port: 0 }, null), ...running };
    const url = listen(config.listen, publicUrl);
    for (const { name, listen: own } of config.repositories)
      if (own) urls[name] = listen(own, null, name);
    lock.tell(servers.map(({ hostname: host, port }) => ({ host, port })));
    if (hasControl) control = openControl(config, operations, log);
    await warnings.run();
    return { url, ...running };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

/** Work that had to be ended is an event of the repository that it was done for. */
function startPool(metrics: Metrics, events: Events, log: Log): Pool {
  const ended = ({ repository, problem, ...subject }: Ended) => {
    if (repository === null) log.write("error", problem.message);
    else events.report(repository, { kind: "unfinished", message: problem.message, ...subject });
  };
  const thread = new URL("./worker/thread.ts", import.meta.url).href;
  return createPool({ spawn: () => new Worker(thread, { smol: true }), metrics, ended });
}

/** Without it commands cannot ask the server for work; it serves all the same. */
function openControl(config: Config, operations: Operations, log: Log): ControlServer | null {
  const path = controlPath(config.data);
  const failed = (error: unknown) =>
    log.write("error", "A command's request failed because of a bug", { error: String(error) });
  try {
    return startControl(path, operations.run, failed);
  } catch (error) {
    log.write("warn", `Commands cannot reach this server: no socket can be made at ${path}`, {
      error: String(error),
    });
    return null;
  }
}

/** Which of the addresses could not be listened on is for `serve` to say. */
function listening(address: Config["listen"], options: ServerOptions): RunningServer {
  try {
    return startServer(options);
  } catch (error) {
    throw Object.assign(error as Error, { listen: address });
  }
}

function mount(
  settings: RepositoryConfig,
  shared: Shared,
  metrics: UpstreamMetrics,
  log: Log,
  elapsed: () => number,
): Mounted & Pick<OverviewSource, "offline" | "upstreams"> & { close(): Promise<void> } {
  const format = formats.find(({ name }) => name === settings.format)!; // the configuration's schema made sure
  const upstream = settings.offline
    ? null
    : createUpstream(settings.upstreams, { log, metrics, repository: settings.name, now: elapsed });
  const made = createRepository(settings, format, upstream ?? offline(), shared);
  return {
    ...made,
    offline: settings.offline,
    upstreams: () =>
      (upstream?.states() ?? []).map(({ upstream: host, state }) => ({
        host,
        isAway: state !== "closed",
      })),
    async close() {
      upstream?.close();
      await made.service.close?.();
    },
  };
}

async function readiness(database: Database): Promise<string | null> {
  try {
    await database.read`SELECT 1`;
    return null;
  } catch (error) {
    return `the database does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

if (import.meta.main) {
  const deps = { formats };
  const code = await runCli(process.argv.slice(2), [
    serveCommand({
      formats,
      start: (config) => start({ config, log: processLog(config), hasControl: true }),
    }),
    setupCommand(deps),
    doctorCommand(deps),
    configCommand(deps),
    eventsCommand(deps),
    verifyCommand({ formats, fetchAgain: (config, wanted) => fetchAgain(start, config, wanted) }),
    backupCommand(deps),
    gcCommand({
      formats,
      operate: (config, request, call) => operate(start, config, request, call),
    }),
    unpinCommand({
      formats,
      operate: (config, request, call) => operate(start, config, request, call),
    }),
    ...operationCommands({
      formats,
      operate: (config, request, call) => operate(start, config, request, call),
    }),
  ]);
  process.exitCode = code;
  // What a second signal cut short may still hold the process; the last log lines get out before.
  setTimeout(() => process.exit(code), 200).unref();
}
