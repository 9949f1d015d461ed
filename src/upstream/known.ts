// What an origin answered well of late: asked for again to find out whether it answers at all.
import type { Hop } from "./hops.ts";

export interface Known {
  remember(hop: Hop): void;
  /** In turn; null once in each round, for one of them may have gone bad, or all. */
  nth(nth: number): Hop | null;
  /** One whose URL is none of these, or else the entrance. */
  beside(urls: ReadonlySet<string>): Hop;
}

const LIMIT = 4; // one more than may be under suspicion together

export function createKnown(entrance: URL): Known {
  let hops: Hop[] = [];
  return {
    remember(hop) {
      if (hops[0]?.url.href === hop.url.href) return;
      hops = [hop, ...hops.filter(({ url }) => url.href !== hop.url.href)].slice(0, LIMIT);
    },
    nth: (nth) => hops[nth % (hops.length + 1)] ?? null,
    beside: (urls) =>
      hops.find(({ url }) => !urls.has(url.href)) ?? {
        url: entrance,
        method: "GET",
        headers: { "accept-encoding": "gzip" },
        body: undefined,
      },
  };
}
