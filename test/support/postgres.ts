// A PostgreSQL server of the tests' own: on a socket in a temporary folder, without a port, and gone with it.
import { spawn } from "node:child_process";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { PostgresPlace } from "../../src/store/postgres.ts";
import { run } from "./run.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

/** Where Debian has its programs, one folder a version. */
const VERSIONS = "/usr/lib/postgresql";

export const USER = "holdfast";

/** Nothing here outlives the tests: no byte of it need be on the disk. */
const SETTINGS = [
  "listen_addresses=",
  "unix_socket_permissions=0700",
  "fsync=off",
  "full_page_writes=off",
  "autovacuum=off",
  "max_connections=300",
  "shared_buffers=64MB",
];

/** The newest version's folder of programs; null when there is none. */
export function postgresPrograms(): string | null {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : [];
  const sorted = versions.sort((a, b) => Number(b) - Number(a));
  const found = sorted.find((version) => existsSync(join(VERSIONS, version, "bin", "postgres")));
  return found ? join(VERSIONS, found, "bin") : null;
}

/** As the configuration has it. */
export function databaseUrl({ host, user, database }: PostgresPlace): string {
  return `postgres://${user}@/${database}?host=${host}`;
}

/** The database that a server of that folder begins with. */
export function placeIn(folder: string): PostgresPlace {
  return {
    ...{ host: folder, port: 5432, database: "postgres", user: USER },
    ...{ password: null, passwordFile: null, tls: null, connections: 5 },
  };
}

export interface PostgresServer {
  /** Of its socket. */
  folder: string;
  /** Runs one of PostgreSQL's programs as the user of this server, in `folder`. Throws where it fails. */
  run(program: string, args: readonly string[]): Promise<void>;
  /** Ends it at once, as a machine that fails does. What was committed stays. */
  kill(): Promise<void>;
  /** Starts it again, after `kill`. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Beside those that all have: `name=value`. */
  settings?: readonly string[];
  /** Makes the data directory; a new one without it. */
  fill?(data: string, run: PostgresServer["run"]): Promise<void>;
  /** It follows another one, and is up when it may be read. */
  isStandby?: boolean;
}

/** Throws when it does not start. */
export async function startPostgres(
  programs: string,
  { settings = [], fill = makeNew, isStandby = false }: PostgresOptions = {},
): Promise<PostgresServer> {
  const folder = tempFolder("postgres");
  const { prefix, uid, gid } = await whoRuns(folder);
  chownSync(folder, uid, gid);
  const data = join(folder, "data");
  const runs: PostgresServer["run"] = async (program, args) => {
    const done = await run([...prefix, join(programs, program), ...args], { cwd: folder });
    if (done.code !== 0) throw new Error(`${program} ended with ${done.code}: ${done.output}`);
  };
  await fill(data, runs);
  const given = [...SETTINGS, ...settings].flatMap((setting) => ["-c", setting]);
  const command = [...prefix, join(programs, "postgres"), "-D", data, "-k", folder, ...given];
  let running = await begin(command, folder, isStandby);
  return {
    folder,
    run: runs,
    kill: () => running.kill(),
    async revive() {
      running = await begin(command, folder, isStandby);
    },
    async stop() {
      await running.kill();
      removeTemp(folder);
    },
  };
}

const makeNew: NonNullable<PostgresOptions["fill"]> = (data, run) =>
  run("initdb", [
    ...["-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
  ]);

async function begin(
  [program, ...args]: string[],
  cwd: string,
  isStandby: boolean,
): Promise<{ kill(): Promise<void> }> {
  const child = spawn(program!, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const up = `ready to accept ${isStandby ? "read-only " : ""}connections`;
  const end = () => child.kill("SIGQUIT"); // at once
  process.on("exit", end);
  await waitFor(
    () => log.includes(up) || child.exitCode !== null,
    () => `PostgreSQL does not start: ${log}`,
    60_000,
  );
  if (child.exitCode !== null) throw new Error(`PostgreSQL does not start: ${log}`);
  return {
    async kill() {
      end();
      await ended;
      process.off("exit", end);
    },
  };
}

/** It refuses to be root: then it is the user whom Debian's package made for it. */
async function whoRuns(cwd: string) {
  const uid = process.getuid!();
  if (uid !== 0) return { prefix: [], uid, gid: process.getgid!() };
  const id = async (what: string) => Number((await run(["id", what, "postgres"], { cwd })).stdout);
  const [user, group] = [await id("-u"), await id("-g")];
  return {
    prefix: ["setpriv", `--reuid=${user}`, `--regid=${group}`, "--clear-groups"],
    uid: user,
    gid: group,
  };
}
