// Starts programs and ends them: each in a process group of its own, and none outlives the benchmark.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { ask } from "./http.ts";
import { workFolder } from "./paths.ts";
import { Problem } from "./refuse.ts";

export interface Command {
  /** For log files and messages. */
  name: string;
  command: string;
  args: string[];
  /** Added to this process's environment; undefined removes. */
  env?: Record<string, string | undefined>;
  cwd?: string;
}

export interface Server {
  pid: number;
  /** Milliseconds from its start to its first answer. */
  startedIn: number;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

function killAll(): void {
  for (const child of running) killGroup(child, "SIGKILL");
}
process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

function killGroup(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}

function launch({ name, command, args, env, cwd }: Command): {
  child: ChildProcess;
  log: string;
  ended: Promise<number>;
} {
  const log = join(workFolder("logs"), `${name}.log`);
  const output = openSync(log, "a");
  const environment: Record<string, string | undefined> = { ...process.env, ...env };
  const child = spawn(command, args, {
    detached: true,
    stdio: ["ignore", output, output],
    env: environment as NodeJS.ProcessEnv,
    ...(cwd ? { cwd } : {}),
  });
  closeSync(output);
  running.add(child);
  const ended = new Promise<number>((resolve) => {
    const done = (code: number) => {
      running.delete(child);
      resolve(code);
    };
    child.on("exit", (code) => done(code ?? 1));
    child.on("error", () => done(127));
  });
  return { child, log, ended };
}

/** Runs a program to its end. Throws, naming its log, when it fails or takes longer than `seconds`. */
export async function run(command: Command, seconds = 600): Promise<{ seconds: number }> {
  const began = performance.now();
  const { child, log, ended } = launch(command);
  const timer = setTimeout(() => killGroup(child, "SIGKILL"), seconds * 1000);
  const code = await ended;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command.name} ended with ${code}; see ${log}`);
  return { seconds: (performance.now() - began) / 1000 };
}

/** Starts a server and waits until `ready` answers with any status below 500. */
export async function serve(command: Command, ready: string, seconds = 60): Promise<Server> {
  const began = performance.now();
  const { child, log, ended } = launch(command);
  let alive = true;
  void ended.then(() => {
    alive = false;
  });
  const stop = async () => {
    killGroup(child, "SIGTERM");
    const timer = setTimeout(() => killGroup(child, "SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
    killGroup(child, "SIGKILL"); // what the leader left behind in its group
  };
  while (performance.now() - began < seconds * 1000) {
    if (!alive) throw new Error(`${command.name} ended at its start; see ${log}`);
    const status = await ask(ready, { timeout: 2000 }).then(
      (answer) => answer.status,
      () => 999,
    );
    if (status < 500) return { pid: child.pid!, startedIn: performance.now() - began, stop };
    await Bun.sleep(3);
  }
  await stop();
  throw new Error(`${command.name} did not answer within ${seconds} s; see ${log}`);
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Whether a port of 127.0.0.1 is free now. */
export function isFree(port: number): boolean {
  try {
    const probe = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    probe.stop(true);
    return true;
  } catch {
    return false;
  }
}

/** Ports below 32768, which is where the system gives ports from: apt-cacher-ng takes no higher one, its own or an upstream's. */
export function lowPorts(count: number): number[] {
  const found: number[] = [];
  for (let port = 20_000; port < 32_768 && found.length < count; port += 1)
    if (isFree(port)) found.push(port);
  if (found.length < count) throw new Problem("no port below 32768 is free");
  return found;
}

/** Standard output of a short program, trimmed; empty when it fails. */
export function output(command: string, args: string[], cwd?: string): string {
  const found = Bun.which(command);
  if (!found && !command.includes("/")) return "";
  const result = Bun.spawnSync([command, ...args], {
    stderr: "ignore",
    ...(cwd ? { cwd } : {}),
  });
  return result.exitCode === 0 ? result.stdout.toString().trim() : "";
}
