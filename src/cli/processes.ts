// The processes of a server: how the first one starts the others, and what the others are run as.
import { type ChildProcess, spawn } from "node:child_process";
import type { Config } from "../config/resolve.ts";
import { build } from "../core/build.ts";
import type { Log } from "../core/log.ts";
import { type Child, createFirst } from "../server/processes/first.ts";
import { openOther } from "../server/processes/other.ts";
import type { Siblings } from "../server/processes/siblings.ts";
import type { Channel } from "../server/processes/wire.ts";
import { emptyIncoming, layoutOf } from "../store/layout.ts";
import { processLog } from "./process-log.ts";
import { logStyle } from "./serve.ts";
import { processTerminal } from "./terminal.ts";

/** The first argument of a process that another one started. After it comes how it logs. */
const OTHER = "--as-a-process-of-a-server";

/** Null where the server is one process. `entry`: the program's own source, where it is no executable. */
export function siblingsOf(config: Config, entry: string, log: Log): Siblings | null {
  if (config.processes === 1) return null;
  const { incoming } = layoutOf(config.data);
  return createFirst({
    count: config.processes,
    spawn: () => start([...(build ? [] : [entry]), OTHER, logStyle(config, processTerminal())]),
    sweep: (pid) => emptyIncoming({ incoming }, pid),
    log,
  });
}

function start(args: string[]): Child {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    serialization: "advanced",
  });
  passOn(child);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  return {
    pid: child.pid ?? 0,
    channel: channelOf(child),
    ended,
    kill: () => void child.kill("SIGKILL"),
  };
}

/** What it logs, by whole lines: what this process logs comes between them. It waits where nobody reads. */
function passOn({ stdout }: ChildProcess): void {
  let rest = "";
  stdout!.setEncoding("utf8");
  stdout!.on("data", (text: string) => {
    const end = text.lastIndexOf("\n") + 1;
    if (end === 0) {
      rest += text;
      return;
    }
    const whole = rest + text.slice(0, end);
    rest = text.slice(end);
    if (process.stdout.write(whole)) return;
    stdout!.pause();
    process.stdout.once("drain", () => stdout!.resume());
  });
}

function channelOf(end: Pick<ChildProcess, "send" | "on">): Channel {
  return {
    send: (message) => void end.send(message as object),
    receive: (heard) => void end.on("message", heard),
  };
}

/** Whether this process was started as one of a server's: then `runAsOne` is all that it does. */
export function isOneOfSeveral(argv: readonly string[]): boolean {
  return argv[0] === OTHER && process.send !== undefined;
}

/** Until it is told to end, or the first one is gone. */
export async function runAsOne([, style]: readonly string[]): Promise<number> {
  const logs = { style: style === "text" ? ("text" as const) : ("json" as const) };
  const other = openOther({
    channel: channelOf(process as unknown as Pick<ChildProcess, "send" | "on">),
    openLog: (nth) => marked(processLog({ logs }), nth),
  });
  // The first one is told by the same terminal, and tells the others.
  process.on("SIGINT", () => {});
  process.on("SIGHUP", () => {});
  process.on("SIGTERM", () => void other.stop());
  // It holds the data directory, which another server may have by now.
  process.on("disconnect", () => process.exit(0));
  await other.stopped;
  return 0;
}

/** Each line says which process it is of. */
function marked(log: Log, nth: number): Log {
  return {
    write: (level, message, fields = {}) => log.write(level, message, { ...fields, process: nth }),
    repeat: (level, message, fields, names) =>
      log.repeat(level, message, { ...fields, process: nth }, names),
  };
}
