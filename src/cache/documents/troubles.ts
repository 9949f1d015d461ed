// Why the last refresh of a document brought nothing, and until when that is not tried again. In memory alone.
import type { Problem } from "../../core/problem.ts";
import { createLru } from "../lru.ts";

const TROUBLES_IN_MEMORY = 20_000;

export interface Trouble {
  problem: Problem;
  /** Milliseconds since the epoch, like `until`. */
  at: number;
  until: number;
}

export interface Troubles {
  /** The last one, also when it is over. */
  last(id: string): Trouble | undefined;
  /** The one that still holds for who wants to know how things stood at `notBefore` or later. */
  standing(id: string, notBefore: number): Trouble | null;
  set(id: string, problem: Problem, forMs: number): void;
  clear(id: string): void;
}

export function createTroubles(now: () => number): Troubles {
  const troubles = createLru<Trouble>(TROUBLES_IN_MEMORY);
  return {
    last: (id) => troubles.get(id),
    standing(id, notBefore) {
      const trouble = troubles.get(id);
      if (!trouble || trouble.at < notBefore) return null;
      // An end that is further off than it can have been set was set before the clock was put back.
      const left = trouble.until - now();
      return left > 0 && left <= trouble.until - trouble.at ? trouble : null;
    },
    set(id, problem, forMs) {
      const at = now();
      troubles.set(id, { problem, at, until: at + forMs }, 1);
    },
    clear: troubles.delete,
  };
}
