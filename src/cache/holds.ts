// The lock between naming bytes and removing them, where several servers do both: who names says so before it looks whether somebody removes, and who
// removes says so before it looks whether somebody names, so that at least one of them sees the other.
import { Problem } from "../core/problem.ts";
import type { Lease, Leases } from "../store/leases.ts";

/** A removal takes one request for each; a server that died over it is buried by then. */
const PATIENCE_MS = 30_000;
/** A server that was stopped, or did not reach the database, is sure of itself again soon, or cannot write the row either. */
const UNSURE_MS = 2_000;
const PAUSE_MS = 50;

/** Says that the bytes are about to get a name, after whoever removes them now. Throws Problem("busy") where that does not end, or nobody can say. */
export async function holdAmong(leases: Leases, sha256: string): Promise<Lease> {
  const began = performance.now();
  for (;;) {
    const lease = await leases.share(`hold ${sha256}`).catch((error) => {
      if (!(error instanceof Problem) || performance.now() - began > UNSURE_MS) throw error;
      return null;
    });
    if (lease) {
      if (!(await leases.isTaken(`leaving ${sha256}`))) return lease;
      await lease.release();
      if (performance.now() - began > PATIENCE_MS)
        throw new Problem("busy", `Another server is removing the same bytes: ${sha256}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Does `work` while nobody gives these bytes a name anywhere; null when somebody does. `isStill`: to be asked before what cannot be undone. */
export async function removeAmong<T>(
  leases: Leases,
  sha256: string,
  work: (isStill: () => boolean) => Promise<T>,
): Promise<T | null> {
  const leaving = await leases.take(`leaving ${sha256}`);
  if (!leaving) return null;
  try {
    return (await leases.isTaken(`hold ${sha256}`)) ? null : await work(leaving.isHeld);
  } finally {
    await leaving.release();
  }
}
