// What several servers want at the same time is asked for by one of them; the others wait for what it stores, and go on themselves where nothing comes.
import { Problem } from "../core/problem.ts";
import type { Lease, Leases } from "../store/leases.ts";

const PAUSE_MS = 250;
/** Clients of a file of which nothing is heard would give up: after that it is fetched here as well. */
const PATIENCE_MS = 25_000;

/** What another server stored; or that it is this one's turn, with the lease where there is one. */
type Turn<T> = { found: T } | { lease: Lease | null };

/**
 * `look`: what is stored by now, or null. Whoever has the turn releases its lease when what came of it is stored. While the database cannot be asked
 * everybody has the turn. `follow`: of what the holder tells; resolves to whether that has come to its end, so that all begins anew.
 */
export async function awaitTurn<T>(
  leases: Leases,
  name: string,
  look: () => Promise<T | null>,
  follow: ((told: string) => Promise<boolean>) | null = null,
): Promise<Turn<T>> {
  let end = performance.now() + PATIENCE_MS;
  for (let isFirst = true; ; isFirst = false) {
    const lease = await unlessBusy(leases.take(name));
    if (lease === undefined) return { lease: null };
    try {
      // Also who got the lease at once looks: it may have been let go of in this moment.
      const found = await unlessBusy(look());
      if (found !== null && found !== undefined) {
        await lease?.release();
        return { found };
      }
    } catch (error) {
      await lease?.release();
      throw error;
    }
    if (lease || performance.now() >= end) return { lease };
    // What is soon there is waited for without a word.
    const told = follow && !isFirst ? await unlessBusy(leases.listen(name)) : null;
    if (typeof told !== "string") await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    else if (await follow!(told)) end = performance.now() + PATIENCE_MS;
    else follow = null;
  }
}

/** Undefined while the database or the place of the files cannot be asked. */
export async function unlessBusy<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Problem && error.kind === "busy") return undefined;
    throw error;
  }
}

/** A file on its way: what clients read along as of now, or null where they wait for the whole; and the whole. */
export interface Fetching<Following, T> {
  following(): Promise<Following | null>;
  stored: Promise<T>;
}

/** How clients of those who wait read along with the one that fetches. */
export interface ReadAlong<Following> {
  /** By who fetches: others can have what clients here read along, where they want it, until it ends. */
  send(lease: Lease, following: Following): Promise<void>;
  /** By who fetched in vain: resolves when others had the time to hear of it, where they need not try themselves. */
  fail(lease: Lease | null, error: unknown): Promise<void>;
  /**
   * By who waits: `announce` is called once, with what clients here read along, whoever fetches it. Resolves to true when it is stored, or the turn of
   * somebody else; to false where it does not come this way. Rejects where nobody need try any more.
   */
  follow(told: string, announce: (following: Following) => void): Promise<boolean>;
}

/** The same by one of several servers: `begin` is called when it is this one's turn. */
export function fetchOnce<Following, T>(
  leases: Leases,
  name: string,
  look: () => Promise<T | null>,
  begin: () => Fetching<Following, T>,
  along: ReadAlong<Following>,
): Fetching<Following, T> {
  const announced = Promise.withResolvers<Following | null>();
  let following = announced.promise;

  async function run(): Promise<T> {
    const follow = (told: string) => along.follow(told, announced.resolve);
    const turn = await awaitTurn(leases, name, look, follow);
    if ("found" in turn) return turn.found;
    const { lease } = turn;
    let told: Promise<unknown> = Promise.resolve();
    try {
      const fetching = begin();
      following = fetching.following();
      announced.resolve(following);
      if (lease) void following.then((one) => one && along.send(lease, one)).catch(() => {}); // others wait for the whole, then
      return await fetching.stored;
    } catch (error) {
      told = along.fail(lease, error).catch(() => {});
      throw error;
    } finally {
      void told.then(() => lease?.release());
    }
  }
  const stored = run().finally(() => announced.resolve(null));
  return { following: () => following, stored };
}
