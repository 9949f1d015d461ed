// One call for all who ask the same thing at the same time. RFC 9211 calls them collapsed.

export interface Collapse<T> {
  /** The running call of that key, or a new one. `collapsed` tells whether it was running before, `forMs` for how long. */
  run(key: string, call: () => Promise<T>): Running<T>;
}

export interface Running<T> {
  result: Promise<T>;
  collapsed: boolean;
  forMs: number;
}

export function createCollapse<T>(): Collapse<T> {
  const running = new Map<string, { result: Promise<T>; since: number }>();
  return {
    run(key, call) {
      const found = running.get(key);
      if (found)
        return { result: found.result, collapsed: true, forMs: performance.now() - found.since };
      const result = call().finally(() => running.delete(key));
      running.set(key, { result, since: performance.now() });
      return { result, collapsed: false, forMs: 0 };
    },
  };
}
