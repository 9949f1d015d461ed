// A map that forgets what was used least recently when its contents grow past a bound.

export interface Lru<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, weight: number): void;
  delete(key: string): void;
  clear(): void;
}

/** `capacity` is in the unit of the weights: bytes, or 1 an entry. */
export function createLru<Value>(capacity: number): Lru<Value> {
  const entries = new Map<string, { value: Value; weight: number; moved: number }>();
  let total = 0;
  let clock = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (!entry) return;
    total -= entry.weight;
    entries.delete(key);
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      // Moving an entry on every hit would cost more than the hit: only when much was used since it was moved.
      if (++clock - entry.moved > 64) {
        entries.delete(key);
        entries.set(key, entry);
        entry.moved = clock;
      }
      return entry.value;
    },
    set(key, value, weight) {
      remove(key);
      if (weight > capacity) return;
      entries.set(key, { value, weight, moved: ++clock });
      total += weight;
      for (const oldest of entries.keys()) {
        if (total <= capacity) break;
        remove(oldest);
      }
    },
    delete: remove,
    clear() {
      entries.clear();
      total = 0;
    },
  };
}
