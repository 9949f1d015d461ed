// Who was looked at a moment ago: the grants of credentials that come again and again, by what was sent and where from. A header that holds a password is kept as
// a digest, with a key of this process, and as it came for a second: what is found in its memory later opens nothing elsewhere.
import { hash, randomBytes } from "node:crypto";
import type { Grant } from "../core/grant.ts";

/** Past it all are forgotten, and looked at again as they come. */
const MOST = 10_000;
/** A header with a password is kept as it came no longer than requests that repeat are: a digest for each of them is a tenth of what they cost. */
const AS_IT_CAME_MS = 1_000;
/** For how long a password that was right is known to be no guess. */
const PROVEN_MS = 60 * 60_000;

interface Entry {
  grant: Grant;
  until: number;
}

export interface Known {
  find(header: string, address: string): Grant | undefined;
  /** A number that another one takes the place of when something is forgotten: what was looked up before must not be remembered after. */
  readonly epoch: number;
  /** `isSecret`: the header holds a password. */
  remember(header: string, address: string, isSecret: boolean, entry: Entry): void;
  /** Of one token, or all. */
  forget(token?: string): void;
  /** The password of this header was right, as `stored` shows. Outlives `forget`. */
  prove(header: string, stored: string): void;
  /** Whether it was shown to be right a while ago, and is still stored in the same way. */
  isProven(header: string, stored: string | null | undefined): boolean;
}

export function createKnown(now: () => number): Known {
  const key = randomBytes(32).toString("base64");
  // On the path of each request. In one call, since the objects of createHmac cost more than the digest; nobody sees it, who could lengthen it.
  const digestOf = (header: string) => hash("sha256", key + header, "base64");
  /** By Authorization header, then by address. */
  let tokens = new Map<string, Map<string, Entry>>();
  let passwords = new Map<string, Map<string, Entry>>();
  /** Some of `passwords`, by the header itself. */
  const recent = new Map<string, Map<string, Entry>>();
  let count = 0;
  let epoch = 0;
  const proven = new Map<string, { stored: string; until: number }>();

  function ofPassword(header: string): Map<string, Entry> | undefined {
    if (passwords.size === 0 || !/^\s*basic/i.test(header)) return undefined;
    const found = passwords.get(digestOf(header));
    if (found === undefined) return undefined;
    if (recent.size === 0) setTimeout(() => recent.clear(), AS_IT_CAME_MS).unref();
    recent.set(header, found);
    return found;
  }

  function clear(): void {
    recent.clear();
    tokens = new Map();
    passwords = new Map();
    count = 0;
  }

  return {
    find(header, address) {
      const found = tokens.get(header) ?? recent.get(header) ?? ofPassword(header);
      const entry = found?.get(address);
      return entry !== undefined && now() < entry.until ? entry.grant : undefined;
    },
    get epoch() {
      return epoch;
    },
    remember(header, address, isSecret, entry) {
      if (count >= MOST) clear();
      const all = isSecret ? passwords : tokens;
      const of = isSecret ? digestOf(header) : header;
      const places = all.get(of) ?? new Map<string, Entry>();
      if (!places.has(address)) count += 1;
      all.set(of, places.set(address, entry));
    },
    forget(token) {
      epoch += 1;
      if (token === undefined) return clear();
      for (const [header, places] of tokens)
        for (const { grant } of places.values())
          if (grant.principal.token?.id === token) {
            tokens.delete(header);
            count -= places.size;
            break;
          }
    },
    prove(header, stored) {
      if (proven.size >= MOST) proven.clear();
      proven.set(digestOf(header), { stored, until: now() + PROVEN_MS });
    },
    isProven(header, stored) {
      const found = stored ? proven.get(digestOf(header)) : undefined;
      return found !== undefined && found.stored === stored && now() < found.until;
    },
  };
}
