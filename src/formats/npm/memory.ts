// What is remembered of one repository while the server runs. Nothing here outlives it, and only an order of asking hangs on it.

const NAMES_LIMIT = 20_000;

export interface NpmMemory {
  /** Of keys.ts: what is being asked, and when asking in vain may be repeated. */
  readonly keys: { refresh: Promise<void> | null; notBefore: number };
  /** Names whose packument was served since the start. */
  readonly packuments: { note(name: string): void; has(name: string): boolean };
}

export function createMemory(): NpmMemory {
  const names = new Set<string>(); // oldest first
  return {
    keys: { refresh: null, notBefore: 0 },
    packuments: {
      note(name) {
        names.delete(name);
        names.add(name);
        if (names.size > NAMES_LIMIT) names.delete(names.values().next().value!);
      },
      has: (name) => names.has(name),
    },
  };
}
