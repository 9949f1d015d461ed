// Runs git, and nothing else does: with an environment of our making, a process group that is killed as a whole, and bounds on time, memory, files and output.
import { spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";

export interface GitCall {
  /** The repository: the one place that git looks at. Null: none is needed. */
  gitDir: string | null;
  /** What strangers chose (URLs, ids, paths) stands behind "--end-of-options". */
  args: readonly string[];
  /** Settings beside ours, for this call alone. Secrets may be among them: they travel in the environment, which is its owner's alone to read. */
  config?: Readonly<Record<string, string>>;
  environment?: Readonly<Record<string, string>>;
  input?: string;
  /** It changes a mirror or may take long: it ends with this process, also with one that is killed, so that the next one is alone in the mirror. */
  endsWithUs?: boolean;
  timeoutMs?: number;
  /** Most bytes of its output: Problem("tooLarge") past that. */
  outputLimit?: number;
  signal?: AbortSignal;
}

export interface Sandbox {
  /** Its whole output. Throws GitFailed when git says that it failed, and a Problem when a bound was met. */
  run(call: GitCall): Promise<Buffer>;
  /** Its output as it comes. Who stops reading ends it. */
  stream(call: GitCall): AsyncGenerator<Uint8Array>;
}

/** git ended with a failure. `message` is what it said, for people, without secrets. */
export class GitFailed extends Error {
  readonly code: number | null;
  constructor(code: number | null, message: string) {
    super(message);
    this.name = "GitFailed";
    this.code = code;
  }
}

export interface SandboxOptions {
  /** An empty folder. */
  home: string;
  /** Virtual memory of one process, and the largest file that it may write. Bytes. */
  memory?: number;
  fileSize?: number;
}

const TIMEOUT_MS = 60_000;
const OUTPUT = 64 * 1024 * 1024;
const ERRORS = 16 * 1024;
/** At a time; the others wait. */
const PROCESSES = 6;
const SHELL = "/bin/sh";
/** In the units of POSIX ulimit: kilobytes, and blocks of 512 bytes. */
const LIMITED = 'ulimit -c 0; ulimit -v "$1" && ulimit -f "$2" && shift 2 && exec git "$@"';
/** Descriptor 3 is a pipe from this process, on which nothing is ever said: when it ends, so does the whole group. */
const WATCHED = `(read -r _ <&3; kill -KILL 0) </dev/null >/dev/null 2>&1 & exec 3<&-; ${LIMITED}`;

const ENVIRONMENT = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "/bin/false",
  SSH_ASKPASS: "/bin/false",
  SSH_ASKPASS_REQUIRE: "never",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_GRAFT_FILE: "/dev/null",
  GIT_NO_LAZY_FETCH: "1",
  GIT_OPTIONAL_LOCKS: "0",
  // No protocol but where a call allows one.
  GIT_ALLOW_PROTOCOL: "none",
};

const CONFIG = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.attributesFile": "/dev/null",
  "core.packedGitLimit": "512m",
  "core.packedGitWindowSize": "32m",
  "credential.helper": "",
  "fetch.recurseSubmodules": "false",
  "submodule.recurse": "false",
  "fetch.unpackLimit": "1",
  "fetch.writeCommitGraph": "false",
  "transfer.bundleURI": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "gc.autoDetach": "false",
  "gc.pruneExpire": "never",
  "log.showSignature": "false",
  "pack.threads": "1",
  "http.followRedirects": "false",
  "http.lowSpeedLimit": "1024",
  "http.lowSpeedTime": "30",
};

export function createSandbox({
  home,
  memory = 2 * 1024 ** 3,
  fileSize = 8 * 1024 ** 3,
}: SandboxOptions): Sandbox {
  const turns = createTurns(PROCESSES);
  const limits = [String(Math.ceil(memory / 1024)), String(Math.ceil(fileSize / 512))];

  async function* stream(call: GitCall): AsyncGenerator<Uint8Array> {
    const { outputLimit = OUTPUT, timeoutMs = TIMEOUT_MS, signal } = call;
    const letGo = await turns.take();
    let ended: Problem | null = null;
    try {
      if (signal?.aborted) throw new Problem("unreachable", "git was stopped");
      const child = spawn(
        SHELL,
        ["-c", call.endsWithUs ? WATCHED : LIMITED, "git", ...limits, ...argsOf(call)],
        {
          cwd: home,
          env: environmentOf(call, home),
          detached: true, // a group of its own: helpers of git go with it
          stdio: ["pipe", "pipe", "pipe", ...(call.endsWithUs ? ["pipe" as const] : [])],
        },
      );
      child.once("exit", () => (child.stdio[3] as Writable | undefined)?.destroy());
      const kill = (why?: Problem) => {
        ended ??= why ?? null;
        try {
          process.kill(-child.pid!, "SIGKILL");
        } catch {
          // It has ended.
        }
      };
      const closed = new Promise<number | null>((resolve) => {
        child.once("error", () => resolve(null));
        child.once("close", (code) => resolve(code));
      });
      const timer = setTimeout(
        () => kill(new Problem("unreachable", `git took longer than ${timeoutMs / 1000} seconds`)),
        timeoutMs,
      );
      const stop = () => kill(new Problem("unreachable", "git was stopped"));
      signal?.addEventListener("abort", stop);
      let errors = "";
      child.stderr.on("data", (chunk: Buffer) => {
        errors = (errors + chunk.toString("latin1")).slice(-ERRORS);
      });
      child.stdin.on("error", () => {}); // it ended before it read all
      child.stdin.end(call.input ?? "");
      let isRead = false;
      let code: number | null = null;
      try {
        let size = 0;
        for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (size > outputLimit)
            kill(new Problem("tooLarge", `git wrote more than ${humanSize(outputLimit)}`));
          if (ended) break;
          yield chunk;
        }
        isRead = true;
      } finally {
        if (!isRead) kill(); // who reads has stopped
        code = await closed;
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      }
      if (ended) throw ended;
      if (code !== 0) throw new GitFailed(code, plain(errors, call));
    } finally {
      letGo();
    }
  }

  return {
    stream,
    async run(call) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream(call)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
}

function argsOf({ gitDir, args }: GitCall): string[] {
  return [...(gitDir === null ? [] : [`--git-dir=${gitDir}`]), ...args];
}

function environmentOf({ config, environment }: GitCall, home: string): Record<string, string> {
  const settings = Object.entries({ ...CONFIG, ...config });
  const numbered = settings.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return {
    ...ENVIRONMENT,
    HOME: home,
    XDG_CONFIG_HOME: home,
    ...environment,
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(numbered),
  };
}

/** Why stands in the line before, in ssh's words. */
const CUT_OFF = /^fatal: Could not read from remote repository/;

/** What git said, in one line: no secret that was given to it, nothing that a terminal acts on. */
function plain(errors: string, { config = {} }: GitCall): string {
  let text = errors;
  for (const [key, value] of Object.entries(config))
    if (/extraheader/i.test(key)) text = text.replaceAll(value.replace(/^.* /, ""), "…");
  const lines = text
    .replaceAll(/\/\/[^/@\s]*@/g, "//")
    .replaceAll(/[^\x20-\x7e\n]/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^hint:/.test(line));
  const told = lines.filter(
    (line, at) => /^(fatal|error|ERROR|remote):/.test(line) || CUT_OFF.test(lines[at + 1] ?? ""),
  );
  return (told.length > 0 ? told : lines).slice(0, 4).join("; ").slice(0, 400) || "git failed";
}

function createTurns(most: number) {
  let free = most;
  const waiting: (() => void)[] = [];
  const letGo = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return {
    async take(): Promise<() => void> {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return letGo;
    },
  };
}
