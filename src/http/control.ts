// How a command asks the server that runs on its data directory to work for it: HTTP over a socket file in that directory.
//
//   POST /operations  {"name": "mirror run", "repository": "debian", "flags": [], "values": {}}
//   200, a line of JSON for each thing that happens, and then how it ended:
//     {"progress": [done, total, note]}  {"say": line}  {"result": true}  {"error": message, "kind": kind}
//
// Who closes the request aborts the operation. Only the server's own user reaches it: the file's mode is 0600.
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { OperationCall } from "../core/operation.ts";
import { Problem, type ProblemKind, statusOf } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";

export interface OperationRequest {
  name: string;
  repository: string;
  flags: ReadonlySet<string>;
  /** What else it needs to know, by name. */
  values?: Readonly<Record<string, string>>;
}

/** Runs an operation; as `Operations.run` of src/jobs. */
export type Operate = (
  request: OperationRequest,
  call: Omit<OperationCall, "flags">,
) => Promise<boolean>;

export interface ControlServer {
  /** Lets the last lines out, cuts what is still open, and removes the file. */
  stop(graceMs?: number): Promise<void>;
}

type Line =
  | { progress: [done: number, total: number, note: string] }
  | { say: string }
  | { result: boolean }
  | { error: string; kind: ProblemKind };

const PROGRESS_MS = 100;
const GRACE_MS = 2000;
/** An operation may be silent for long, and take days. Bun takes it for socket files too; its types do not say so. */
const PATIENCE: object = { idleTimeout: 0 };
/** Lines that wait for a reader who has paused; beyond them progress is not told. */
const WAITING = 1000;

/** Where the socket of a data directory stands. */
export function controlPath(data: string): string {
  return join(data, "control.sock");
}

/**
 * Listens. For the one that holds the data directory's lock: what stands there is left from a server that was killed. Throws where the
 * path is too long for the system's sockets (about 100 bytes; Linux takes any).
 */
export function startControl(
  path: string,
  operate: Operate,
  failed: (error: unknown) => void,
): ControlServer {
  rmSync(path, { force: true });
  // Between its making and a change of its mode others could connect.
  const before = process.umask(0o177);
  let server: Bun.Server<undefined>;
  try {
    server = Bun.serve({
      unix: path,
      ...PATIENCE,
      maxRequestBodySize: 64 * 1024,
      async fetch(request) {
        if (request.method !== "POST" || new URL(request.url).pathname !== "/operations")
          return new Response("Not found\n", { status: 404 });
        const wanted = parseRequest(await request.text());
        if (!wanted) return new Response("Not an operation\n", { status: 400 });
        return new Response(lines(wanted, operate, request.signal, failed), {
          headers: { "content-type": "application/x-ndjson" },
        });
      },
      error(error) {
        failed(error);
        return new Response("Internal error\n", { status: 500 });
      },
    });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return {
    async stop(graceMs = GRACE_MS) {
      // The last lines of what was aborted may be on their way.
      const cut = setTimeout(() => server.stop(true), graceMs);
      await server.stop();
      clearTimeout(cut);
      try {
        rmSync(path, { force: true });
      } catch {
        // A disk that can only be read by now. Nobody listens there: that misleads no one.
      }
    },
  };
}

function parseRequest(text: string): OperationRequest | null {
  try {
    const { name, repository, flags, values = {} } = JSON.parse(text);
    const isList = Array.isArray(flags) && flags.every((flag) => typeof flag === "string");
    const isTold =
      typeof values === "object" &&
      Object.values(values).every((value) => typeof value === "string");
    if (typeof name !== "string" || typeof repository !== "string" || !isList || !isTold)
      return null;
    return { name, repository, flags: new Set(flags), values };
  } catch {
    return null;
  }
}

function lines(
  wanted: OperationRequest,
  operate: Operate,
  closed: AbortSignal,
  failed: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const signal = AbortSignal.any([closed, gone.signal]);
  let told = Number.NEGATIVE_INFINITY;
  return new ReadableStream<Uint8Array>({
    async start(controller) {
      const write = (line: Line) => {
        if (!signal.aborted) controller.enqueue(Buffer.from(`${JSON.stringify(line)}\n`));
      };
      try {
        const result = await operate(wanted, {
          progress(done, total, note) {
            const now = performance.now();
            if (now - told < PROGRESS_MS && done < total) return;
            if ((controller.desiredSize ?? 0) < -WAITING) return;
            told = now;
            write({ progress: [done, total, note] });
          },
          say: (line) => write({ say: line }),
          signal,
        });
        write({ result });
      } catch (error) {
        const problem = error instanceof Problem ? error : shortageOf(error);
        if (problem) write({ error: problem.message, kind: problem.kind });
        else if (!signal.aborted) {
          failed(error);
          write({ error: "Internal error; its cause is in the server's log", kind: "internal" });
        }
      }
      if (!signal.aborted) controller.close();
    },
    cancel() {
      gone.abort();
    },
  });
}

/**
 * Asks the server of a socket file. Null when no server listens there. Throws the operation's Problem, Problem("unreachable") when the
 * server went away in the middle, and Problem("forbidden") when it is another user's.
 */
export async function askControl(
  path: string,
  { name, repository, flags, values = {} }: OperationRequest,
  call: Omit<OperationCall, "flags">,
): Promise<boolean | null> {
  let response: Response;
  try {
    response = await fetch("http://localhost/operations", {
      unix: path,
      method: "POST",
      body: JSON.stringify({ name, repository, flags: [...flags], values }),
      signal: call.signal,
      timeout: false,
    } as RequestInit);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ECONNREFUSED") return null;
    if (code === "EACCES" || code === "EPERM")
      throw new Problem(
        "forbidden",
        `The server on this data directory is another user's: ${path} may not be used by this one`,
        { cause: error },
      );
    if (call.signal.aborted) throw error;
    throw away(error);
  }
  if (!response.ok || !response.body)
    throw new Problem("malformed", "The running server does not know operations: is it older?");
  try {
    for await (const line of linesOf(response.body)) {
      if ("progress" in line) call.progress(...line.progress);
      else if ("say" in line) call.say(line.say);
      else if ("result" in line) return line.result;
      else throw new Problem(line.kind in statusOf ? line.kind : "internal", line.error);
    }
  } catch (error) {
    if (error instanceof Problem || call.signal.aborted) throw error;
    throw away(error);
  }
  throw away();
}

function away(cause?: unknown): Problem {
  return new Problem("unreachable", "The server went away before the end", { cause });
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    for (const part of parts) yield JSON.parse(part);
  }
}
