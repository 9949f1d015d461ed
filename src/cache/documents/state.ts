// What is known of one stored document: its row in the catalog, as it stands in memory.
import { createHash } from "node:crypto";
import type { DocumentRef, Overlay, Source } from "../../core/document.ts";
import { memo } from "../../core/memo.ts";

/** Documents above this are parsed in the worker, so that none holds up the loop. Bytes, uncompressed. */
export const INLINE_LIMIT = 400 * 1024;

export interface DocumentState {
  /** Rises with each change but that of freshness. */
  readonly revision: number;
  /** SHA-256 of the bytes as they came; null when the same bytes would be news. */
  readonly received: string | null;
  /** SHA-256 of the gzip that is stored. */
  readonly blob: string;
  readonly size: number;
  readonly storedSize: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly upstream: string;
  /** Where redirects led to it, see `DocumentRef.foundAt`; null when it was where it is asked for. */
  readonly foundAt: string | null;
  readonly overlay: Overlay;
  /** Changes whenever a view of it may change. */
  readonly digest: string;
  readonly checkedAt: number;
  readonly freshUntil: number;
  readonly changedAt: number;
  /** What operators were told of entries that could not be used, see skipped.ts. */
  readonly skipped: readonly string[];
  /** Composed here from what was published, see hosted.ts. `blob` is no file's then. */
  readonly isHosted?: boolean;
  /** See `UpstreamResponse.isCurrent`: in place of `freshUntil`. */
  readonly isCurrent?: (() => boolean) | undefined;
  /** The parsed document, while the request that fetched it still needs it. */
  readonly source?: Source;
}

/** A state to come. */
export type NewState = Omit<DocumentState, "revision" | "digest" | "changedAt" | "source">;

/** What a document is known by to its views. */
export function digestOf(blob: string, overlay: Overlay, foundAt: string | null): string {
  const marks =
    Object.keys(overlay).length > 0
      ? createHash("sha256").update(JSON.stringify(overlay)).digest("hex")
      : "";
  return foundAt === null ? `${blob}${marks}` : `${blob}${marks} ${foundAt}`;
}

/** The reference as the format's functions get it with the bytes of this copy. */
export function placed(ref: DocumentRef, { foundAt }: Pick<DocumentState, "foundAt">): DocumentRef {
  return foundAt === null ? ref : { ...ref, foundAt };
}

/** Names it within its repository. Asked several times of each warm request. */
export const idOf = memo(({ kind, key }: DocumentRef) => `${kind}\0${key}`);
