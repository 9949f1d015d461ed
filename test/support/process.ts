// The server as people run it: a process of its own, started by its command line, on a port that stays the same.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parse } from "yaml";
import { fileOf, layoutOf } from "../../src/store/layout.ts";
import { type LogFiles, openLogFiles } from "../../src/store/log-files.ts";
import type { PostgresPlace } from "../../src/store/postgres.ts";
import { readCatalog, type SeenEvent, type SeenFile } from "./catalog.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

const root = new URL("../../", import.meta.url).pathname;

export interface ServerProcess {
  /** Without a trailing slash. */
  readonly url: string;
  readonly data: string;
  /** Its PostgreSQL; null for a database in its data folder. */
  readonly place: PostgresPlace | null;
  /** Of its append-only log. */
  readonly logFiles: LogFiles;
  readonly pid: number;
  /** Those that it consists of, each with an address of its own: itself, where it is one. */
  readonly nodes: readonly ServerProcess[];
  /** The configuration file; where there is none, where it would be. */
  readonly config: string;
  /** What it wrote so far. */
  output(): string;
  events(): SeenEvent[];
  files(): SeenFile[];
  /** The page of metrics; of several processes that have one each, one behind the other. */
  metrics(): Promise<string>;
  /** Its stored bytes are gone from wherever they are kept. */
  lose(sha256: string): void;
  /** Writes these keys into its configuration file, for its next start. */
  configure(keys: Record<string, unknown>): void;
  /** Ends it as an operator would, and starts it again on the same data. */
  restart(flags?: string[]): Promise<void>;
  /** Ends it as an operator would, until it is started again. */
  pause(): Promise<void>;
  /**
   * Ends it at once, as a machine that fails does, until it is started again, and tells which: of several nodes one, another one each time, or the one that
   * has the lease of this name. The others go on.
   */
  kill(lease?: string): Promise<ServerProcess>;
  /** Moves the clock of one that `hasClock` forward; of all its nodes. */
  advance(milliseconds: number): void;
  /** Ends it, and removes the data. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  /** The configuration file's text; the built-in configuration without it. */
  config?: string;
  /** Further flags of `serve`. */
  flags?: string[];
  /** The data directory; a temporary one without it. */
  data?: string;
  /** It serves over TLS, with a certificate of this authority (PEM). */
  authority?: string;
  /** Where it listens; any free port without it. */
  port?: number;
  /** How many files it may have open (`ulimit -n`). */
  files?: number;
  /** Whether canaries run, which take memory and time of their own. */
  hasCanaries?: boolean;
  /** What is started, in place of the checkout's own: an executable. */
  program?: string[];
  /** Its whole environment; that of the tests without it. */
  env?: Record<string, string>;
  /** Whether the test moves its clock. */
  hasClock?: boolean;
}

/** One process; or several nodes, where the tests are run on such and a configuration is all that is asked for. */
export async function startProcess(options: ProcessOptions = {}): Promise<ServerProcess> {
  if (!process.env["HOLDFAST_TEST_NODES"]) return startOne(options);
  const { config = "{}", flags, authority, hasClock = false, ...more } = options;
  if (Object.values(more).some((one) => one !== undefined)) return startOne(options);
  const { startAsNodes } = await import("./cluster.ts");
  return startAsNodes({
    ...{ config, hasClock },
    ...(flags && { flags }),
    ...(authority && { authority }),
  });
}

export async function startOne(options: ProcessOptions = {}): Promise<ServerProcess> {
  const home = tempFolder("process");
  const data = options.data ?? join(home, "data");
  const port = options.port ?? (await freePort());
  const url = `${options.authority ? "https" : "http"}://127.0.0.1:${port}`;
  const fixed = ["--data", data, "--listen", `127.0.0.1:${port}`];
  if (!options.hasCanaries) fixed.push("--no-canaries");
  if (options.config) {
    writeFileSync(join(home, "holdfast.yaml"), options.config);
    fixed.push("--config", join(home, "holdfast.yaml"));
  }
  let output = "";
  const clock = options.hasClock ? openClock(home) : null;
  const begin = async (flags: string[]) => {
    const {
      program: started = [process.execPath, ...(clock?.flags ?? []), join(root, "src/main.ts")],
    } = options;
    const env = clock ? { ...(options.env ?? process.env), ...clock.env } : options.env;
    const command = [...started, "serve", ...fixed, ...flags];
    const limited = ["sh", "-c", `ulimit -n ${options.files}; exec "$@"`, "sh", ...command];
    const [program = "", ...args] = options.files ? limited : command;
    const child = spawn(program, args, {
      cwd: home,
      ...(env && { env: env as Record<string, string> }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    await waitFor(
      async () => {
        if (child.exitCode !== null)
          throw new Error(`the server ended with ${child.exitCode}:\n${output}`);
        return isReady(url, options.authority);
      },
      () => `the server is not ready:\n${output}`,
      60_000,
    );
    return child;
  };
  let child = await begin(options.flags ?? []);
  const server: ServerProcess = {
    url,
    data,
    place: null,
    logFiles: openLogFiles(join(data, "log")),
    config: join(home, "holdfast.yaml"),
    get pid() {
      return child.pid!;
    },
    get nodes() {
      return [server];
    },
    output: () => output,
    ...readCatalog(data),
    metrics: async () => (await fetch(`${url}/-/metrics`)).text(),
    lose: (sha256) => rmSync(fileOf(layoutOf(data).blobs, sha256)),
    configure(keys) {
      const file = join(home, "holdfast.yaml");
      writeFileSync(file, JSON.stringify({ ...parse(readFileSync(file, "utf8")), ...keys }));
    },
    async restart(flags = []) {
      await end(child);
      child = await begin(flags);
    },
    pause: () => end(child),
    async kill() {
      await end(child, "SIGKILL");
      return server;
    },
    advance(milliseconds) {
      if (clock === null) throw new Error("its clock is the machine's");
      clock.advance(milliseconds);
    },
    async stop() {
      await end(child);
      removeTemp(home);
    },
  };
  return server;
}

/** A clock that is the machine's and so much: see moved-clock.ts. */
function openClock(home: string) {
  const file = join(home, "clock");
  let shift = 0;
  const write = () => {
    writeFileSync(`${file}.new`, String(shift));
    renameSync(`${file}.new`, file); // it is read at any time
  };
  write();
  return {
    flags: ["--preload", join(root, "test/support/moved-clock.ts")],
    env: { HOLDFAST_TEST_CLOCK: file },
    advance(milliseconds: number) {
      shift += milliseconds;
      write();
    },
  };
}

/** Lines of its log that tell of a bug. */
export function bugsOf(server: Pick<ServerProcess, "output">): string[] {
  const lines = server.output().split("\n");
  return lines.filter((line) => line.includes("because of a bug"));
}

/** A bug that the server logged is told with the failure. */
export function withBugs(error: unknown, server: Pick<ServerProcess, "output">): unknown {
  const bugs = bugsOf(server);
  return bugs.length ? new Error(`${error}\n${bugs.join("\n")}`, { cause: error }) : error;
}

async function isReady(url: string, ca?: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/health/ready`, ca ? { tls: { ca } } : {})).ok;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

/** The most memory that a process had so far, in MiB. */
export function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

/** One that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
