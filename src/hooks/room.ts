// The room of hooks: what happens is written down for each hook that wants to know, in the transaction of what happened, and carried behind.
import type { RepositoryEvent } from "../core/event.ts";
import { type Carrier, type HookWish, type Outcome, TEST, type Told } from "../core/hook.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "../store/database.ts";
import { keepLease } from "../store/kept-lease.ts";
import { alone, type Lease, type Leases } from "../store/leases.ts";
import { type Courier, createCourier } from "./courier.ts";
import { newId, payloadOf } from "./message.ts";
import {
  countDeliveries,
  type Delivery,
  findDelivery,
  insertDelivery,
  lastTold,
  listDeliveries,
  markAllWaiting,
  markWaiting,
  readPurl,
  type State,
  tidyDeliveries,
} from "./rows.ts";
import { type Spelling, type Wants, wantsOf } from "./wanted.ts";

/** One hook of the configuration, and the way to where it leads. */
export interface OpenHook extends HookWish {
  name: string;
  /** How long a message is tried. */
  retryMs: number;
  carrier: Carrier;
}

export interface HookState {
  name: string;
  to: string;
  waiting: number;
  failed: number;
  /** Milliseconds since the epoch; null for never, or not for long. */
  lastTold: number | null;
  /** Why nothing is tried now, or null. */
  unavailable: string | null;
}

export interface Hooks {
  /** In the transaction of what it tells of, so that a crash loses both or neither. */
  tell(sql: Query, told: Told): Promise<void>;
  /** The same for an event. */
  event(sql: Query, repository: string, event: RepositoryEvent): Promise<void>;
  /** These count from now on, in place of those before. */
  use(hooks: readonly OpenHook[], spelling: Spelling): void;
  /** Keeps count of what waits, from now on, and carries it. `carries`: false where another process of this server does that. */
  start(carries?: boolean): void;
  states(): Promise<HookState[]>;
  /** The newest first. Throws Problem("notFound") when there is no such hook, as all that follow. */
  deliveries(
    hook: string,
    which: { state?: State | undefined; before?: string | null; limit: number },
  ): Promise<Delivery[]>;
  /** Throws Problem("notFound"). */
  delivery(hook: string, id: string): Promise<Delivery>;
  /** Tells the hook that it is tried out, once, now. */
  test(hook: string): Promise<{ id: string; outcome: Outcome }>;
  /** Tells it once more, now, and later on where that fails. */
  resend(hook: string, id: string): Promise<Outcome>;
  /** The same for all that failed, behind. How many they are. */
  resendFailed(hook: string): Promise<number>;
  /** Gives up what is too old, and forgets what ended long ago. */
  tidy(): Promise<void>;
  stop(): Promise<void>;
}

export interface HooksDeps {
  database: Database;
  log: Log;
  metrics: Metrics;
  now(): number;
  /** Of several servers one carries. Left out: there is no other. */
  leases?: Leases;
  /** For tests: how often what waits is looked for and counted, and how long the end waits. */
  lookMs?: number;
  countMs?: number;
  graceMs?: number;
}

/** What waits is looked for so often; and soon after something was told, when its transaction has ended. */
const LOOK_MS = 2_000;
const SOON_MS = 100;
const COUNT_MS = 60_000;
/** More than these of one hook do not wait: what comes then is not told, and counted. */
const MOST_WAITING = 10_000;
/** What this server carries itself, though another one is the courier, that one leaves alone for so long. */
const LEFT_ALONE_MS = 60_000;
/** What is on its way at the end may arrive for so long. It is told again after the next start. */
const GRACE_MS = 3_000;

interface Entry extends OpenHook {
  wants: Wants;
  courier: Courier;
}

export function createHooks(deps: HooksDeps): Hooks {
  const { database, log, metrics, now, lookMs = LOOK_MS, graceMs = GRACE_MS } = deps;
  const { leases = alone, countMs = COUNT_MS } = deps;
  const tries = metrics.counter("holdfast_hook_tries_total", "Messages to hooks, by result");
  const dropped = metrics.counter(
    "holdfast_hook_dropped_total",
    "Messages that were not kept for a hook, since too many wait for it",
  );
  metrics.gauge("holdfast_hook_messages", "Messages to hooks that wait, or failed", async () =>
    [...(await countDeliveries(database.read))].flatMap(([hook, { waiting, failed }]) => [
      [{ hook, state: "waiting" }, waiting],
      [{ hook, state: "failed" }, failed],
    ]),
  );
  const underWay = new Set<string>();
  const ending = new Set<Promise<void>>();
  /** About: counted now and then, and with each that is written. */
  let waiting = new Map<string, number>();
  const full = new Set<string>();
  let entries: readonly Entry[] = [];
  let timers: ReturnType<typeof setInterval>[] = [];
  let soon: ReturnType<typeof setTimeout> | null = null;
  let isStarted = false;
  const kept = keepLease(leases, "hooks");
  let lease: Lease | null = null;
  const isCourier = () => !leases.hasOthers || (lease?.isHeld() ?? false);
  const leftAlone = () => now() + (leases.hasOthers ? LEFT_ALONE_MS : 0);

  function entryOf(name: string): Entry {
    const found = entries.find((one) => one.name === name);
    if (!found) throw new Problem("notFound", `There is no hook ${name} in the configuration`);
    return found;
  }

  async function lookAsCourier(): Promise<void> {
    lease = await kept.lease();
    if (lease && isStarted) lookAll();
  }

  function look(): void {
    if (!isStarted) return;
    if (leases.hasOthers) void lookAsCourier();
    else lookAll();
  }

  function lookAll(): void {
    for (const { name, courier } of entries)
      courier.look().catch((error) =>
        log.write("error", "What waits for a hook cannot be read", {
          hook: name,
          error: String(error),
        }),
      );
  }

  function lookSoon(): void {
    if (!isStarted || soon) return;
    soon = setTimeout(() => {
      soon = null;
      look();
    }, SOON_MS);
    soon.unref();
  }

  async function count(): Promise<void> {
    const counts = await countDeliveries(database.read);
    waiting = new Map([...counts].map(([hook, { waiting: many }]) => [hook, many]));
    for (const hook of full) if ((waiting.get(hook) ?? 0) < MOST_WAITING) full.delete(hook);
  }

  function hasRoom(hook: string): boolean {
    const many = waiting.get(hook) ?? 0;
    if (many < MOST_WAITING) {
      waiting.set(hook, many + 1);
      return true;
    }
    dropped.add({ hook });
    if (!full.has(hook))
      log.write("error", `${many} messages wait for the hook ${hook}: no more are kept for it`, {
        hook,
      });
    full.add(hook);
    return false;
  }

  async function tell(sql: Query, told: Told): Promise<void> {
    const wanting = entries.filter(({ wants }) => wants(told));
    if (wanting.length === 0) return;
    const at = now();
    const id = newId(at);
    const { repository, package: name, version } = told;
    const purl =
      told.purl ?? (name && version ? await readPurl(sql, repository, name, version) : undefined);
    const payload = payloadOf(id, at, { ...told, purl });
    for (const { name: hook, retryMs } of wanting)
      if (hasRoom(hook))
        await insertDelivery(
          sql,
          { hook, id, payload, at, nextAt: at, endsAt: at + retryMs },
          told,
        );
    lookSoon();
  }

  async function carry({ courier, name }: Entry, id: string): Promise<Outcome> {
    const delivery = await findDelivery(database.read, name, id);
    const outcome = delivery && (await courier.carry(delivery));
    if (!outcome) throw new Problem("conflict", `${id} is on its way to ${name} just now`);
    return outcome;
  }

  async function find(hook: string, id: string): Promise<Delivery> {
    const found = await findDelivery(database.read, entryOf(hook).name, id);
    if (!found)
      throw new Problem("notFound", `The hook ${hook} has no message ${id}, or had it long ago`);
    return found;
  }

  return {
    tell,
    async event(sql, repository, { kind, detail, ...event }) {
      const by = detail?.["by"];
      const who = typeof by === "string" ? by : undefined;
      await tell(sql, { type: kind, repository, who, detail, ...event });
    },
    use(hooks, spelling) {
      const tried = (hook: string, isTold: boolean) =>
        tries.add({ hook, result: isTold ? "told" : "failed" });
      const before = entries;
      entries = hooks.map((hook) => ({
        ...hook,
        wants: wantsOf(hook, spelling),
        courier: createCourier(hook.name, hook.carrier, {
          ...{ database, log, now, tried, underWay, isCourier },
        }),
      }));
      for (const { courier } of before) {
        const end = courier.end().finally(() => ending.delete(end));
        ending.add(end);
      }
      lookSoon();
    },
    start(carries = true) {
      isStarted = carries;
      const counting = () => void count().catch(() => undefined); // the next time
      timers = [setInterval(counting, countMs), ...(carries ? [setInterval(look, lookMs)] : [])];
      for (const timer of timers) timer.unref();
      counting();
      lookSoon();
    },
    async states() {
      const counts = await countDeliveries(database.read);
      return Promise.all(
        entries.map(async ({ name, carrier }) => ({
          name,
          to: carrier.to,
          ...(counts.get(name) ?? { waiting: 0, failed: 0 }),
          lastTold: await lastTold(database.read, name),
          unavailable: carrier.unavailable(),
        })),
      );
    },
    async deliveries(hook, which) {
      return listDeliveries(database.read, entryOf(hook).name, which);
    },
    delivery: find,
    async test(hook) {
      const entry = entryOf(hook);
      const at = now();
      const id = newId(at);
      const told: Told = {
        type: TEST,
        repository: "-",
        package: "",
        message: `This is a test of the hook ${hook}`,
      };
      const payload = payloadOf(id, at, told);
      // Tried once, so that its time is over with that.
      await database.write((sql) =>
        insertDelivery(sql, { hook, id, payload, at, nextAt: leftAlone(), endsAt: at }, told),
      );
      return { id, outcome: await carry(entry, id) };
    },
    async resend(hook, id) {
      const entry = entryOf(hook);
      const found = await find(hook, id);
      await database.write((sql) => markWaiting(sql, found, leftAlone(), now() + entry.retryMs));
      return carry(entry, id);
    },
    async resendFailed(hook) {
      const { name, retryMs } = entryOf(hook);
      const many = await database.write((sql) => markAllWaiting(sql, name, now(), now() + retryMs));
      lookSoon();
      return many;
    },
    tidy: () => database.write((sql) => tidyDeliveries(sql, now())),
    async stop() {
      isStarted = false;
      for (const timer of timers) clearInterval(timer);
      if (soon) clearTimeout(soon);
      const ended = Promise.all([...ending, ...entries.map(({ courier }) => courier.end())]);
      const enough = Promise.withResolvers<void>();
      const timer = setTimeout(enough.resolve, graceMs);
      await Promise.race([ended, enough.promise]);
      clearTimeout(timer);
      await kept.release();
    },
  };
}
