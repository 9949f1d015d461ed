// Code that is to be had anew since its host says so: each at once where it can be, never twice at a time, and not more often than every few seconds.

export interface Pulls {
  /** Has it done, soon. What is asked for while it is under way is done once more behind it. */
  pull(key: string): void;
  /** Resolves when nothing is under way or waits. For tests. */
  settled(): Promise<void>;
}

/** How many wait or are under way at a time; more are left to the schedule. */
const MOST = 200;
const REST_MS = 5_000;

interface Pull {
  isWanted: boolean;
  done: Promise<void>;
}

/** `work` must not throw. */
export function createPulls(
  work: (key: string) => Promise<void>,
  restMs = REST_MS,
  rest: (ms: number) => Promise<void> = pause,
): Pulls {
  const pulls = new Map<string, Pull>();

  async function run(key: string, own: Pull): Promise<void> {
    while (own.isWanted) {
      own.isWanted = false;
      await work(key);
      await rest(restMs);
    }
    pulls.delete(key);
  }

  return {
    pull(key) {
      const known = pulls.get(key);
      if (known) known.isWanted = true;
      else if (pulls.size < MOST) {
        const own: Pull = { isWanted: true, done: Promise.resolve() };
        pulls.set(key, own);
        own.done = run(key, own);
      }
    },
    async settled() {
      while (pulls.size > 0) await Promise.all([...pulls.values()].map(({ done }) => done));
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
