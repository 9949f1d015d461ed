// What the client of a checksum database needs of the world.

/** What the client needs of the world. Keys and paths are relative to the database. */
export interface Operations {
  /** The database's bytes at "lookup/…", "tile/…" or "latest"; null when it says that there are none. Throws a Problem. */
  fetch(path: string, module: string | null): Promise<Uint8Array | null>;
  stored(key: string): Promise<Uint8Array | null>;
  store(key: string, bytes: Uint8Array | string): Promise<void>;
  /** Stores in place of `previous` (null: of none), and says whether that was still the one stored. */
  swap(key: string, bytes: Uint8Array, previous: Uint8Array | null): Promise<boolean>;
  /** Another number when another server may have stored something. */
  heard(): number | null;
  /** Two signed trees, of which neither begins with the other. Told once; the client is frozen by then. */
  forked(evidence: Fork): void;
  now(): number;
}

export interface Fork {
  older: string;
  newer: string;
  /** Base64: the hash that the newer tree has for as many records as the older one holds, and the proof of it. */
  hash: string;
  proof: string[];
  at: string;
}
