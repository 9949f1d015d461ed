// What a page shows once, after the form that made it was sent: kept in memory until then, so that loading the page again makes nothing again and shows nothing.
import { randomBytes } from "node:crypto";

/** A browser follows within seconds; one that never does leaves nothing behind. */
const LIFE_MS = 60_000;
const MOST = 1_000;

export interface OneTime {
  /** Keeps it for this user, and returns what it is fetched with. */
  put(user: string, text: string): string;
  /** Null once it was taken, for somebody else, and after a minute. */
  take(user: string, key: string): string | null;
}

export function createOneTime(now: () => number): OneTime {
  const kept = new Map<string, { user: string; text: string; until: number }>();
  return {
    put(user, text) {
      for (const [key, { until }] of kept) if (until <= now()) kept.delete(key);
      if (kept.size >= MOST) kept.clear();
      const key = randomBytes(16).toString("base64url");
      kept.set(key, { user, text, until: now() + LIFE_MS });
      return key;
    },
    take(user, key) {
      const found = kept.get(key);
      if (!found || found.user !== user) return null;
      kept.delete(key);
      return now() < found.until ? found.text : null;
    },
  };
}
