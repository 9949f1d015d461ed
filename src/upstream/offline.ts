// The network that is switched off. An upstream that always throws is all that offline means.
import { Problem } from "../core/problem.ts";
import type { Upstream } from "../core/upstream.ts";

export function offline(): Upstream {
  return {
    async fetch({ path }) {
      // What follows a "?" may be long, or somebody's.
      const what = path.replace(/[?#].*$/s, "");
      throw new Problem("offline", `This server runs offline, and ${what} is not stored here`);
    },
    unavailable: () => "offline",
  };
}
