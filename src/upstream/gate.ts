// How many exchanges run at a time; the others wait in the order they came. What may take long leaves places to what is short.

export interface Visit {
  /** May take long: not all places are for such. */
  isLong?: boolean | undefined;
  /** Ends it when it is aborted in line. */
  signal?: AbortSignal | undefined;
  /** Whether somebody still waits for it. Always, without it. */
  isWanted?: (() => boolean) | undefined;
  /** Called when its place is needed and nobody wants it: it is to leave. */
  giveUp?: (() => void) | undefined;
}

export interface Gate {
  /** Resolves to the function that leaves again, which may be called twice. Rejects with the signal's reason when aborted in line. */
  enter(visit?: Visit): Promise<() => void>;
  /** Whether anybody is inside, or in line. */
  isBusy(): boolean;
}

/** How often those inside are looked at while others wait in line. */
const LOOK_MS = 1_000;

/** `shortPlaces` of the places are not for long visits. */
export function createGate(places: number, shortPlaces = 0): Gate {
  /** In the order they came. */
  const inside = new Set<Visit>();
  const line = new Map<Visit, () => void>();
  let long = 0;
  let look: ReturnType<typeof setInterval> | null = null;

  function mayEnter({ isLong }: Visit): boolean {
    return inside.size < places && !(isLong && long >= places - shortPlaces);
  }

  function admit(visit: Visit): () => void {
    inside.add(visit);
    if (visit.isLong) long += 1;
    return () => {
      if (!inside.delete(visit)) return;
      if (visit.isLong) long -= 1;
      advance();
    };
  }

  function advance() {
    for (const [visit, enter] of line)
      if (mayEnter(visit)) {
        line.delete(visit);
        enter();
      }
    watch();
  }

  /** One leaves for each who waits, those first who came first: they had the most time. */
  function makeRoom() {
    let wanted = line.size;
    for (const visit of inside) {
      if (wanted === 0) return;
      if (!visit.giveUp || visit.isWanted?.() !== false) continue;
      visit.giveUp();
      wanted -= 1;
    }
  }

  /** Clients leave without a word to those in line. */
  function watch() {
    if (line.size > 0) {
      look ??= setInterval(makeRoom, LOOK_MS);
      look.unref();
    } else if (look) {
      clearInterval(look);
      look = null;
    }
  }

  return {
    isBusy: () => inside.size + line.size > 0,
    enter(visit = {}) {
      const { signal } = visit;
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (mayEnter(visit)) return Promise.resolve(admit(visit));
      return new Promise((resolve, reject) => {
        const aborted = () => {
          line.delete(visit);
          watch();
          reject(signal?.reason);
        };
        line.set(visit, () => {
          signal?.removeEventListener("abort", aborted);
          resolve(admit(visit));
        });
        signal?.addEventListener("abort", aborted, { once: true });
        watch();
        makeRoom();
      });
    },
  };
}
