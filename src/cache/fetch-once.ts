// What several servers want at the same time is asked for by one of them; the others wait for what it stores, and go on themselves where nothing comes.
import { Problem } from "../core/problem.ts";
import type { Lease, Leases } from "../store/leases.ts";

const PAUSE_MS = 250;
/** Clients of a file that takes longer elsewhere would give up: after that it is fetched here as well. */
const PATIENCE_MS = 25_000;

/** What another server stored; or that it is this one's turn, with the lease where there is one. */
type Turn<T> = { found: T } | { lease: Lease | null };

/**
 * `look`: what is stored by now, or null. Whoever has the turn releases its lease when what came of it is stored. While the database cannot be asked
 * everybody has the turn.
 */
export async function awaitTurn<T>(
  leases: Leases,
  name: string,
  look: () => Promise<T | null>,
): Promise<Turn<T>> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const lease = await orUnknown(leases.take(name));
    if (lease === UNKNOWN) return { lease: null };
    try {
      // Also who got the lease at once looks: it may have been let go of in this moment.
      const found = await orUnknown(look());
      if (found !== null && found !== UNKNOWN) {
        await lease?.release();
        return { found };
      }
    } catch (error) {
      await lease?.release();
      throw error;
    }
    if (lease || performance.now() >= end) return { lease };
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

const UNKNOWN = Symbol();

async function orUnknown<T>(asked: Promise<T>): Promise<T | typeof UNKNOWN> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Problem && error.kind === "busy") return UNKNOWN;
    throw error;
  }
}

/** A file on its way: what clients read along, or null where they wait for the whole; and the whole. */
export interface Fetching<Following, T> {
  following: Promise<Following | null>;
  stored: Promise<T>;
}

/** The same by one of several servers: `begin` is called when it is this one's turn. */
export function fetchOnce<Following, T>(
  leases: Leases,
  name: string,
  look: () => Promise<T | null>,
  begin: () => Fetching<Following, T>,
): Fetching<Following, T> {
  const following = Promise.withResolvers<Following | null>();
  async function run(): Promise<T> {
    const turn = await awaitTurn(leases, name, look);
    if ("found" in turn) return turn.found;
    try {
      const fetching = begin();
      following.resolve(fetching.following);
      return await fetching.stored;
    } finally {
      await turn.lease?.release();
    }
  }
  const stored = run().finally(() => following.resolve(null));
  return { following: following.promise, stored };
}
