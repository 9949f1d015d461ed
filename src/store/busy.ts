// Another program may hold the database for a while (a backup, somebody's shell): who needs it waits beside the loop, never in it.
import { Problem } from "../core/problem.ts";

/** How long a write waits for another program before it fails. Milliseconds. */
const PATIENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 100;

export function isBusy(error: unknown): boolean {
  return (error as { code?: string } | null)?.code?.startsWith("SQLITE_BUSY") ?? false;
}

/** What `attempt` gives as soon as nobody else holds the database. Throws Problem("busy") when that takes too long. */
export async function whenFree<T>(attempt: () => T, patienceMs = PATIENCE_MS): Promise<T> {
  const end = performance.now() + patienceMs;
  for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() >= end) throw busy(error);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

export function busy(cause: unknown): Problem {
  return new Problem("busy", "Another program holds the database of the data directory", { cause });
}
