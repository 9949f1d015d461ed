// How much one question may make the house compare: in portions, so that other requests have their turn, and not without end.
import { Problem } from "./problem.ts";

export interface Effort {
  /** To be told before the work is done. Null: go on; else wait for it. Throws Problem("tooLarge") when it is more than any honest question takes. */
  spend(steps: number): Promise<void> | null;
}

/** Comparisons of two versions. An audit of a large project takes some hundred thousand. */
const MOST = 5_000_000;
/** After so many others have their turn. */
const TURN = 10_000;

export function createEffort(most = MOST): Effort {
  let spent = 0;
  let turn = 0;
  return {
    spend(steps) {
      spent += steps;
      turn += steps;
      if (spent > most)
        throw new Problem(
          "tooLarge",
          "These are too many versions of packages of which very much is known: ask about fewer at a time",
        );
      if (turn < TURN) return null;
      turn = 0;
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}
