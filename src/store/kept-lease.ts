// Leases that are kept for long: one that is asked for again and again, of what one server does for all until it dies; and one of work that ends when another
// server may have begun the same.
import { Problem } from "../core/problem.ts";
import type { Lease, Leases } from "./leases.ts";

export interface KeptLease {
  /** Null: another living node has it, or nobody can say which. */
  lease(): Promise<Lease | null>;
  /** Whether another one had it when it was asked for before; told once. */
  isTakenOver(): boolean;
  release(): Promise<void>;
}

export function keepLease(leases: Leases, name: string): KeptLease {
  let kept: Lease | null = null;
  let wasElsewhere = false;
  let taking: Promise<Lease | null> | null = null;

  async function take(): Promise<Lease | null> {
    await kept?.release(); // it may be a dead node's, which this one was
    kept = null;
    try {
      kept = await leases.take(name);
      wasElsewhere ||= kept === null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    return kept;
  }

  return {
    async lease() {
      if (kept?.isHeld()) return kept;
      taking ??= take().finally(() => {
        taking = null;
      });
      return taking;
    },
    isTakenOver() {
      if (!wasElsewhere || kept === null) return false;
      wasElsewhere = false;
      return true;
    },
    async release() {
      await taking?.catch(() => null);
      await kept?.release();
      kept = null;
    },
  };
}

export interface WatchedLease {
  /** Another server has it, as this one was stopped until it was taken for dead. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

const WATCH_MS = 1_000;

/** Looks after a lease that was taken. While the database cannot be asked nobody else gets it either, and the work goes on. */
export function watchLease(
  leases: Leases,
  name: string,
  taken: Lease,
  everyMs = WATCH_MS,
): WatchedLease {
  const lost = new AbortController();
  let lease = taken;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    if (lease.isHeld()) return;
    const again = await leases.take(name);
    if (!again) return lost.abort();
    await lease.release();
    lease = again;
  }

  const timer = setInterval(() => {
    looking ??= look()
      .catch(() => {})
      .finally(() => {
        looking = null;
      });
  }, everyMs);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await looking;
      await lease.release();
    },
  };
}
