// The real server inside the test's own process: temporary data folder, free port, a clock that the test moves.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Gate } from "../../src/auth/gate.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { start } from "../../src/server/start.ts";
import { layoutOf } from "../../src/store/layout.ts";
import type { PostgresPlace } from "../../src/store/postgres.ts";
import { databaseOfServer, onPostgres } from "../../src/store/testkit.ts";
import { readCatalog, type SeenEvent, type SeenFile } from "./catalog.ts";
import { configText, type TestOptions } from "./config.ts";
import type { FakeUpstream } from "./fake-upstream/index.ts";
import { databaseUrl } from "./postgres.ts";
import { removeTemp, tempFolder } from "./temp.ts";

/** What is told of how the server is started, beside its configuration. */
interface StartOptions {
  gate?: Gate;
  hasCanaries?: boolean;
  hasControl?: boolean;
  /** False: what the server does again and again is done when a test asks for it. */
  hasSchedule?: boolean;
  /** Whether others may come beside it, on the same database. */
  isShared?: boolean;
  /** It has that one's database, and its files as a store that they share. */
  beside?: TestServer;
}

export interface TestServer {
  /** Without a trailing slash. The same after a restart, so that lock files stay true. */
  readonly url: string;
  /** The data folder. */
  readonly data: string;
  /** Its PostgreSQL, where the tests run on one. */
  readonly place: PostgresPlace | null;
  /** Everything logged so far, as JSON lines. */
  readonly log: string[];
  /** Moves the server's clock forward. */
  advance(milliseconds: number): void;
  /** Stops and starts again on the same data, with what `between` makes of it. */
  restart(
    changes?: TestOptions & StartOptions,
    between?: () => void | Promise<void>,
  ): Promise<void>;
  /** As a command does: `holdfast <name> <repository>`. The lines that it says. */
  operate(
    name: string,
    repository: string,
    values?: Record<string, string>,
  ): Promise<{ isDone: boolean; lines: string[] }>;
  /** `holdfast user add …` and its like, beside the running server. The lines that it says. */
  account(command: string, given: object): Promise<string[]>;
  /** With which the first administrator is made. */
  setupCode(): string | null;
  events(): SeenEvent[];
  files(): SeenFile[];
  /** Stops, and removes the data. */
  stop(): Promise<void>;
}

/** A busy machine may need more than the second that clients wait for news. */
const PATIENCE_MS = 20_000;

export async function startServer(
  upstream: FakeUpstream,
  options: TestOptions & StartOptions = {},
): Promise<TestServer> {
  const home = tempFolder("server");
  const data = join(home, "data");
  const { beside } = options;
  const own = onPostgres && !beside ? await databaseOfServer() : null;
  const place = beside?.place ?? own?.place ?? null;
  if (beside) shareFiles(beside.data, data);
  const file = join(home, "holdfast.yaml");
  const log: string[] = [];
  let shift = 0;
  let wanted = options;
  let listen = "127.0.0.1:0";
  const begin = () => {
    const server = { ...(place && { database: databaseUrl(place) }), ...wanted.server };
    writeFileSync(file, configText(upstream, { ...wanted, server }));
    const flags = { data, listen };
    const load = () => loadConfig({ file, formats, flags, env: {} });
    return start({
      config: load(),
      load,
      log: createLog("json", (line) => log.push(line)),
      now: () => Date.now() + shift,
      patienceMs: wanted.patienceMs ?? PATIENCE_MS,
      ...(wanted.gate && { gate: wanted.gate }),
      hasCanaries: wanted.hasCanaries ?? false,
      hasControl: wanted.hasControl ?? false,
      hasSchedule: wanted.hasSchedule ?? true,
      isShared: wanted.isShared ?? beside !== undefined,
    });
  };
  let running = await begin();
  let isRunning = true;
  /** Once alone, where the next start failed. */
  const halt = async () => {
    if (isRunning) await running.stop();
    isRunning = false;
  };
  listen = new URL(running.url).host;
  const catalog = readCatalog(data, place);
  return {
    get url() {
      return running.url.replace(/\/$/, "");
    },
    data,
    place,
    log,
    ...catalog,
    async operate(name, repository, values = {}) {
      const lines: string[] = [];
      const { signal } = new AbortController();
      const call = { progress() {}, say: (line: string) => void lines.push(line), signal };
      const wanted = { name, repository, flags: new Set<string>(), values };
      return { isDone: await running.operations.run(wanted, call), lines };
    },
    async account(command, given) {
      const lines: string[] = [];
      const { signal } = new AbortController();
      const call = { progress() {}, say: (line: string) => void lines.push(line), signal };
      const values = { command, given: JSON.stringify(given), by: "the test" };
      await running.operations.run(
        { name: "accounts", repository: "", flags: new Set(), values },
        call,
      );
      return lines;
    },
    setupCode: () => running.setupCode(),
    advance(milliseconds) {
      shift += milliseconds;
    },
    async restart(changes = {}, between = () => {}) {
      wanted = { ...wanted, ...changes };
      await halt();
      await between();
      running = await begin();
      isRunning = true;
    },
    async stop() {
      await halt();
      await own?.drop();
      removeTemp(home);
    },
  };
}

function shareFiles(from: string, to: string): void {
  const [theirs, ours] = [layoutOf(from), layoutOf(to)];
  for (const folder of ["blobs", "evidence", "log"] as const) {
    mkdirSync(dirname(ours[folder]), { recursive: true });
    symlinkSync(theirs[folder], ours[folder]);
  }
}
