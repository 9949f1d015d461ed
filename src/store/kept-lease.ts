// A lease that is asked for again and again, and kept once it is there: what one server does for all until it dies.
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
