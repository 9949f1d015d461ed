// The first of a server's processes: starts the others, starts again what ends, and passes on what they are to know of each other.

import type { Throttle } from "../../auth/throttle.ts";
import type { Config } from "../../config/resolve.ts";
import type { Address } from "../../config/values.ts";
import type { Log } from "../../core/log.ts";
import { added, type Figures, type Metrics, pageOf } from "../../core/metrics.ts";
import { within } from "../../core/within.ts";
import type { Change } from "../../store/changes.ts";
import { createLeaseTable, leasesOver } from "./leases.ts";
import { telling } from "./noted.ts";
import {
  createHearing,
  type FirstVerbs,
  figuresOf,
  type Guess,
  type OtherVerbs,
  ofEnded,
  type PlainFigures,
  type Siblings,
  sharedThrottle,
} from "./siblings.ts";
import { type Channel, createWire, type Wire } from "./wire.ts";

/** A process that was started, and ends when this one does. */
export interface Child {
  pid: number;
  channel: Channel;
  /** Resolves with how it ended, in words. */
  ended: Promise<string>;
  kill(): void;
}

export interface FirstDeps {
  /** All of them, with this one. */
  count: number;
  /** Starts one. Throws what keeps it from that. */
  spawn(): Child;
  /** Removes what a process left behind that was killed. */
  sweep(pid: number): void;
  log: Log;
  /** For tests. Milliseconds. */
  times?: Partial<typeof TIMES>;
}

const TIMES = {
  /** Until one that ended is started again: twice as long each time, and from the beginning once one has lived for so long. */
  pause: 1_000,
  longestPause: 60_000,
  healthy: 60_000,
  /** How often it is kept what others have counted, for when they are killed. */
  count: 10_000,
};
/** Others are waited for no longer to have heard of a change, or to tell what they counted: one that is stopped is to stop nobody else. */
const PATIENCE_MS = 5_000;
/** Beyond the time of running responses: for closing after them. */
const CLOSING_MS = 3_000;

interface Other {
  nth: number;
  child: Child;
  wire: Wire<OtherVerbs>;
  /** As it was told last. */
  figures: PlainFigures[];
  isSilent: boolean;
}

export function createFirst({ count, spawn, sweep, log, times }: FirstDeps): Siblings {
  const { pause, longestPause, healthy, count: countMs } = { ...TIMES, ...times };
  const others = new Map<number, Other>();
  const table = createLeaseTable();
  const hearing = createHearing();
  const waiting = new Set<ReturnType<typeof setTimeout>>();
  let throttle: Throttle | null = null;
  let ended: Figures[] = [];
  let config: Config | null = null;
  let isStopping = false;
  let counting: ReturnType<typeof setInterval> | null = null;

  /** Resolves when all but `from` have heard of it. Null: of anything. */
  async function spread(change: Change | null, from: number): Promise<void> {
    const told = [...others.values()].filter(({ nth }) => nth !== from);
    const own = from === FIRST ? [] : [hearing.hear(change)];
    await Promise.all([...own, ...told.map((one) => heardBy(one, change))]);
  }

  async function heardBy(one: Other, change: Change | null): Promise<void> {
    const hearing = one.wire.ask("hear", change).then(() => {
      one.isSilent = false;
      return true;
    });
    // What it is told it hears in the end: it is not waited for until it does.
    if (one.isSilent) return void hearing.catch(() => {});
    if ((await answerOf(hearing)) || others.get(one.nth) !== one) return;
    one.isSilent = true;
    log.write("warn", `Process ${one.nth} of the server does not answer`, { pid: one.child.pid });
  }

  function guessed({ outcome, account, address }: Guess, from: number): void {
    if (from !== FIRST) throttle?.[outcome](account, address);
    for (const { nth, wire } of others.values())
      if (nth !== from) wire.tell("guess", { outcome, account, address });
  }

  async function open(nth: number, failures: number): Promise<void> {
    if (isStopping) return;
    let child: Child;
    try {
      child = spawn();
    } catch (error) {
      log.write("error", `Process ${nth} of the server cannot be started: ${error}`);
      return later(nth, failures + 1);
    }
    const since = performance.now();
    const handlers = {
      take: (name: string) => table.take(nth, name),
      share: (name: string) => table.share(nth, name),
      isTaken: table.isTaken,
      isAwaited: table.isAwaited,
      tell: ({ name, text }: { name: string; text: string }) => table.tell(nth, name, text),
      listen: table.listen,
      release: (name: string) => table.release(nth, name),
      changed: (change: Change) => spread(change, nth),
      guess: (guess: Guess) => guessed(guess, nth),
      last(figures: PlainFigures[]) {
        one.figures = figures;
      },
    };
    const wire = createWire<FirstVerbs, OtherVerbs>(child.channel, handlers);
    const one: Other = { nth, child, wire, figures: [], isSilent: false };
    others.set(nth, one);
    void child.ended.then((how) => {
      leave(one);
      if (isStopping) return;
      const lived = performance.now() - since >= healthy;
      log.write("error", `Process ${nth} of the server has ended: ${how}`, { pid: child.pid });
      later(nth, lived ? 0 : failures + 1);
    });
    try {
      await wire.ask("begin", { config: config!, nth });
      log.write("info", `Process ${nth} of the server serves as well`, { pid: child.pid });
    } catch (error) {
      if (!isStopping) log.write("error", `Process ${nth} of the server: ${messageOf(error)}`);
      child.kill();
      await child.ended;
    }
  }

  /** What it had ends, and what it may have changed without a word is read again by all. */
  function leave(one: Other): void {
    others.delete(one.nth);
    one.wire.cut();
    table.end(one.nth);
    ended = ofEnded(ended, one.figures);
    sweep(one.child.pid);
    void spread(null, FIRST);
    void hearing.hear(null);
  }

  function later(nth: number, failures: number): void {
    const timer = setTimeout(
      () => {
        waiting.delete(timer);
        void open(nth, failures);
      },
      Math.min(longestPause, pause * 2 ** Math.max(0, failures - 1)),
    );
    waiting.add(timer);
  }

  /** Of the others, those that ended with them. */
  async function counted(name: string | null): Promise<Figures[][]> {
    const all = await Promise.all(
      [...others.values()].map(async (one) => {
        const told = await answerOf(one.wire.ask("figures", name));
        if (told && name === null) one.figures = told;
        const known = told ?? one.figures.filter((family) => name === null || family.name === name);
        return figuresOf(known, (of, labels) => one.wire.tell("restart", { name: of, labels }));
      }),
    );
    const before = ended.filter((family) => name === null || family.name === name);
    return [before, ...all];
  }

  return {
    isFirst: true,
    leases: leasesOver({
      take: (name) => table.take(FIRST, name),
      share: (name) => table.share(FIRST, name),
      isTaken: table.isTaken,
      isAwaited: table.isAwaited,
      tell: (name, text) => table.tell(FIRST, name, text),
      listen: table.listen,
      release: (name) => table.release(FIRST, name),
    }),
    between: (database) => telling(database, (change) => spread(change, FIRST), hearing.settled),
    follow: hearing.follow,
    together(own) {
      const figures = async () => added(await own.figures(), await counted(null));
      const read: Metrics["read"] = async (name) => {
        const [first = []] = [await own.read(name)];
        const [known] = await own
          .figures(() => false)
          .then((all) => all.filter((f) => f.name === name));
        if (!known) return first; // a gauge, or nothing
        const [sum] = added([{ ...known, series: first }], await counted(name));
        return sum!.series;
      };
      return { ...own, read, figures, render: async () => pageOf(await figures()) };
    },
    shared(own) {
      throttle = own;
      return sharedThrottle(own, (guess) => guessed(guess, FIRST));
    },
    async use(next, addresses) {
      const isBegin = config === null;
      config = listeningOn(next, addresses);
      if (isBegin) {
        counting = setInterval(() => void counted(null), countMs);
        counting.unref();
        await Promise.all(Array.from({ length: count - 1 }, (_, at) => open(at + 2, 0)));
        return;
      }
      await Promise.all(
        [...others.values()].map(async (one) => {
          const fault = await one.wire.ask("use", config!).then(() => null, messageOf);
          if (fault === null || isStopping) return;
          // It is started again, with what holds now: no process serves what holds no more.
          log.write("error", `Process ${one.nth} of the server starts anew: ${fault}`);
          one.child.kill();
          await one.child.ended;
        }),
      );
    },
    async stop(graceMs) {
      isStopping = true;
      if (counting) clearInterval(counting);
      for (const timer of waiting) clearTimeout(timer);
      await Promise.all(
        [...others.values()].map(async ({ wire, child }) => {
          wire.tell("stop", graceMs);
          const kill = setTimeout(child.kill, graceMs + CLOSING_MS);
          await child.ended;
          clearTimeout(kill);
        }),
      );
      hearing.end();
    },
  };
}

const FIRST = 1;

/** With the ports that the first has: where any free one is asked for, it is the same one for all. */
function listeningOn(config: Config, [listen, ...more]: readonly Address[]): Config {
  const of = [...more];
  return {
    ...config,
    listen: listen ?? config.listen,
    repositories: config.repositories.map((one) =>
      one.listen ? { ...one, listen: of.shift() ?? one.listen } : one,
    ),
  };
}

/** Null where it takes too long, or the process is gone. */
function answerOf<T>(asked: Promise<T>): Promise<T | null> {
  return within(
    PATIENCE_MS,
    asked.catch(() => null),
    () => null,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
