// `Idempotency-Key`: who asks again with the same key, since no answer came, gets the answer of the first time and makes nothing twice.
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Reply } from "../core/reply.ts";

const LIFE_MS = 24 * 60 * 60 * 1000;
const MOST = 10_000;
const LONGEST = 200;

export interface Retried {
  /** Who asks: two callers' keys are never the same. */
  caller: string;
  key: string;
  /** Method and path. */
  what: string;
  body: Uint8Array;
}

export interface Retries {
  /** The answer of the first time, where it was asked before. Throws Problem("conflict") for a key that came with something else. */
  once(asked: Retried, make: () => Promise<Reply>): Promise<Reply>;
}

/** In memory alone, since an answer may hold a secret: a restart forgets them. */
export function createRetries(now: () => number): Retries {
  const known = new Map<string, { print: string; reply: Promise<Reply>; until: number }>();

  function forget(): void {
    for (const [id, { until }] of known) {
      if (until > now() && known.size < MOST) return;
      known.delete(id);
    }
  }

  return {
    async once({ caller, key, what, body }, make) {
      if (key.length > LONGEST)
        throw new Problem("badRequest", `An Idempotency-Key has ${LONGEST} characters at most`);
      forget();
      const id = `${caller}\0${key}`;
      const print = createHash("sha256").update(`${what}\0`).update(body).digest("hex");
      const before = known.get(id);
      if (before && before.print !== print)
        throw new Problem("conflict", "This Idempotency-Key came with another request before");
      if (before) return before.reply;
      const reply = make();
      known.set(id, { print, reply, until: now() + LIFE_MS });
      // What failed may be tried again.
      reply.catch(() => known.delete(id));
      return reply;
    },
  };
}
