// The origins that one upstream leads to. Each has a breaker of its own, so that a dead file host does not silence the index beside it.
import type { Found } from "./breaker.ts";
import type { Hop } from "./hops.ts";
import { createOrigin, type Origin, type OriginSettings } from "./origin.ts";
import type { UpstreamDeps } from "./settings.ts";

export interface Origins {
  /** That of the upstream's own URL. */
  readonly home: Origin;
  of(url: URL): Origin;
  close(): void;
}

/** How many are remembered; only a wildcard in `hosts` can lead to more. */
const LIMIT = 100;

export function createOrigins(
  base: URL,
  settings: Omit<OriginSettings, "entrance" | "probe">,
  probe: (origin: Origin, hop: Hop) => Promise<Found>,
  deps: UpstreamDeps,
): Origins {
  const origins = new Map<string, Origin>();

  function of(url: URL): Origin {
    const known = origins.get(url.origin);
    if (known) return known;
    const [, oldest = ""] = origins.keys(); // the first one is home
    if (origins.size >= LIMIT) {
      origins.get(oldest)?.close();
      origins.delete(oldest);
    }
    const entrance = url.origin === base.origin ? base : new URL(url.origin);
    const origin: Origin = createOrigin(
      url,
      { ...settings, entrance, probe: (hop) => probe(origin, hop) },
      deps,
    );
    origins.set(url.origin, origin);
    return origin;
  }

  const home = of(base);
  return {
    home,
    of,
    close() {
      for (const origin of origins.values()) origin.close();
    },
  };
}
