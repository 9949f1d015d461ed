// Memory that many share: how much of it is taken, who waits for some, and who is sent away.
import { Problem } from "../core/problem.ts";

/** One user's part. */
export interface Share {
  /**
   * Resolves when `bytes` more may be held. Throws Problem("busy") when there was no room for too long, and Problem("tooLarge") when there
   * never can be.
   */
  take(bytes: number): Promise<void>;
  /** Gives everything back. What is taken later is refused: nobody would give that back. */
  close(): void;
}

export interface Budget {
  /** Bytes. */
  readonly used: number;
  /** `expected`: how much it will take in all, as far as is known. */
  open(expected?: number): Share;
}

interface Owner {
  held: number;
  expected: number;
  /** It takes nothing any more. */
  isClosed: boolean;
}

interface Waiter {
  bytes: number;
  owner: Owner;
  grant(): void;
  refuse(): void;
}

/** Each has one piece in its hands already, so they are not many. */
export const WAITING = 100;
/** A share up to here is small: what one project asks about. Bytes. */
const SMALL = 256 * 1024;
/** Of the whole, what larger ones may fill: they do not shut out small ones. */
const FOR_LARGE = 0.75;

/** `total` in bytes; `waitMs`: how long it is waited for room. */
export function createBudget(total: number, waitMs: number): Budget {
  let used = 0;
  /** In the order in which they came. */
  const waiting = new Set<Waiter>();
  const holders = new Set<Owner>();

  const capacity = (bytes: number, { held, expected }: Owner) =>
    Math.max(held + bytes, expected) <= SMALL ? total : total * FOR_LARGE;
  const fits = (bytes: number, owner: Owner) => used + bytes <= capacity(bytes, owner);

  function hold(bytes: number, owner: Owner): void {
    used += bytes;
    owner.held += bytes;
    holders.add(owner);
  }

  function settle(): void {
    for (const one of waiting) if (fits(one.bytes, one.owner)) one.grant();
    // Who waits without holding anything is in nobody's way.
    let stuck: Waiter | null = null;
    let count = 0;
    for (const one of waiting)
      if (one.owner.held > 0) {
        stuck = one;
        count += 1;
      }
    if (stuck && count === holders.size && count > 1) stuck.refuse();
  }

  return {
    get used() {
      return used;
    },
    open(expected = 0) {
      const owner: Owner = { held: 0, expected, isClosed: false };
      let waiter: Waiter | null = null;

      function wait(bytes: number): Promise<void> {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const timer = setTimeout(() => refuse(), waitMs);
        const leave = () => {
          clearTimeout(timer);
          waiting.delete(own);
          waiter = null;
        };
        const refuse = () => {
          leave();
          reject(busy());
        };
        const own: Waiter = {
          bytes,
          owner,
          grant() {
            leave();
            hold(bytes, owner);
            resolve();
          },
          refuse,
        };
        waiter = own;
        waiting.add(own);
        settle();
        return promise;
      }

      return {
        async take(bytes) {
          if (owner.isClosed) throw busy();
          if (owner.held + bytes > capacity(bytes, owner))
            throw new Problem(
              "tooLarge",
              `The request's body is larger than this server has memory for (requests.memory is ${total} bytes)`,
            );
          if (fits(bytes, owner)) hold(bytes, owner);
          else if (waiting.size >= WAITING) throw busy();
          else await wait(bytes);
        },
        close() {
          owner.isClosed = true;
          waiter?.refuse();
          used -= owner.held;
          owner.held = 0;
          holders.delete(owner);
          settle();
        },
      };
    },
  };
}

function busy(): Problem {
  return new Problem(
    "busy",
    "There is no memory for this request's body at the moment (requests.memory)",
  );
}
