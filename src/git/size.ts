// How large a mirror becomes while it comes: a code host may send without end.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";

/** How often it is looked at. */
const LOOK_MS = 250;

/** Aborts when a bare repository becomes too large. */
export function watchSize(gitDir: string, url: string, most: number) {
  const aborting = new AbortController();
  let problem: Problem | null = null;
  let isLooking = false;
  const look = async () => {
    const size = await sizeOf(join(gitDir, "objects"));
    if (size <= most || problem) return;
    problem = new Problem(
      "tooLarge",
      `The mirror of ${url} would be larger than ${humanSize(most)} (sources: limit)`,
    );
    aborting.abort();
  };
  const timer = setInterval(async () => {
    if (isLooking) return;
    isLooking = true;
    await look();
    isLooking = false;
  }, LOOK_MS);
  return {
    signal: aborting.signal,
    problem: () => problem,
    /** Looks for the last time: what came may have come between two looks. */
    async check() {
      await look();
      if (problem) throw problem;
    },
    end: () => clearInterval(timer),
  };
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for (const name of await readdir(folder, { recursive: true }).catch(() => []))
    size += (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
  return size;
}
