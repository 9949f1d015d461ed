// Guessing is made slow, for whoever guesses and for no one else: nobody can lock out somebody else, and nobody is locked out for ever.
import { Problem } from "../core/problem.ts";

/** Failures that cost nothing: people mistype. */
const FREE = 3;
const LONGEST_MS = 60_000;
/** From one address, of whatever accounts. */
const FREE_BY_ADDRESS = 20;
/** Of one account, from wherever: guesses from everywhere are told apart from the owner by nothing, so that all of them wait a little, and none is refused. */
const FREE_BY_ACCOUNT = 50;
const BY_ACCOUNT_MS = 1_000;
/** All is forgiven after so long without a failure. */
const MEMORY_MS = 15 * 60_000;
const MOST = 20_000;

interface Failures {
  count: number;
  lastAt: number;
  /** Tries before that are refused unseen. */
  until: number;
}

export interface Throttle {
  /** Throws Problem("tooMany") when this one must come again later; otherwise how many milliseconds it is to be kept waiting. */
  check(account: string, address: string): number;
  failed(account: string, address: string): void;
  succeeded(account: string, address: string): void;
}

export function createThrottle(now: () => number): Throttle {
  const memory = new Map<string, Failures>();
  const rules = (account: string, address: string) => [
    { key: `${account}\0${address}`, free: FREE, longest: LONGEST_MS },
    { key: `\0${address}`, free: FREE_BY_ADDRESS, longest: LONGEST_MS },
  ];
  const ofAccount = (account: string) => `${account}\0`;

  function current(key: string): Failures | null {
    const found = memory.get(key);
    if (!found) return null;
    // An end that is further off was set before the clock was put back.
    const isOld = now() - found.lastAt > MEMORY_MS || found.until - now() > LONGEST_MS;
    if (isOld) memory.delete(key);
    return isOld ? null : found;
  }

  return {
    check(account, address) {
      for (const { key } of rules(account, address)) {
        const left = (current(key)?.until ?? 0) - now();
        if (left <= 0) continue;
        const seconds = Math.ceil(left / 1000);
        throw new Problem(
          "tooMany",
          `Too many log-ins failed: try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`,
          { rule: "login", detail: { retryAfter: seconds } },
        );
      }
      return (current(ofAccount(account))?.count ?? 0) >= FREE_BY_ACCOUNT ? BY_ACCOUNT_MS : 0;
    },
    failed(account, address) {
      const everywhere = { key: ofAccount(account), free: Number.POSITIVE_INFINITY, longest: 0 };
      for (const { key, free, longest } of [...rules(account, address), everywhere]) {
        const count = (current(key)?.count ?? 0) + 1;
        const wait = count < free ? 0 : Math.min(longest, 1000 * 2 ** (count - free));
        memory.delete(key); // to the end: the oldest go first
        memory.set(key, { count, lastAt: now(), until: now() + wait });
      }
      for (const key of memory.keys()) {
        if (memory.size <= MOST) break;
        memory.delete(key);
      }
    },
    succeeded(account, address) {
      memory.delete(`${account}\0${address}`);
    },
  };
}
