// Fetches many files, some at a time, so that one failure does not end the rest and an upstream that is away does.
import type { Artifact, Pace } from "../../../core/artifact.ts";
import { Problem } from "../../../core/problem.ts";
import type { Repository } from "../../../core/repository.ts";

/** A file to fetch. */
export interface Wish {
  /** What people call it: its path in the repository. */
  path: string;
  /** In bytes, as the index says. */
  size: number;
  artifact: Artifact;
  /** Wanted in its place when the upstream does not have it. */
  otherwise?: Wish;
}

export interface Missing {
  path: string;
  /** One sentence without a final period. */
  reason: string;
}

export interface TransferSettings {
  connections: number;
  pace: Pace;
  signal: AbortSignal;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** A file is done with: stored, or given up. */
  settled(wish: Wish): void;
}

export interface Transferred {
  /** Files and bytes that were not stored before. */
  files: number;
  bytes: number;
  /** Given up, each with its last reason. */
  missing: Missing[];
  /** Not tried, or not often enough, because it ended early. */
  left: number;
  /** Why it ended early: a sentence without a final period. Null when it did not, or was aborted. */
  ended: string | null;
}

/** After the first time, of what may be otherwise soon. */
const RETRIES = 3;
/** The next file would fare no better. */
const HOPELESS = ["offline", "full", "unusable"];
/** What is refused now is refused in half a minute too. */
const FINAL = ["tampered", "refused", "forbidden", "tooLarge"];
/** Before failed files are tried again, and before an upstream that was away is. */
const PAUSES_MS = [2_000, 10_000, 30_000];
/** So many failures in a row, and at least one for each connection, and the upstream counts as away. */
const STRIKES = 5;

interface Turn {
  wish: Wish;
  failures: number;
  /** Why it failed last. */
  reason: string;
}

/** Why no more files are tried for now: the upstream does not answer, or no file can be had at all (offline, a full disk). */
interface Obstacle {
  kind: "away" | "hopeless";
  reason: string;
}

/** Never rejects for what is the matter with a file or with the upstream. */
export async function transfer(
  repository: Repository,
  wishes: readonly Wish[],
  settings: TransferSettings,
): Promise<Transferred> {
  const { signal } = settings;
  const result: Transferred = { files: 0, bytes: 0, missing: [], left: 0, ended: null };
  const strikes = Math.max(STRIKES, settings.connections);
  let queue = wishes.map(turn);
  let failed: Turn[] = [];
  let stored = 0;

  function giveUp({ path }: Wish, reason: string): void {
    result.missing.push({ path, reason });
  }

  async function round(): Promise<Obstacle | null> {
    let next = 0;
    let obstacle = null as Obstacle | null;
    // The failures since the last success, which may well be the upstream's absence and not the files' own.
    let unanswered: Turn[] = [];

    function failedNow(turn: Turn, problem: Problem): void {
      turn.failures += 1;
      turn.reason = problem.message;
      if (HOPELESS.includes(problem.kind)) obstacle = { kind: "hopeless", reason: problem.message };
      else if (FINAL.includes(problem.kind)) {
        giveUp(turn.wish, turn.reason);
        settings.settled(turn.wish);
        return;
      } else if (problem.kind !== "unreachable") {
        failed.push(turn);
        return;
      }
      unanswered.push(turn);
      if (unanswered.length >= strikes) obstacle ??= { kind: "away", reason: problem.message };
    }

    async function attempt(current: Turn): Promise<void> {
      const { wish } = current;
      try {
        const file = await repository.fetch(wish.artifact, settings.pace);
        if (file.isNew) {
          result.files += 1;
          result.bytes += file.size;
        }
        stored += 1;
        failed.push(...unanswered);
        unanswered = [];
        settings.settled(wish);
      } catch (error) {
        if (!(error instanceof Problem)) {
          obstacle = { kind: "hopeless", reason: "" };
          throw error;
        }
        if (error.kind !== "notFound") return failedNow(current, error);
        if (wish.otherwise) failed.push(turn(wish.otherwise));
        else giveUp(wish, error.message);
        settings.settled(wish);
      }
    }

    async function connection(): Promise<void> {
      while (!obstacle && !signal.aborted && next < queue.length) {
        next += 1;
        await attempt(queue[next - 1]!);
      }
    }

    await Promise.all(Array.from({ length: settings.connections }, connection));
    queue = queue.slice(next);
    if (!obstacle) failed.push(...unanswered);
    else {
      // Nobody was there to ask: it does not count against these.
      for (const turn of unanswered) turn.failures -= 1;
      queue.push(...unanswered);
    }
    return obstacle;
  }

  let pauses = 0;
  for (;;) {
    const before = stored;
    const obstacle = await round();
    if (stored > before) pauses = 0;
    if (signal.aborted) break;
    if (obstacle?.kind === "hopeless" || (obstacle && pauses >= PAUSES_MS.length)) {
      result.ended = obstacle.reason;
      break;
    }
    if (!obstacle) {
      for (const turn of failed)
        if (turn.failures <= RETRIES) queue.push(turn);
        else {
          giveUp(turn.wish, turn.reason);
          settings.settled(turn.wish);
        }
      failed = [];
      if (queue.length === 0) break;
    }
    if (obstacle || queue.some(({ failures }) => failures > 0)) {
      await settings.wait(PAUSES_MS[Math.min(pauses, PAUSES_MS.length - 1)]!, signal);
      pauses += 1;
    }
  }
  result.left = queue.length + failed.length;
  return result;
}

function turn(wish: Wish): Turn {
  return { wish, failures: 0, reason: "" };
}

/** `TransferSettings.wait` by the clock. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
