// The repositories at work, over configurations that change: one that is as it was goes on as it is, with its connections and what it
// remembers; one that is not is closed once nobody uses it.
import { isDeepStrictEqual } from "node:util";
import { createRepository, type Mounted } from "../cache/repository.ts";
import type { RepositoryConfig } from "../config/resolve.ts";
import { formats } from "../formats/index.ts";
import type { OverviewSource } from "../jobs/overview.ts";
import { offline } from "../upstream/offline.ts";
import { createUpstream, type Upstreams } from "../upstream/upstreams.ts";
import type { Ground } from "./ground.ts";

export interface Held extends Mounted, OverviewSource {
  /** Keeps it open until what it returns is called. */
  hold(): () => void;
}

export interface Mounts {
  /** The repositories of a configuration: those that serve already where nothing of them has changed. */
  of(repositories: readonly RepositoryConfig[]): Held[];
  /** These serve from now on. Others are closed some time after nobody holds them any more. */
  use(held: readonly Held[]): void;
  /** How many there are, with those that are out of service. */
  open(): number;
  /** Closes all, whoever holds them. */
  close(): Promise<void>;
}

/** How often one that nobody holds is looked at: a refresh or a download behind may still be at work in it. */
const LOOK_MS = 30_000;
/** Found at rest so often one after the other, it is closed. */
const LOOKS = 2;

interface Entry extends Mounted {
  settings: RepositoryConfig;
  /** Null for one that is offline. */
  upstream: Upstreams | null;
  holders: number;
}

export function createMounts(ground: Ground, lookMs = LOOK_MS): Mounts {
  /** All that are open. */
  const open = new Map<Held, Entry>();
  /** Those that are out of service, and looked at. */
  const retired = new Map<Held, NodeJS.Timeout>();
  let serving: readonly Held[] = [];

  function made(settings: RepositoryConfig): Held {
    const entry = mount(settings, ground);
    const { upstream } = entry;
    const held: Held = {
      ...entry,
      name: settings.name,
      offline: settings.offline,
      upstreams: () =>
        (upstream?.states() ?? []).map(({ upstream: host, state }) => ({
          host,
          isAway: state !== "closed",
        })),
      hold() {
        entry.holders += 1;
        let isHeld = true;
        return () => {
          if (isHeld) entry.holders -= 1;
          isHeld = false;
        };
      },
    };
    open.set(held, entry);
    return held;
  }

  /** Out of service: it leaves the metrics at once, and is closed when it is at rest. */
  function retire(held: Held): void {
    const { upstream } = open.get(held)!;
    upstream?.leave();
    let rests = 0;
    const look = setInterval(() => {
      const entry = open.get(held);
      const isAtRest = entry && entry.holders === 0 && !upstream?.isBusy();
      rests = isAtRest ? rests + 1 : 0;
      if (entry && rests < LOOKS) return;
      clearInterval(look);
      retired.delete(held);
      if (entry) void close(held);
    }, lookMs);
    look.unref();
    retired.set(held, look);
  }

  async function close(held: Held): Promise<void> {
    const { upstream } = open.get(held)!;
    open.delete(held);
    upstream?.close();
    await held.close();
  }

  return {
    of: (repositories) =>
      repositories.map((settings) => {
        const before = serving.find(({ name }) => name === settings.name);
        const isSame = before && isDeepStrictEqual(open.get(before)!.settings, settings);
        return isSame ? before : made(settings);
      }),
    use(held) {
      serving = held;
      for (const one of open.keys()) if (!held.includes(one) && !retired.has(one)) retire(one);
    },
    open: () => open.size,
    async close() {
      for (const look of retired.values()) clearInterval(look);
      for (const held of [...open.keys()]) await close(held);
    },
  };
}

function mount(settings: RepositoryConfig, ground: Ground): Entry {
  const { log, shared, upstreamMetrics: metrics, elapsed: now } = ground;
  const { name: repository } = settings;
  const format = formats.find(({ name }) => name === settings.format)!; // the configuration's schema made sure
  const upstream = settings.offline
    ? null
    : createUpstream(settings.upstreams, { log, metrics, repository, now });
  const mounted = createRepository(settings, format, upstream ?? offline(), shared);
  return { ...mounted, settings, upstream, holders: 0 };
}
