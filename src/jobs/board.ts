// What the server does by itself, for people: when each job ran last, how that went, when it runs next; and a turn of it now.
import { Problem } from "../core/problem.ts";

/** Times are milliseconds since the epoch. */
export interface JobState {
  name: string;
  everyMs: number;
  isRunning: boolean;
  /** Whether another server does it for all. */
  isElsewhere: boolean;
  /** Null: not since the start. */
  startedAt: number | null;
  endedAt: number | null;
  /** Why its last turn failed; null where it did not. */
  error: string | null;
  /** How many of its turns failed since the start, and the last one that did. */
  failures: number;
  failed: { at: number; why: string } | null;
  nextAt: number;
}

/** What the runner tells of one job. */
export interface JobEntry {
  began(): void;
  /** `error`: null where all went well. */
  ended(error: string | null): void;
  /** Whether its turn was another server's. */
  isElsewhere(elsewhere: boolean): void;
  /** It is run no more. */
  leave(): void;
}

export interface Board {
  /** `turn`: begins one now, unless one runs. */
  enter(job: { name: string; everyMs: number }, firstMs: number, turn: () => void): JobEntry;
  /** By name. */
  list(): JobState[];
  /** Begins a turn now. Throws Problem("notFound"), and Problem("conflict") where one runs. */
  run(name: string): void;
}

export function createBoard(now: () => number): Board {
  const jobs = new Map<string, { state: JobState; turn: () => void }>();
  return {
    enter({ name, everyMs }, firstMs, turn) {
      const state: JobState = {
        name,
        everyMs,
        isRunning: false,
        isElsewhere: false,
        startedAt: null,
        endedAt: null,
        error: null,
        failures: 0,
        failed: null,
        nextAt: now() + firstMs,
      };
      const entry = { state, turn };
      jobs.set(name, entry);
      return {
        began() {
          Object.assign(state, { isRunning: true, startedAt: now(), nextAt: now() + everyMs });
        },
        ended(error) {
          Object.assign(state, { isRunning: false, endedAt: now(), error });
          if (error === null) return;
          state.failures += 1;
          state.failed = { at: now(), why: error };
        },
        isElsewhere(elsewhere) {
          Object.assign(state, { isElsewhere: elsewhere, nextAt: now() + everyMs });
        },
        leave() {
          // Another configuration's may have taken its place.
          if (jobs.get(name) === entry) jobs.delete(name);
        },
      };
    },
    list: () =>
      [...jobs.values()]
        .map(({ state }) => ({ ...state }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    run(name) {
      const found = jobs.get(name);
      if (!found) throw new Problem("notFound", `There is no job ${name}`);
      if (found.state.isElsewhere)
        throw new Problem("conflict", `Another server does ${name} for all of them: ask that one`);
      if (found.state.isRunning) throw new Problem("conflict", `${name} runs already`);
      found.turn();
    },
  };
}
