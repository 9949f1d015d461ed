// What the other processes of a server are to one of them.
import type { Throttle } from "../../auth/throttle.ts";
import type { Config } from "../../config/resolve.ts";
import type { Address } from "../../config/values.ts";
import { added, type Figures, type Metrics, type Reading } from "../../core/metrics.ts";
import type { Change, Hub, News } from "../../store/changes.ts";
import type { Database } from "../../store/database.ts";
import type { Leases } from "../../store/leases.ts";

export interface Siblings {
  /** It holds the data directory, does what a server does beside requests, and answers what is about the server as a whole. */
  readonly isFirst: boolean;
  readonly leases: Leases;
  /** The catalog, from which others hear of what this one changes. */
  between(database: Database): { database: Database; news: News };
  /** What others change is told there from now on. What came before waits for it. */
  follow(hear: Hub["hear"]): void;
  /** Of all processes, where this is the first. */
  together(own: Metrics): Metrics;
  /** Who guesses passwords is slowed down by what it did at any process. */
  shared(own: Throttle): Throttle;
  /** The configuration at work, and where this process listens: resolves when the others have it. */
  use(config: Config, addresses: readonly Address[]): Promise<void>;
  /** The others finish running responses, and end. */
  stop(graceMs: number): Promise<void>;
}

/** A log-in with a password, as all processes hear of it. */
export interface Guess {
  outcome: "failed" | "succeeded";
  account: string;
  address: string;
}

/** What the first process is asked and told. */
export type FirstVerbs = {
  take: { given: string; answer: boolean };
  share: { given: string; answer: unknown };
  isTaken: { given: string; answer: boolean };
  isAwaited: { given: string; answer: boolean };
  tell: { given: { name: string; text: string }; answer: boolean };
  listen: { given: string; answer: string | null };
  release: { given: string; answer: unknown };
  /** Answered when all others have heard of it. */
  changed: { given: Change; answer: unknown };
  guess: { given: Guess; answer: unknown };
  /** What it has counted, as it ends. */
  last: { given: PlainFigures[]; answer: unknown };
};

/** What every other one is. */
export type OtherVerbs = {
  begin: { given: { config: Config; nth: number }; answer: unknown };
  use: { given: Config; answer: unknown };
  /** Null: anything may have changed. */
  hear: { given: Change | null; answer: unknown };
  guess: { given: Guess; answer: unknown };
  /** Of all families that add up, or of one. */
  figures: { given: string | null; answer: PlainFigures[] };
  /** The peak of a histogram's series begins anew. */
  restart: { given: { name: string; labels: Reading["labels"] }; answer: unknown };
  stop: { given: number; answer: unknown };
};

/** Figures without what cannot be sent. */
export interface PlainFigures extends Omit<Figures, "series"> {
  series: { labels: Reading["labels"]; value: number; counts?: readonly number[]; peak?: number }[];
}

export function plain(figures: readonly Figures[]): PlainFigures[] {
  return figures.map(({ series, ...family }) => ({
    ...family,
    series: series.map(({ labels, value, histogram }) => ({
      labels,
      value,
      ...(histogram && { counts: [...histogram.counts], peak: histogram.peak }),
    })),
  }));
}

/** `restart`: where the counting goes on. */
export function figuresOf(
  families: readonly PlainFigures[],
  restart: (name: string, labels: Reading["labels"]) => void,
): Figures[] {
  return families.map(({ series, ...family }) => ({
    ...family,
    series: series.map(({ labels, value, counts, peak = 0 }) => ({
      labels,
      value,
      ...(counts && {
        histogram: { counts, peak, restart: () => restart(family.name, labels) },
      }),
    })),
  }));
}

/** What has ended was counted all the same; it has no state any more. */
export function ofEnded(before: readonly Figures[], last: readonly PlainFigures[]): Figures[] {
  const counted = figuresOf(last, () => {}).filter(({ type }) => type !== "gauge");
  return added(before, [counted]);
}

export interface Hearing {
  follow(hear: Hub["hear"]): void;
  /** Resolves when it was told, one after the other and once there is somebody to tell. */
  hear(change: Change | null): Promise<void>;
  /** Resolves when what it was told before was taken in. */
  settled(): Promise<void>;
  end(): void;
}

const AGAIN_MS = 100;

/** What cannot be taken in now, since the database is busy, is told again: it is not forgotten. */
export function createHearing(): Hearing {
  let told: Hub["hear"] | null = null;
  let waiting: { change: Change | null; done(): void }[] = [];
  let isRunning = false;
  let isEnded = false;
  let last: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    while (told && waiting.length > 0 && !isEnded) {
      const some = waiting;
      waiting = [];
      const changes = some.flatMap(({ change }) => change ?? []);
      try {
        await told(changes.length < some.length ? null : changes);
        for (const { done } of some) done();
      } catch {
        waiting = [...some, ...waiting];
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    isRunning = false;
  }

  return {
    follow(hear) {
      told = hear;
      void run();
    },
    hear(change) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ change, done: resolve });
      void run();
      last = promise;
      return promise;
    },
    settled: () => last,
    end() {
      isEnded = true;
      for (const { done } of waiting) done();
    },
  };
}

export function sharedThrottle(own: Throttle, tell: (guess: Guess) => void): Throttle {
  return {
    check: own.check,
    failed(account, address) {
      own.failed(account, address);
      tell({ outcome: "failed", account, address });
    },
    succeeded(account, address) {
      own.succeeded(account, address);
      tell({ outcome: "succeeded", account, address });
    },
  };
}
