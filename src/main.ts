// Composition: configuration → rooms → app → listening server. The only file that knows everything.
import { statfs } from "node:fs/promises";
import manifest from "../package.json" with { type: "json" };
import { createApp, type Mounted } from "./app.ts";
import type { StoredArtifact } from "./cache/artifacts.ts";
import { createLru } from "./cache/lru.ts";
import { createRepository, type Shared } from "./cache/repository.ts";
import { createWorker } from "./cache/worker.ts";
import { configCommand } from "./cli/config.ts";
import { doctorCommand } from "./cli/doctor.ts";
import { eventsCommand } from "./cli/events.ts";
import { gcCommand } from "./cli/gc.ts";
import { runCli } from "./cli/index.ts";
import { logStyle, serveCommand } from "./cli/serve.ts";
import { setupCommand } from "./cli/setup.ts";
import { processTerminal } from "./cli/terminal.ts";
import { verifyCommand } from "./cli/verify.ts";
import type { Config, RepositoryConfig } from "./config/resolve.ts";
import { createLog, type Log } from "./core/log.ts";
import { createMetrics, type Metrics } from "./core/metrics.ts";
import { formats } from "./formats/index.ts";
import { createAccessLog } from "./http/accesslog.ts";
import { type RunningServer, type ServerOptions, startServer } from "./http/server.ts";
import { collectGarbage } from "./jobs/gc.ts";
import { type RecurringJob, startJobs } from "./jobs/runner.ts";
import { createEvents, type Events } from "./ledger/events.ts";
import { openBlobs } from "./store/blobs.ts";
import { type Database, logSize, openDatabase } from "./store/database.ts";
import { emptyIncoming, type Layout, openLayout } from "./store/layout.ts";
import { lockData } from "./store/lock.ts";
import { openViews } from "./store/view-files.ts";
import { offline } from "./upstream/offline.ts";
import {
  createUpstream,
  createUpstreamMetrics,
  type UpstreamMetrics,
} from "./upstream/upstreams.ts";
import { servePage } from "./web/pages.ts";

const GRACE_MS = 30_000;
/** The log of the database is looked at this often, and moved into the database when it is larger than that. */
const CHECKPOINT_MS = 10_000;
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const TIDY_MS = 6 * 60 * 60 * 1000;

export interface Running {
  /** Where it listens: http://127.0.0.1:4653 */
  url: string;
  /** The additional ports, by repository. */
  urls: Record<string, string>;
  events: Events;
  database: Database;
  /** Finishes running responses, 30 seconds at most, and closes. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a server. `now` is for tests. Throws a Problem when the data directory is in use or newer than this program. */
export async function start(options: {
  config: Config;
  log: Log;
  now?: () => number;
}): Promise<Running> {
  const { config, log, now = Date.now } = options;
  const layout = openLayout(config.data);
  const lock = lockData(layout.lock);
  emptyIncoming(layout);
  const database = await openDatabase(layout.database);
  const metrics = createMetrics();
  const events = createEvents(database, log, metrics, now);
  const worker = createWorker(
    () => new Worker(new URL("./worker.ts", import.meta.url).href, { smol: true }),
  );
  const shared: Shared = {
    views: openViews(layout.views),
    database,
    events,
    blobs: openBlobs(layout),
    transform: worker.transform,
    viewMemory: createLru(config.cache.memory),
    artifactMemory: createLru<StoredArtifact>(Math.ceil(config.cache.memory / 2)),
    now,
  };
  const upstreamMetrics = createUpstreamMetrics(metrics);
  const mounted = config.repositories.map((settings) =>
    mount(settings, shared, upstreamMetrics, log, now),
  );
  watchStore(metrics, database, layout);

  const repositories = new Map(mounted.map((one) => [one.repository.name, one]));
  const pages = {
    repositories: mounted.map(({ repository, format }) => ({ name: repository.name, format })),
    version: manifest.version,
    metrics,
    ready: () => readiness(database),
  };
  const app = createApp({
    repositories,
    pages: ({ method, path, origin }) => servePage(pages, method, path, origin),
    log,
    record: createAccessLog(log, metrics),
  });

  const { publicUrl, trustedProxies } = config;
  const servers: RunningServer[] = [];
  const listen = (address: Config["listen"], own: string | null, only?: string) => {
    const server = listening(address, {
      hostname: address.host,
      port: address.port,
      publicUrl: own,
      trustedProxies,
      handle: (incoming) => app(incoming, only),
      failed: (error) =>
        log.write("error", "A response could not be sent", { error: String(error) }),
    });
    servers.push(server);
    return `http://${server.hostname.includes(":") ? `[${server.hostname}]` : server.hostname}:${server.port}`;
  };
  const endJobs = startJobs(
    [garbageCollection(database, shared, log), checkpoints(database, layout, worker)],
    log,
  );
  const stop = async (graceMs = GRACE_MS) => {
    const jobsEnded = endJobs();
    await Promise.all(servers.map((server) => server.stop(graceMs)));
    await jobsEnded;
    for (const one of mounted) one.close();
    worker.close();
    await events.settled();
    await database.close();
    lock.release();
  };
  try {
    const url = listen(config.listen, publicUrl);
    const urls: Record<string, string> = {};
    for (const { name, listen: own } of config.repositories)
      if (own) urls[name] = listen(own, null, name);
    return { url, urls, events, database, stop };
  } catch (error) {
    await stop(0);
    throw error;
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
  now: () => number,
): Mounted & { close(): void } {
  const format = formats.find(({ name }) => name === settings.format)!; // the configuration's schema made sure
  if (settings.offline)
    return {
      format,
      repository: createRepository(settings, format, offline(), shared),
      close() {},
    };
  const upstream = createUpstream(settings.upstreams, {
    log,
    metrics,
    repository: settings.name,
    now,
  });
  return {
    format,
    repository: createRepository(settings, format, upstream, shared),
    close: () => upstream.close(),
  };
}

function garbageCollection(database: Database, { blobs, views }: Shared, log: Log): RecurringJob {
  return {
    name: "Garbage collection",
    everyMs: TIDY_MS,
    async run() {
      const result = await collectGarbage(
        { database, blobs, views },
        { dryRun: false, now: Date.now() },
      );
      log.write("info", "Collected garbage", { blobs: result.blobs, bytes: result.bytes });
    },
  };
}

/** Moves the database's log into the database, in the worker: it syncs. */
function checkpoints(
  database: Database,
  layout: Layout,
  worker: ReturnType<typeof createWorker>,
): RecurringJob {
  let done = 0;
  return {
    name: "The database's checkpoint",
    everyMs: CHECKPOINT_MS,
    async run() {
      if (database.commits === done || (await logSize(layout.database)) < CHECKPOINT_BYTES) return;
      done = database.commits;
      await worker.transform({ op: "checkpoint", input: layout.database });
    },
  };
}

function watchStore(metrics: Metrics, database: Database, layout: Layout): void {
  const totals = async (column: "files" | "bytes"): Promise<[Record<string, string>, number][]> => {
    const rows = await database.read`SELECT repository, files, bytes FROM totals`;
    return rows.map((row: Record<string, string>) => [
      { repository: row["repository"]! },
      Number(row[column]),
    ]);
  };
  metrics.gauge("holdfast_stored_files", "Stored artifacts by repository.", () => totals("files"));
  metrics.gauge("holdfast_stored_bytes", "Bytes of stored artifacts by repository.", () =>
    totals("bytes"),
  );
  metrics.gauge(
    "holdfast_disk_free_bytes",
    "Free bytes on the disk of the data directory.",
    async () => {
      const disk = await statfs(layout.root);
      return [[{}, disk.bavail * disk.bsize]];
    },
  );
  metrics.gauge("holdfast_memory_bytes", "Resident memory of the process.", () => [
    [{}, process.memoryUsage.rss()],
  ]);
}

async function readiness(database: Database): Promise<string | null> {
  try {
    await database.read`SELECT 1`;
    return null;
  } catch (error) {
    return `the database does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Asks a server that runs for nobody else for some paths. For `holdfast verify --repair`. */
async function fetchAgain(
  config: Config,
  wanted: { repository: string; path: string }[],
): Promise<(string | null)[]> {
  const alone = { ...config, listen: { host: "127.0.0.1", port: 0 } };
  const repositories = config.repositories.map((repository) => ({ ...repository, listen: null }));
  const running = await start({
    config: { ...alone, repositories },
    log: createLog("json", () => {}),
  });
  try {
    const failures: (string | null)[] = [];
    for (const { repository, path } of wanted) {
      const response = await fetch(`${running.url}/${repository}${path}`);
      const text = await response.text();
      failures.push(response.ok ? null : text.trim() || `status ${response.status}`);
    }
    return failures;
  } finally {
    await running.stop();
  }
}

/** Lines are written in batches: a request must not wait for a terminal or a pipe. */
function processLog(config: Config): Log {
  const terminal = processTerminal();
  let lines: string[] = [];
  const flush = () => {
    process.stdout.write(lines.join(""));
    lines = [];
  };
  process.on("exit", flush);
  return createLog(
    logStyle(config, terminal),
    (line) => {
      if (lines.push(line) === 1) setTimeout(flush, 20);
    },
    terminal.colour,
  );
}

if (import.meta.main) {
  const deps = { formats };
  const code = await runCli(process.argv.slice(2), [
    serveCommand({ formats, start: (config) => start({ config, log: processLog(config) }) }),
    configCommand(deps),
    setupCommand(deps),
    doctorCommand(deps),
    verifyCommand({ formats, fetchAgain }),
    gcCommand(deps),
    eventsCommand(deps),
  ]);
  process.exitCode = code;
  // What a second signal cut short may still hold the process; the last log lines get out before.
  setTimeout(() => process.exit(code), 200).unref();
}
