// The network that is switched off. An upstream that always throws is all that offline means.
import { Problem } from "../core/problem.ts";
import type { Upstream } from "../core/upstream.ts";

export function offline(): Upstream {
  return {
    async fetch() {
      throw new Problem("offline", "This server runs offline, and this is not stored here");
    },
    unavailable: () => "offline",
  };
}
