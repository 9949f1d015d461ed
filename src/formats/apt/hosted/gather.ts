// Who publishes at the same time as others is waited for, so that all of them are in one release. Who is alone waits for nobody.

export interface Gather {
  /** Somebody has begun to send what will be published. What it returns is called once that is here, or will not come; again is no harm. */
  coming(): () => void;
  /** Resolves when nobody is on the way, when somebody who waits is not to be kept waiting, or when those on the way are too slow. */
  gathered(isUrgent: () => boolean): Promise<void>;
  /** Somebody more waits. */
  stir(): void;
}

/** Nobody arrived for so long: who is on the way has much to send. Two releases are as far apart in any case. */
const QUIET_MS = 1000;
/** There is no end of them. */
const LONGEST_MS = 10_000;

/** `after`: calls once so many milliseconds have passed, unless what it returns is called before. */
export function createGather(after: (ms: number, call: () => void) => () => void = timer): Gather {
  let onTheWay = 0;
  let next = Promise.withResolvers<void>();

  function stir(): void {
    next.resolve();
    next = Promise.withResolvers();
  }

  return {
    stir,
    coming() {
      onTheWay += 1;
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        onTheWay -= 1;
        stir();
      };
    },
    async gathered(isUrgent) {
      let isLate = false;
      const late = () => {
        isLate = true;
        stir();
      };
      const cancel = after(LONGEST_MS, late);
      while (onTheWay > 0 && !isUrgent() && !isLate) {
        const cancelQuiet = after(QUIET_MS, late);
        await next.promise;
        cancelQuiet();
      }
      cancel();
    },
  };
}

function timer(ms: number, call: () => void): () => void {
  const waiting = setTimeout(call, ms);
  return () => clearTimeout(waiting);
}
