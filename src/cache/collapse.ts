// One call for all who ask the same thing at the same time. RFC 9211 calls them collapsed.

export interface Collapse<T> {
  /** The running call of that key, or a new one. `collapsed` tells whether it was running before. */
  run(key: string, call: () => Promise<T>): { result: Promise<T>; collapsed: boolean };
}

export function createCollapse<T>(): Collapse<T> {
  const running = new Map<string, Promise<T>>();
  return {
    run(key, call) {
      const found = running.get(key);
      if (found) return { result: found, collapsed: true };
      const result = call().finally(() => running.delete(key));
      running.set(key, result);
      return { result, collapsed: false };
    },
  };
}
