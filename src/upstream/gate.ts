// How many exchanges run at a time; the others wait in the order they came.

export interface Gate {
  /** Resolves to the function that leaves again, which may be called twice. Rejects with the signal's reason when aborted in line. */
  enter(signal?: AbortSignal): Promise<() => void>;
}

export function createGate(places: number): Gate {
  let free = places;
  const line = new Set<() => void>();

  function leave() {
    const [next] = line;
    if (!next) {
      free += 1;
      return;
    }
    line.delete(next);
    next();
  }

  function once(): () => void {
    let left = false;
    return () => {
      if (!left) leave();
      left = true;
    };
  }

  return {
    enter(signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (free > 0) {
        free -= 1;
        return Promise.resolve(once());
      }
      return new Promise((resolve, reject) => {
        const admitted = () => {
          signal?.removeEventListener("abort", aborted);
          resolve(once());
        };
        const aborted = () => {
          line.delete(admitted);
          reject(signal?.reason);
        };
        line.add(admitted);
        signal?.addEventListener("abort", aborted, { once: true });
      });
    },
  };
}
