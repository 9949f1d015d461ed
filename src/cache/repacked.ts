// Upstreams that pack the same content anew: whether a file that is shown with another integrity still holds what it held.
import { compareIntegrity, formatIntegrity, type Integrity } from "../core/integrity.ts";
import type { Upstream } from "../core/upstream.ts";
import { readPin } from "../ledger/pins.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import { collect } from "./collect.ts";
import { contentOf, type ProofDeps } from "./prove.ts";

export interface RepackDeps extends ProofDeps {
  upstream: Upstream;
  blobs: Blobs;
  repository: string;
  database: Database;
}

/** More than this is packed differently: bytes for each byte of the first archive, and some for small ones. */
const GROWTH = 16;
const SMALLEST = 1024 * 1024;

/**
 * True when the bytes at `location` are those that are shown there, and hold the same as those that were pinned. What is fetched for that
 * is not kept. False where the signal ends it.
 */
export type IsRepacked = (
  artifact: { package: string; file: string },
  location: string,
  shown: Integrity | null,
  signal: AbortSignal,
) => Promise<boolean>;

export function createRepackCheck(deps: RepackDeps): IsRepacked {
  return async ({ package: packageName, file }, location, shown, signal) => {
    const key = { repository: deps.repository, package: packageName, file };
    const pin = await readPin(deps.database.read, key);
    if (!pin?.content) return false;
    const headers = { "accept-encoding": "identity" };
    const response = await deps.upstream.fetch({ path: location, headers, signal });
    if (response.status !== 200) {
      await response.discard();
      return false;
    }
    const limit = GROWTH * pin.size + SMALLEST;
    const arrived = await collect(deps.blobs, { file, limit }, response);
    try {
      const digests = formatIntegrity(arrived.digests);
      if (compareIntegrity(shown, digests) === "different") return false;
      return (
        (await contentOf(deps, { package: packageName, version: "", file }, arrived)) ===
        pin.content
      );
    } finally {
      await arrived.incoming?.abandon();
    }
  };
}
