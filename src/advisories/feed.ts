// Where a feed of advisories is read from.
import type { Upstream } from "../core/upstream.ts";
import type { Folder } from "../store/folder.ts";

/** Where the records of one feed come from. */
export type FeedSource =
  /** `path`: of the ecosystem's folder in the bucket, with a slash at its end. */
  | { kind: "bucket"; upstream: Upstream; path: string }
  | { kind: "packagist"; upstream: Upstream }
  | { kind: "folder"; folder: Folder };

export interface Feed {
  name: string;
  source: FeedSource;
  /** Milliseconds between two readings. */
  everyMs: number;
}
