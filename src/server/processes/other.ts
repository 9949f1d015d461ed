// Every process of a server but the first: it serves the repositories, and has the first one do all else.
import type { Throttle } from "../../auth/throttle.ts";
import type { Config } from "../../config/resolve.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { type Running, start } from "../start.ts";
import { leasesOver } from "./leases.ts";
import { telling } from "./noted.ts";
import {
  createHearing,
  type FirstVerbs,
  type OtherVerbs,
  plain,
  type Siblings,
  sharedThrottle,
} from "./siblings.ts";
import { type Channel, createWire } from "./wire.ts";

export interface OtherDeps {
  channel: Channel;
  /** Where it logs, by its number. */
  openLog(nth: number): Log;
}

export interface Other {
  /** Finishes running responses, for `graceMs` at most, and closes. */
  stop(graceMs?: number): Promise<void>;
  /** Resolves when it was stopped, by whoever. */
  stopped: Promise<void>;
}

/** Serves as soon as it is told what. */
export function openOther({ channel, openLog }: OtherDeps): Other {
  const hearing = createHearing();
  const stopped = Promise.withResolvers<void>();
  let running: Promise<Running> | null = null;
  let config: Config | null = null;
  let metrics: Metrics | null = null;
  let throttle: Throttle | null = null;
  let stopping: Promise<void> | null = null;

  const countedHere = async (name: string | null) => {
    const all = (await metrics?.figures(({ addsUp }) => addsUp)) ?? [];
    return plain(all.filter((family) => name === null || family.name === name));
  };

  const wire = createWire<OtherVerbs, FirstVerbs>(channel, {
    async begin({ config: given, nth }) {
      config = given;
      running = start({ config, load: () => config!, log: openLog(nth), siblings });
      await running;
    },
    async use(given) {
      config = given;
      const server = await running;
      const { isTaken, lines } = await server!.reload();
      if (!isTaken) throw new Error(lines.join("; "));
    },
    hear: (change) => hearing.hear(change),
    guess: ({ outcome, account, address }) => throttle?.[outcome](account, address),
    figures: countedHere,
    async restart({ name, labels }) {
      const wanted = JSON.stringify(labels);
      for (const one of (await metrics?.read(name)) ?? [])
        if (JSON.stringify(one.labels) === wanted) one.histogram?.restart();
    },
    stop: (graceMs) => stop(graceMs),
  });

  const siblings: Siblings = {
    isFirst: false,
    leases: leasesOver({
      take: (name) => wire.ask("take", name),
      share: (name) => wire.ask("share", name),
      isTaken: (name) => wire.ask("isTaken", name),
      isAwaited: (name) => wire.ask("isAwaited", name),
      tell: (name, text) => wire.ask("tell", { name, text }),
      listen: (name) => wire.ask("listen", name),
      release: (name) => wire.tell("release", name),
    }),
    between: (database) =>
      // Where the first one has ended this one ends too.
      telling(
        database,
        (change) => wire.ask("changed", change).then(noop, noop),
        // What the first one told before it answers has come by then.
        () => wire.ask("isTaken", "").then(hearing.settled, noop),
      ),
    follow: hearing.follow,
    together(own) {
      metrics = own;
      return own;
    },
    shared(own) {
      throttle = own;
      return sharedThrottle(own, (guess) => wire.tell("guess", guess));
    },
    use: async () => {},
    stop: async () => {},
  };

  function stop(graceMs?: number): Promise<void> {
    stopping ??= end(graceMs);
    return stopping;
  }

  async function end(graceMs?: number): Promise<void> {
    const server = await running?.catch(() => null); // what kept it from starting was told
    await server?.stop(graceMs);
    wire.tell("last", await countedHere(null));
    hearing.end();
    stopped.resolve();
  }

  return { stop, stopped: stopped.promise };
}

function noop(): void {}
