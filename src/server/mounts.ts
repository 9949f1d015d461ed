// The repositories at work, over configurations that change: one that is as it was goes on as it is, with its connections and what it
// remembers; one that is not is closed once nobody uses it.
import { isDeepStrictEqual } from "node:util";
import { baseUpstream, type Layer, layered } from "../cache/bases.ts";
import { createRepository, type Mounted } from "../cache/repository.ts";
import type { RepositoryConfig } from "../config/resolve.ts";
import { formats } from "../formats/index.ts";
import type { OverviewSource, UpstreamHealth } from "../jobs/overview.ts";
import { offline } from "../upstream/offline.ts";
import { createUpstream, type UpstreamState, type Upstreams } from "../upstream/upstreams.ts";
import type { Ground } from "./ground.ts";

export interface Held extends Mounted, OverviewSource {
  /** Keeps it open until what it returns is called. */
  hold(): () => void;
  /** The repositories that it is built on. */
  readonly bases: readonly Held[];
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

/** Upstreams go by a clock that is never put back; people by another. */
function healthOf(
  state: UpstreamState["state"],
  { answeredAt, failure, shutSince, latency }: UpstreamState["health"],
  { elapsed, shared: { now } }: Ground,
): UpstreamHealth {
  const ahead = now() - elapsed();
  const wall = (at: number | null) => (at === null ? null : Math.round(at + ahead));
  return {
    state,
    answeredAt: wall(answeredAt),
    failure: failure && { ...failure, at: Math.round(failure.at + ahead) },
    awaySince: wall(shutSince),
    latency,
  };
}

interface Entry extends Mounted {
  settings: RepositoryConfig;
  /** Null for one that is offline. */
  upstream: Upstreams | null;
  holders: number;
  /** Lets go of what it is built on. */
  releases: (() => void)[];
}

export function createMounts(ground: Ground, lookMs = LOOK_MS): Mounts {
  /** All that are open. */
  const open = new Map<Held, Entry>();
  /** Those that are out of service, and looked at. */
  const retired = new Map<Held, NodeJS.Timeout>();
  let serving: readonly Held[] = [];

  function made(settings: RepositoryConfig, bases: readonly Held[]): Held {
    const entry = mount(settings, ground, bases);
    const { upstream } = entry;
    const held: Held = {
      ...entry,
      bases,
      name: settings.name,
      offline: settings.offline,
      isHostedOnly:
        entry.format.hosts === true &&
        settings.upstreams.length === 0 &&
        settings.bases.length === 0,
      upstreams: () =>
        (upstream?.states() ?? []).map(({ upstream: host, state, reason, answers, health }) => ({
          host,
          isAway: state !== "closed",
          reason,
          answers,
          health: healthOf(state, health, ground),
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
    entry.releases = bases.map((base) => base.hold());
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
    const { releases } = open.get(held)!;
    open.delete(held);
    upstream?.close();
    await held.close();
    for (const release of releases) release();
  }

  return {
    of(repositories) {
      const found = new Map<string, Held>();
      /** What a repository is built on comes before it. That nothing is built on itself, the configuration made sure. */
      const get = (settings: RepositoryConfig): Held => {
        const known = found.get(settings.name);
        if (known) return known;
        const bases = settings.bases.map(({ repository }) =>
          get(repositories.find(({ name }) => name === repository)!),
        );
        const before = serving.find(({ name }) => name === settings.name);
        const isSame =
          before &&
          isDeepStrictEqual(open.get(before)!.settings, settings) &&
          before.bases.every((base, at) => base === bases[at]);
        const held = isSame ? before : made(settings, bases);
        found.set(settings.name, held);
        return held;
      };
      return repositories.map(get);
    },
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

function mount(settings: RepositoryConfig, ground: Ground, bases: readonly Held[]): Entry {
  const { shared } = ground;
  const format = formats.find(({ name }) => name === settings.format)!; // the configuration's schema made sure
  const { layers, upstream } = layersOf(settings, ground, bases);
  const hasUpstreams = settings.upstreams.length + bases.length > 0;
  const own = bases.length > 0 ? layered(layers) : (upstream ?? offline());
  const from = ground.follower?.guard(own) ?? own;
  const asked = ground.traces?.upstream(from, settings.name) ?? from;
  const mounted = createRepository({ ...settings, hasUpstreams }, format, asked, shared, bases);
  return { ...mounted, settings, upstream, holders: 0, releases: [] };
}

/** Upstreams and repositories in the order of the configuration; those that stand one after the other are one layer. */
function layersOf(
  settings: RepositoryConfig,
  { log, shared, upstreamMetrics: metrics, elapsed: now }: Ground,
  bases: readonly Held[],
): { layers: Layer[]; upstream: Upstreams | null } {
  const { name: repository, upstreams } = settings;
  const deps = { log, metrics, repository, now };
  const open = (some: RepositoryConfig["upstreams"]) =>
    settings.offline || some.length === 0 ? null : createUpstream(some, deps);
  if (bases.length === 0) return { layers: [], upstream: open(upstreams) };
  const layers: Layer[] = [];
  const opened: Upstreams[] = [];
  let done = 0;
  const upTo = (end: number) => {
    if (end <= done) return;
    const made = open(upstreams.slice(done, end));
    if (made) opened.push(made);
    layers.push({ upstream: made ?? offline(), base: null });
    done = end;
  };
  for (const [at, base] of bases.entries()) {
    upTo(settings.bases[at]!.before);
    const asked = baseUpstream(base, shared.ownGrant);
    layers.push({ upstream: asked, base: asked });
  }
  upTo(upstreams.length);
  return { layers, upstream: opened.length > 0 ? together(opened) : null };
}

/** For the pages and metrics, and to be closed as one. */
function together(all: readonly Upstreams[]): Upstreams {
  return {
    fetch: (request) => all[0]!.fetch(request),
    unavailable: () => all[0]!.unavailable(),
    states: () => all.flatMap((one) => one.states()),
    isBusy: () => all.some((one) => one.isBusy()),
    leave() {
      for (const one of all) one.leave();
    },
    close() {
      for (const one of all) one.close();
    },
  };
}
