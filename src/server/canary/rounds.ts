// Rounds of canaries for a server: of what it serves now, so slowly that nobody waits for them.
import { formats } from "../../formats/index.ts";
import type { CanariesDeps } from "../../jobs/canaries.ts";
import { placeScratch, type ScratchPlace } from "../../store/scratch.ts";
import type { Generation } from "../generation.ts";
import type { Ground } from "../ground.ts";
import { runRound } from "./round.ts";

/** Of one check: longer than a machine takes that is busy with something else. */
const LIMIT_MS = 120_000;
/** After each request it rests so many times as long as that took, within bounds, where nobody waits for it. Milliseconds. */
const REST = 4;
const LEAST_REST_MS = 1;
const MOST_REST_MS = 250;

export interface Rounds {
  /** Makes what takes a while and is made once, so that no request waits for it. */
  prepare(): Promise<void>;
  run: CanariesDeps["round"];
  close(): Promise<void>;
}

/** `current`: what serves now. */
export function openRounds(
  current: () => Pick<Generation, "config" | "held">,
  { layout, shared }: Pick<Ground, "layout" | "shared">,
): Rounds {
  let place: Promise<ScratchPlace> | null = null;

  function placed(): Promise<ScratchPlace> {
    place ??= placeScratch(layout, "canary").catch((error) => {
      place = null;
      throw error;
    });
    return place;
  }

  return {
    async prepare() {
      await placed().catch(() => {}); // the first round says why
    },
    async run(signal, isAwaited) {
      const { config, held } = current();
      return runRound(config.repositories, {
        scratch: { open: async () => (await placed()).open() },
        formats,
        now: shared.now,
        limitMs: LIMIT_MS,
        signal,
        pace: (tookMs) => rest(isAwaited ? 0 : tookMs * REST, signal),
        waivers: shared.waivers,
        serving: (repository) => held.find(({ name }) => name === repository) ?? null,
      });
    },
    async close() {
      await (await place?.catch(() => null))?.close();
    },
  };
}

/** Throws once its signal ended the round: nothing more is asked. */
async function rest(wantedMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    resolve();
  };
  const timer = setTimeout(end, Math.min(MOST_REST_MS, Math.max(LEAST_REST_MS, wantedMs)));
  signal.addEventListener("abort", end);
  await promise;
  signal.throwIfAborted();
}
