// The operations of formats (core/operation.ts): started by people and by the server itself, and never one upon the other.
import type { Service } from "../core/format.ts";

import type { Log } from "../core/log.ts";
import type { Operation, OperationCall, RunOperation } from "../core/operation.ts";
import { inFull, Problem } from "../core/problem.ts";
import type { Repository } from "../core/repository.ts";
import { shortageOf } from "../core/shortage.ts";
import { watchLease } from "../store/kept-lease.ts";
import { alone, type Leases } from "../store/leases.ts";
import type { RecurringJob } from "./runner.ts";

/** What of a repository and its format is needed here. */
export interface Operable {
  format: { name: string; operations?: readonly Operation[] };
  service: Pick<Service, "operations">;
  /** Bound to what the server itself may. */
  repository: Repository;
  /** Keeps the service open until what it returns is called. */
  hold?(): () => void;
}

export interface Wanted {
  /** Two words: "mirror run". */
  name: string;
  repository: string;
  flags: ReadonlySet<string>;
  /** What the operation takes beside them. */
  values?: Readonly<Record<string, string>>;
}

/** How work of a format on one repository goes: a mirror's run, and its like. Times are milliseconds since the epoch. */
export interface WorkState {
  repository: string;
  name: string;
  summary: string;
  /** Between turns of the server's own; null where it has none. */
  everyMs: number | null;
  /** Null: it does not run. */
  running: { since: number; by: string; progress: Progress | null } | null;
  /** How its last run ended since the start; null: none did. `error`: what it failed of. */
  last: { startedAt: number; endedAt: number; end: WorkEnd; error: string | null } | null;
  /** When the last one that ended well began, before the start too. */
  doneAt: number | null;
  /** Null where it has no turns of its own. */
  nextAt: number | null;
}

type Progress = { done: number; total: number; note: string };
type WorkEnd = "done" | "incomplete" | "stopped" | "failed";

export interface Operations {
  /** Runs one that somebody asked for. Throws Problem("notFound") when there is none, Problem("conflict") while its like runs. */
  run(wanted: Wanted, call: Omit<OperationCall, "flags">): Promise<boolean>;
  /** The turns of the server's own, for the repositories that there are now. */
  turns(): RecurringJob[];
  /** Of the repositories that there are now. */
  states(): Promise<WorkState[]>;
  /** Aborts all that run, starts no more, and resolves when they have ended. */
  stop(): Promise<void>;
}

/** How often it is looked whether one is due. Short, so that a machine that slept does not lose a turn. */
const LOOK_MS = 60_000;
/** The first look comes after clients had their first answers. */
const FIRST_LOOK_MS = 5000;
/** Lines of an operation in the log; the rest is counted. */
const LINES = 20;
const SCHEDULE = "schedule";

/** `all`: the repositories now. What runs on one that is replaced meanwhile runs on, and keeps its like from the new one. */
export function createOperations(
  all: () => readonly Operable[],
  log: Log,
  now: () => number,
  leases: Leases = alone,
): Operations {
  const ending = new AbortController();
  const running = new Map<string, { name: string; since: number; done: Promise<unknown> }>();
  /** How each goes and went, by repository and name. */
  const shown = new Map<string, Pick<WorkState, "running" | "last">>();
  /** When the server itself last began one. */
  const tried = new Map<string, number>();
  /** What the server's own turn said last, of those that are quiet. */
  const said = new Map<string, string>();

  function start(
    { repository, service, hold }: Operable,
    operation: Operation,
    call: OperationCall,
    by: string,
  ): Promise<boolean> {
    const { name } = operation;
    if (ending.signal.aborted) throw new Problem("conflict", "The server is stopping");
    // Operations of the same first word are about the same files: one that removes never meets one that fetches.
    const place = `${repository.name} ${name.split(" ")[0]}`;
    const other = running.get(place);
    if (other)
      throw new Problem(
        "conflict",
        `${other.name} runs on ${repository.name} already, since ${new Date(other.since).toISOString()}`,
      );
    const release = hold?.();
    const isQuiet = operation.isQuiet === true && by === SCHEDULE;
    const work = service.operations![name]!;
    const run = (signal: AbortSignal) =>
      told(repository, name, work, { ...call, signal }, by, isQuiet);
    const ran = leases.hasOthers
      ? runAlone(place, repository, (lost) => run(AbortSignal.any([call.signal, lost])))
      : run(call.signal);
    const done = ran.finally(() => {
      running.delete(place);
      release?.();
    });
    // Who stops all waits for its end, however it ends.
    running.set(place, { name, since: now(), done: done.catch(() => null) });
    return done;
  }

  /** Not while its like runs on another server. Throws Problem("conflict") that names that one. `lost`: its like may, as this server was taken for dead. */
  async function runAlone<T>(
    place: string,
    repository: Repository,
    run: (lost: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const lease = await leases.take(`operation ${place}`);
    if (!lease) {
      const other = await leases.holder(`operation ${place}`);
      const where = other ? `${other.host} (node ${other.id})` : "another server";
      throw new Problem(
        "conflict",
        `${place.slice(repository.name.length + 1)} runs on ${repository.name} already, at ${where}`,
      );
    }
    const watched = watchLease(leases, `operation ${place}`, lease);
    try {
      return await run(watched.lost);
    } finally {
      await watched.release();
    }
  }

  /** Runs it, with lines in the log for start and end, and its time kept. */
  async function told(
    repository: Repository,
    name: string,
    run: RunOperation,
    call: OperationCall,
    by: string,
    isQuiet: boolean,
  ): Promise<boolean> {
    const what = `${name} of ${repository.name}`;
    const began = now();
    const id = `${repository.name} ${name}`;
    const state: { since: number; by: string; progress: Progress | null } = {
      since: began,
      by,
      progress: null,
    };
    shown.set(id, { running: state, last: shown.get(id)?.last ?? null });
    const ended = (how: WorkEnd, error: string | null = null) => {
      const last = { startedAt: began, endedAt: now(), end: how, error };
      shown.set(id, { running: null, last });
    };
    const progress = (done: number, total: number, note: string) => {
      state.progress = { done, total, note };
      call.progress(done, total, note);
    };
    const flags = [...call.flags].join(",") || undefined;
    const subject = { repository: repository.name, operation: name };
    if (!isQuiet) log.write("info", `${what} starts`, { ...subject, by, flags });
    const end = (level: "info" | "warn" | "error", how: string, error?: string) =>
      log.write(level, `${what} ${how}`, { ...subject, error, duration_ms: now() - began });
    try {
      const signal = AbortSignal.any([call.signal, ending.signal]);
      const complete = await run(repository, { ...call, progress, signal });
      ended(complete ? "done" : signal.aborted ? "stopped" : "incomplete");
      if (complete) {
        await keepSuccess(repository, name, began);
        if (!isQuiet) end("info", "is done");
      } else if (signal.aborted) end("info", "was stopped");
      else end("warn", "is not complete");
      return complete;
    } catch (error) {
      if (call.signal.aborted || ending.signal.aborted) {
        ended("stopped");
        end("info", "was stopped");
        throw new Problem("conflict", `${what} was stopped`, { cause: error });
      }
      const problem = error instanceof Problem ? error : shortageOf(error);
      ended("failed", problem?.message ?? "Internal error");
      if (problem) end("warn", "failed", inFull(problem));
      else end("error", "failed because of a bug", (error as Error)?.stack ?? String(error));
      throw problem ?? error;
    }
  }

  function turn(one: Operable, operation: Operation): RecurringJob[] {
    const { repository } = one;
    const everyMs = operation.every?.(repository.options) ?? null;
    if (everyMs === null) return [];
    const id = `${repository.name} ${operation.name}`;
    return [
      {
        name: `${operation.name} of ${repository.name}`,
        everyMs: Math.min(everyMs, LOOK_MS),
        firstMs: FIRST_LOOK_MS,
        isForAll: true,
        async run() {
          const began = tried.get(id) ?? Number.NEGATIVE_INFINITY;
          const last = Math.max(began, (await lastSuccess(repository, operation.name)) ?? began);
          const age = now() - last;
          // A last turn in the future is one of before the clock was put back.
          if (ending.signal.aborted || (age >= 0 && age < everyMs)) return;
          const before = operation.isQuiet ? (said.get(id) ?? "") : null;
          const lines = createLines(log, repository.name, operation.name, before);
          const { signal } = ending;
          const call = { flags: new Set<string>(), progress() {}, say: lines.say, signal };
          let done: Promise<unknown>;
          try {
            done = start(one, operation, call, SCHEDULE);
          } catch {
            return; // Its like runs. At the next look it is known how that ended.
          }
          tried.set(id, now());
          await done.catch(() => null); // Told where it happened.
          said.set(id, lines.end());
        },
      },
    ];
  }

  async function stateOf({ repository }: Operable, operation: Operation): Promise<WorkState> {
    const id = `${repository.name} ${operation.name}`;
    const everyMs = operation.every?.(repository.options) ?? null;
    const doneAt = await lastSuccess(repository, operation.name);
    const last = Math.max(tried.get(id) ?? 0, doneAt ?? 0);
    return {
      repository: repository.name,
      name: operation.name,
      summary: operation.summary,
      everyMs,
      running: null,
      last: null,
      ...shown.get(id),
      doneAt,
      nextAt: everyMs === null ? null : Math.max(now(), last + everyMs),
    };
  }

  return {
    async run({ name, repository, flags, values = {} }, call) {
      const one = all().find((one) => one.repository.name === repository);
      const operation = one?.format.operations?.find((operation) => operation.name === name);
      if (!one || !operation)
        throw new Problem("notFound", `The repository ${repository} has no ${name}`);
      const odd = Object.keys(values).find(
        (key) => key !== "by" && !Object.hasOwn(operation.values ?? {}, key),
      );
      if (odd !== undefined) throw new Problem("badRequest", `${name} takes no ${odd}`);
      return start(one, operation, { ...call, flags, values }, "command");
    },
    turns: () =>
      all().flatMap((one) =>
        (one.format.operations ?? []).flatMap((operation) => turn(one, operation)),
      ),
    states: () =>
      Promise.all(
        all().flatMap((one) =>
          (one.format.operations ?? []).map((operation) => stateOf(one, operation)),
        ),
      ),
    async stop() {
      ending.abort();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

/** When one that ended well began, in milliseconds since the epoch; null for never. */
export async function lastSuccess(repository: Repository, name: string): Promise<number | null> {
  const kept = await repository.kept(`operation/${name}`);
  return kept ? Number(Buffer.from(kept.bytes).toString()) : null;
}

async function keepSuccess(repository: Repository, name: string, began: number): Promise<void> {
  await repository.keep(`operation/${name}`, Buffer.from(String(began)));
}

/** The first lines of an operation for the log: as they are said, or at its end where what was said `before` is not told again. */
function createLines(log: Log, repository: string, operation: string, before: string | null) {
  const first: string[] = [];
  let more = 0;
  const write = (line: string) => log.write("info", line, { repository, operation });
  return {
    say(line: string) {
      if (first.length === LINES) {
        more += 1;
        return;
      }
      first.push(line);
      if (before === null) write(line);
    },
    /** What was said. */
    end(): string {
      const all = more > 0 ? [...first, `and ${more} more lines`] : first;
      if (before === null) all.slice(first.length).forEach(write);
      else if (all.join("\n") !== before) all.forEach(write);
      return all.join("\n");
    },
  };
}
