// Stops asking an origin that does not answer, and finds out by one question at a time whether it does again.
//
// One bad path must not silence an origin for everybody: it opens where nobody is there, or where several paths failed for good with
// no answer in between, and a path that answered well before fails as well.
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";

export type BreakerState = "closed" | "half-open" | "open";

/** One exchange as the breaker sees it. Calls that come after the breaker changed its mind are ignored. */
export interface Attempt {
  /** Usable headers arrived: it can be asked again. */
  answered(): void;
  /** The body arrived whole. */
  succeeded(): void;
  /** `isAbsent`: nobody is there (refused, no address), so that one failure is enough. */
  failed(reason: string, isAbsent?: boolean): void;
  /** It failed, and nobody tries again. `isSilent`: nothing came until the timeout. */
  lasted(reason: string, isSilent?: boolean): void;
  /** Ended by us: says nothing about the upstream. */
  abandoned(): void;
}

/** Why something that the origin should have was not answered, null when it was, undefined when nobody knows. */
export type Found = string | null | undefined;

export interface Breaker {
  state(): BreakerState;
  /** Why it was opened last; empty while it never was. */
  reason(): string;
  /** How often it was answered so far. */
  answers(): number;
  health(): BreakerHealth;
  /** Why it must not be asked now, or null when it may be, if only by one probe. */
  whyShut(): string | null;
  /** Makes the probe that is due, where one is and there is something to ask for. To be awaited before `enter`. */
  probe(): Promise<void>;
  /** Throws Problem("unreachable") when it must not be asked now. When a probe is due, this is it. */
  enter(url: string): Attempt;
}

/** Times are of the clock that it was given; null for never. */
export interface BreakerHealth {
  answeredAt: number | null;
  /** The last one, whatever came after it. */
  failure: { at: number; why: string } | null;
  /** Since when it is not asked; null: it is. */
  shutSince: number | null;
}

export interface BreakerDeps {
  host: string;
  repository: string;
  log: Log;
  /** Milliseconds on a clock that is never put back. */
  now(): number;
  /** The nth probe since it opened. Null: the next request is to be it. */
  probe(nth: number): Promise<Found> | null;
  /** Finds out whether only these URLs fail. */
  askBeside(urls: ReadonlySet<string>): Promise<Found>;
}

/** So many paths that fail with no answer in between raise a suspicion. */
const SUSPICIOUS = 3;
const CONFIRMED_EVERY_MS = 1_000;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

export function createBreaker(deps: BreakerDeps): Breaker {
  const { host, repository, log, now } = deps;
  let state: BreakerState = "closed";
  let backoff = FIRST_BACKOFF_MS;
  let due = 0;
  let since = 0;
  let reason = "";
  let probes = 0;
  // Attempts of an earlier epoch began before the last opening: what they meet says nothing about now.
  let epoch = 0;
  /** What failed for good since the last answer, and whether by silence. At most SUSPICIOUS. */
  const suspects = new Map<string, boolean>();
  let answers = 0;
  let answeredAt: number | null = null;
  let failure: BreakerHealth["failure"] = null;
  let confirmedAt = Number.NEGATIVE_INFINITY;

  function open(why: string) {
    if (state === "closed") {
      since = now();
      probes = 0;
      log.write("warn", `Upstream ${host} is not asked for now: ${why}`, {
        repository,
        upstream: host,
      });
    }
    state = "open";
    reason = why;
    failure = { at: now(), why };
    due = now() + backoff;
    backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
    epoch += 1;
    suspects.clear();
  }

  function answered() {
    answers += 1;
    answeredAt = now();
    suspects.clear();
    if (state !== "half-open") return;
    log.write("info", `Upstream ${host} answers again`, {
      repository,
      upstream: host,
      away_ms: now() - since,
    });
    state = "closed";
  }

  /** Asked while everybody else goes on: a bad path, or three, must not stop them. */
  async function confirm() {
    if (now() - confirmedAt < CONFIRMED_EVERY_MS) return;
    confirmedAt = now();
    const born = epoch;
    const heard = answers;
    const why = await deps.askBeside(new Set(suspects.keys()));
    if (born !== epoch) return;
    if (why === null) answered();
    else if (why !== undefined && heard === answers) open(why);
  }

  function suspect(url: string, why: string, isSilent: boolean) {
    if (suspects.size < SUSPICIOUS) suspects.set(url, isSilent);
    if (suspects.size < SUSPICIOUS) return;
    // Silence was waited for long enough.
    if ([...suspects.values()].every(Boolean)) open(why);
    else confirm();
  }

  function whyShut(): string | null {
    if (state === "closed") return null;
    if (state === "half-open") return `${host}: ${reason}; being asked again just now`;
    const wait = due - now();
    return wait <= 0
      ? null
      : `${host}: ${reason}; asked again in ${Math.max(1, Math.ceil(wait / 1000))} s`;
  }

  function halfOpen() {
    state = "half-open";
    epoch += 1;
  }

  /** The next request probes in its place. */
  function giveUpProbe() {
    state = "open";
    due = now();
    epoch += 1;
  }

  return {
    state: () => state,
    reason: () => reason,
    answers: () => answers,
    health: () => ({ answeredAt, failure, shutSince: state === "closed" ? null : since }),
    whyShut,
    async probe() {
      if (state !== "open" || whyShut() !== null) return;
      const asked = deps.probe(probes++);
      if (!asked) return;
      halfOpen();
      const why = await asked;
      if (why === null) answered();
      else if (why === undefined) giveUpProbe();
      else open(why);
    },
    enter(url) {
      const refused = whyShut();
      if (refused) throw new Problem("unreachable", refused);
      if (state === "open") halfOpen();
      const born = epoch;
      const heard = answers;
      const isLive = () => born === epoch;
      return {
        answered() {
          if (isLive()) answered();
        },
        succeeded() {
          if (isLive()) backoff = FIRST_BACKOFF_MS;
        },
        failed(why, isAbsent = false) {
          failure = { at: now(), why };
          if (isLive() && (isAbsent || state === "half-open")) open(why);
        },
        lasted(why, isSilent = false) {
          failure = { at: now(), why };
          // Others were answered meanwhile: it is this path.
          if (isLive() && state === "closed" && heard === answers) suspect(url, why, isSilent);
        },
        abandoned() {
          if (isLive() && state === "half-open") giveUpProbe();
        },
      };
    },
  };
}
