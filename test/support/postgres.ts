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

export interface PostgresServer {
  /** Of its socket. */
  folder: string;
  /** Ends it at once, as a machine that fails does. What was committed stays. */
  kill(): Promise<void>;
  /** Starts it again, after `kill`. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

/** Throws when it does not start. */
export async function startPostgres(programs: string): Promise<PostgresServer> {
  const folder = tempFolder("postgres");
  const { prefix, uid, gid } = await whoRuns(folder);
  chownSync(folder, uid, gid);
  const data = join(folder, "data");
  const made = await run(
    [
      ...prefix,
      join(programs, "initdb"),
      ...["-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
    ],
    { cwd: folder },
  );
  if (made.code !== 0) throw new Error(`initdb ended with ${made.code}: ${made.output}`);
  const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
  const command = [...prefix, join(programs, "postgres"), "-D", data, "-k", folder, ...settings];
  let running = await begin(command, folder);
  return {
    folder,
    kill: () => running.kill(),
    async revive() {
      running = await begin(command, folder);
    },
    async stop() {
      await running.kill();
      removeTemp(folder);
    },
  };
}

async function begin(
  [program, ...args]: string[],
  cwd: string,
): Promise<{ kill(): Promise<void> }> {
  const child = spawn(program!, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const end = () => child.kill("SIGQUIT"); // at once
  process.on("exit", end);
  await waitFor(
    () => log.includes("ready to accept connections") || child.exitCode !== null,
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
