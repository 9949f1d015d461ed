// What failed a moment ago is not asked for again at once: a bad path is not hammered, and hurts nobody but those who want it.
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Hop } from "./hops.ts";

export interface Troubles {
  /** Throws Problem("unreachable") while what failed is not asked for again. */
  check(hop: Hop): void;
  /** Whether it failed the last time. */
  has(hop: Hop): boolean;
  /** `text` says where and why; `atLeastMs` is how long the upstream asks to be left alone. */
  failed(hop: Hop, text: string, atLeastMs?: number): void;
  /** It was answered well. */
  cleared(hop: Hop): void;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** How many are remembered. */
const LIMIT = 1_000;

interface Trouble {
  text: string;
  until: number;
  backoff: number;
}

/** `now`: milliseconds on a clock that is never put back. */
export function createTroubles(now: () => number): Troubles {
  const troubles = new Map<string, Trouble>();

  function find(hop: Hop): Trouble | undefined {
    const trouble = troubles.size > 0 ? troubles.get(keyOf(hop)) : undefined;
    return trouble && now() < trouble.until + LONGEST_MS ? trouble : undefined;
  }

  return {
    check(hop) {
      const trouble = find(hop);
      const wait = trouble ? trouble.until - now() : 0;
      if (trouble && wait > 0)
        throw new Problem(
          "unreachable",
          `${trouble.text}; asked for again in ${Math.ceil(wait / 1000)} s`,
        );
    },
    has: (hop) => find(hop) !== undefined,
    failed(hop, text, atLeastMs = 0) {
      const key = keyOf(hop);
      const backoff = Math.min((find(hop)?.backoff ?? FIRST_MS / 2) * 2, LONGEST_MS);
      const wait = Math.max(backoff, Math.min(atLeastMs, LONGEST_MS));
      troubles.delete(key); // the newest stand last
      troubles.set(key, { text, until: now() + wait, backoff });
      const [oldest = ""] = troubles.keys();
      if (troubles.size > LIMIT) troubles.delete(oldest);
    },
    cleared(hop) {
      if (troubles.size > 0) troubles.delete(keyOf(hop));
    },
  };
}

/** Of one length, however long the path. */
function keyOf({ method, url, body }: Hop): string {
  const hash = createHash("sha256").update(`${method} ${url.href}\n`);
  return hash.update(body ?? "").digest("base64");
}
