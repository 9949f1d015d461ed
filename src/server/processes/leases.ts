// Leases between the processes of one server: the first one keeps them in its memory, and a process that ends has none any more.
import { type Lease, type Leases, SILENT, UNHEARD } from "../../store/leases.ts";

/** Who has what. Processes are numbers. */
export interface LeaseTable {
  /** Whether it is this one's now. */
  take(process: number, name: string): boolean;
  share(process: number, name: string): void;
  isTaken(name: string): boolean;
  /** Once for each that was taken or shared. */
  release(process: number, name: string): void;
  /** All that a process had. */
  end(process: number): void;
}

export function createLeaseTable(): LeaseTable {
  /** How often each process has it. */
  const held = new Map<string, Map<number, number>>();

  function add(process: number, name: string): void {
    const holders = held.get(name) ?? new Map<number, number>();
    held.set(name, holders);
    holders.set(process, (holders.get(process) ?? 0) + 1);
  }

  return {
    take(process, name) {
      const others = [...(held.get(name)?.keys() ?? [])].some((one) => one !== process);
      if (others) return false;
      add(process, name);
      return true;
    },
    share: add,
    isTaken: (name) => held.has(name),
    release(process, name) {
      const holders = held.get(name);
      const left = (holders?.get(process) ?? 0) - 1;
      if (left > 0) holders!.set(process, left);
      else holders?.delete(process);
      if (holders?.size === 0) held.delete(name);
    },
    end(process) {
      for (const [name, holders] of held) {
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
  release(name: string): unknown;
}

export function leasesOver(asks: LeaseAsks): Leases {
  function leaseOf(name: string): Lease {
    let isHeld = true;
    return {
      // Nobody takes it from a process that lives, however long that one is stopped.
      isHeld: () => isHeld,
      assure: async () => {},
      ...UNHEARD,
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
    ...SILENT,
    isTaken: async (name) => asks.isTaken(name),
    // It has no state that is read between servers.
    holder: async () => null,
  };
}
