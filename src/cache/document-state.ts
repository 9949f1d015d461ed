// What is known of one document: its row in the catalog, as it stands in memory.
import { createHash } from "node:crypto";
import type { Overlay, Source } from "../core/document.ts";
import type { CacheStatus } from "../core/reply.ts";

/** Documents above this are parsed in the worker, so that none holds up the loop. Bytes, uncompressed. */
export const INLINE_LIMIT = 400 * 1024;

export interface DocumentState {
  status: 200 | 404;
  received: string | null;
  blob: string | null;
  size: number;
  storedSize: number;
  etag: string | null;
  lastModified: string | null;
  upstream: string;
  overlay: Overlay;
  /** Changes whenever a view of it may change. */
  digest: string;
  checkedAt: number;
  freshUntil: number;
  changedAt: number;
  /** Why the last refresh brought nothing, and until when that is not tried again. In memory only. */
  trouble?: {
    detail: NonNullable<CacheStatus["detail"]>;
    message: string;
    at: number;
    until: number;
  };
  /** The parsed document, while the request that fetched it still needs it. */
  source?: Source;
}

/** What a document is known by to its views. */
export function digestOf(blob: string | null, overlay: Overlay): string {
  const marks =
    Object.keys(overlay).length > 0
      ? createHash("sha256").update(JSON.stringify(overlay)).digest("hex")
      : "";
  return `${blob ?? ""}${marks}`;
}
