// Carries what waits for one hook: oldest first, some at a time, each until it is told or its time is over.
import type { Carrier, Outcome } from "../core/hook.ts";
import type { Log } from "../core/log.ts";
import type { Database } from "../store/database.ts";
import { waitAfter } from "./retry.ts";
import { type Delivery, markFailed, markTold, readDue } from "./rows.ts";

export interface CourierDeps {
  database: Database;
  log: Log;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told of each try. */
  tried(hook: string, isTold: boolean): void;
  /** What is on its way, of all couriers, as `keyOf` has it: one that takes another's place leaves it alone. */
  underWay: Set<string>;
  /** Whether what waits is for this server to carry: of several one does. */
  isCourier(): boolean;
}

export interface Courier {
  /** Sends off what is due, as far as there are lanes. */
  look(): Promise<void>;
  /** Tries this one now. Null when it is on its way already. */
  carry(delivery: Delivery): Promise<Outcome | null>;
  /** Sends off nothing more; resolves when what is on its way has arrived or failed. */
  end(): Promise<void>;
}

/** Where what became of a try cannot be written down it would be tried at once, again and again. */
const UNWRITTEN_MS = 60_000;

const keyOf = ({ hook, id }: Pick<Delivery, "hook" | "id">) => `${hook}\0${id}`;

export function createCourier(hook: string, carrier: Carrier, deps: CourierDeps): Courier {
  const { database, log, now, underWay } = deps;
  const errands = new Set<Promise<unknown>>();
  let restUntil = 0;
  let isLooking = false;
  let isEnded = false;
  let isFailing = false;

  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    try {
      while (hasLane()) {
        // Also what arrives while this is read: the read may not see yet that it has.
        const taken = new Set(underWay);
        const limit = carrier.most * carrier.lanes + taken.size;
        const due = await readDue(database.read, hook, now(), limit);
        const isFree = (one: Delivery) => !taken.has(keyOf(one)) && !underWay.has(keyOf(one));
        const next = due.filter(isFree).slice(0, carrier.most);
        if (next.length === 0 || !hasLane()) return;
        void send(next)
          .then(look)
          .catch(() => undefined); // found again at the next look
      }
    } finally {
      isLooking = false;
    }
  }

  function hasLane(): boolean {
    return (
      !isEnded &&
      deps.isCourier() &&
      errands.size < carrier.lanes &&
      now() >= restUntil &&
      carrier.unavailable() === null
    );
  }

  function send(deliveries: readonly Delivery[]): Promise<Outcome> {
    for (const one of deliveries) underWay.add(keyOf(one));
    const errand = run(deliveries).finally(() => {
      for (const one of deliveries) underWay.delete(keyOf(one));
      errands.delete(errand);
    });
    errands.add(errand);
    return errand;
  }

  async function run(deliveries: readonly Delivery[]): Promise<Outcome> {
    const outcome = await carrier.carry(deliveries).catch((error): Outcome => {
      log.write("error", "A hook failed because of a bug", { hook, stack: String(error?.stack) });
      return { isTold: false, why: "a bug of this server: its log tells more" };
    });
    restUntil = now() + carrier.restMs;
    tell(outcome);
    await database
      .write(async (sql) => {
        for (const one of deliveries)
          if (outcome.isTold) await markTold(sql, hook, one.id, now());
          else await markFailed(sql, one, afterFailure(one, outcome, now()));
      })
      .catch((error) => {
        restUntil = now() + UNWRITTEN_MS;
        if (isEnded) return; // it arrived too late for this process
        log.write("error", `What became of messages for the hook ${hook} cannot be written down`, {
          hook,
          error: String(error),
        });
      });
    for (const _ of deliveries) deps.tried(hook, outcome.isTold);
    return outcome;
  }

  /** The log has when a hook begins to fail and when that ends, and each message that is given up. */
  function tell(outcome: Outcome): void {
    if (outcome.isTold) {
      if (isFailing) log.write("info", `The hook ${hook} is told again`, { hook });
    } else if (!isFailing)
      log.write("warn", `The hook ${hook} cannot be told: ${outcome.why}`, { hook });
    isFailing = !outcome.isTold;
  }

  function afterFailure(
    { id, type, tries, endsAt }: Delivery,
    { why, isFinal, waitMs }: Extract<Outcome, { isTold: false }>,
    at: number,
  ) {
    const nextAt = at + waitAfter(tries + 1, waitMs);
    const isOver = isFinal || nextAt > endsAt;
    if (isOver)
      log.write("error", `The hook ${hook} was not told of ${id} (${type}): ${why}`, { hook, id });
    return { at, nextAt, error: why, state: isOver ? ("failed" as const) : ("waiting" as const) };
  }

  return {
    look,
    async carry(delivery) {
      return underWay.has(keyOf(delivery)) ? null : send([delivery]);
    },
    async end() {
      isEnded = true;
      await Promise.allSettled(errands);
      carrier.close();
    },
  };
}
