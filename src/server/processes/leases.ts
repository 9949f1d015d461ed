// Leases between the processes of one server: the first one keeps them in its memory, and a process that ends has none any more.
import type { Lease, Leases } from "../../store/leases.ts";

/** Who has what. Processes are numbers. */
export interface LeaseTable {
  /** Whether it is this one's now. */
  take(process: number, name: string): boolean;
  share(process: number, name: string): void;
  isTaken(name: string): boolean;
  /** Whether another process listens to what is told of it. */
  isAwaited(name: string): boolean;
  /** False where it is not this one's. */
  tell(process: number, name: string, text: string): boolean;
  /** What is told of it; null: nothing, or nobody has it. */
  listen(name: string): string | null;
  /** Once for each that was taken or shared. */
  release(process: number, name: string): void;
  /** All that a process had. */
  end(process: number): void;
}

interface Held {
  /** How often each process has it. */
  holders: Map<number, number>;
  isAwaited: boolean;
  told: string | null;
}

export function createLeaseTable(): LeaseTable {
  const held = new Map<string, Held>();

  function add(process: number, name: string): void {
    const one = held.get(name) ?? { holders: new Map(), isAwaited: false, told: null };
    held.set(name, one);
    one.holders.set(process, (one.holders.get(process) ?? 0) + 1);
  }

  return {
    take(process, name) {
      const others = [...(held.get(name)?.holders.keys() ?? [])].some((one) => one !== process);
      if (others) return false;
      add(process, name);
      return true;
    },
    share: add,
    isTaken: (name) => held.has(name),
    isAwaited: (name) => held.get(name)?.isAwaited ?? false,
    tell(process, name, text) {
      const one = held.get(name);
      if (!one?.holders.has(process)) return false;
      one.told = text;
      return true;
    },
    listen(name) {
      const one = held.get(name);
      if (one) one.isAwaited = true;
      return one?.told ?? null;
    },
    release(process, name) {
      const holders = held.get(name)?.holders;
      const left = (holders?.get(process) ?? 0) - 1;
      if (left > 0) holders!.set(process, left);
      else holders?.delete(process);
      if (holders?.size === 0) held.delete(name);
    },
    end(process) {
      for (const [name, { holders }] of held) {
        holders.delete(process);
        if (holders.size === 0) held.delete(name);
      }
    },
  };
}

const PAUSE_MS = 50;

/** Does `work` with the lease, when it is this one's: however long another process has it. */
export async function inTurn<T>(
  leases: Leases,
  name: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    const lease = await leases.take(name);
    if (lease)
      try {
        return await work();
      } finally {
        await lease.release();
      }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    signal?.throwIfAborted();
  }
}

/** The table from one process: its own, or over the way to the first. */
export interface LeaseAsks {
  take(name: string): boolean | Promise<boolean>;
  share(name: string): unknown;
  isTaken(name: string): boolean | Promise<boolean>;
  isAwaited(name: string): boolean | Promise<boolean>;
  tell(name: string, text: string): boolean | Promise<boolean>;
  listen(name: string): string | null | Promise<string | null>;
  release(name: string): unknown;
}

export function leasesOver(asks: LeaseAsks): Leases {
  function leaseOf(name: string): Lease {
    let isHeld = true;
    return {
      // Nobody takes it from a process that lives, however long that one is stopped.
      isHeld: () => isHeld,
      assure: async () => {},
      isAwaited: async () => asks.isAwaited(name),
      tell: async (text) => asks.tell(name, text),
      async release() {
        if (!isHeld) return;
        isHeld = false;
        await asks.release(name);
      },
    };
  }
  return {
    hasOthers: true,
    take: async (name) => ((await asks.take(name)) ? leaseOf(name) : null),
    async share(name) {
      await asks.share(name);
      return leaseOf(name);
    },
    listen: async (name) => asks.listen(name),
    isTaken: async (name) => asks.isTaken(name),
    // It has no state that is read between servers.
    holder: async () => null,
  };
}
