// What a client is told of an artifact that is stored: out of memory, from its file, while that comes from where it is kept, or to fetch it there.
import { createHash } from "node:crypto";
import type { Artifact } from "../core/artifact.ts";
import type { CacheStatus, FileBody, Reply, SentRelease } from "../core/reply.ts";
import type { Request } from "../core/request.ts";
import type { Blobs } from "../store/blobs.ts";
import { type Fill, HOLD } from "../store/fill.ts";
import { type Afar, sendAfar } from "./afar.ts";
import { isForNow, partial } from "./partial.ts";
import type { Soundness } from "./soundness.ts";

export interface StoredArtifact {
  sha256: string;
  size: number;
  /** In memory when small, else in the blob's file. Null where clients are sent to where it is kept, and while it comes from there. */
  body: Uint8Array | FileBody | null;
  /** To be read along while it comes. */
  coming?: Fill;
  /** When its file was last seen to be there. */
  seenAt: number;
  /** When its use was last noted; null for what was published here, which stays used or not. */
  usedAt: number | null;
  /** The reply to a hit, shared by all who get it. */
  hit?: Reply;
}

export interface StoredReplyDeps {
  blobs: Blobs;
  soundness: Soundness;
  afar?: Afar;
}

export function createStoredReplies({ blobs, soundness, afar }: StoredReplyDeps) {
  /** Null where what is stored proves to be something else. */
  async function of(
    artifact: Artifact,
    stored: StoredArtifact,
    request: Request,
  ): Promise<Reply | null> {
    const { coming, sha256 } = stored;
    if (coming) return along(artifact, stored, coming, request);
    if (!afar || stored.body !== null) return hit(artifact, stored);
    return { ...(await sendAfar(afar, artifact, sha256, request)), ...releaseOf(artifact) };
  }

  /** What is stored, while it comes to this machine; null where it proves to be something else. */
  async function along(
    artifact: Artifact,
    stored: StoredArtifact,
    fill: Fill,
    request: Request,
  ): Promise<Reply | null> {
    const { sha256, size } = stored;
    const part = isForNow(request) ? null : await partial(request, { fill, size }, () => {});
    if (part) {
      const { headers, ...reply } = whole(artifact, stored, { hit: true });
      const { status, body } = part;
      return { ...reply, status, body, ranges: false, headers: { ...headers, ...part.headers } };
    }
    const body = await openLarge(sha256, size);
    return body && hit(artifact, { ...stored, body });
  }

  /** Null when the bytes are lost or false. */
  function open(sha256: string, size: number): Promise<Uint8Array | FileBody | null> {
    return size <= HOLD ? readSmall(sha256) : openLarge(sha256, size);
  }

  async function readSmall(sha256: string): Promise<Uint8Array | null> {
    if ((await blobs.local(sha256)) === null) return null;
    const bytes = await blobs.read(sha256);
    if (createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
    return (await soundness.condemn(sha256)) ? readSmall(sha256) : null;
  }

  async function openLarge(sha256: string, size: number): Promise<FileBody | null> {
    const path = await blobs.local(sha256);
    return path !== null && (await soundness.admit(sha256)) ? { path, size } : null;
  }

  return { of, open };
}

export function headersOf(artifact: Artifact): Record<string, string> {
  return {
    "content-type": artifact.contentType,
    "content-disposition": "attachment", // never shown as a page of ours, under the name that it has in the URL
    "cache-control": "public, max-age=31536000, immutable",
    ...artifact.headers,
  };
}

/** What has no version is an index, and no release. */
export function releaseOf({ package: name, version }: Artifact): { release?: SentRelease } {
  return version === "" ? {} : { release: { package: name, version } };
}

function hit(artifact: Artifact, stored: StoredArtifact): Reply {
  // The same file is always asked for in the same way, but for formats that let a client choose the type.
  if (stored.hit?.headers["content-type"] !== artifact.contentType)
    stored.hit = { ...whole(artifact, stored, { hit: true }), isShared: true };
  return stored.hit!;
}

export function whole(artifact: Artifact, stored: StoredArtifact, cache: CacheStatus): Reply {
  return {
    status: 200,
    headers: headersOf(artifact),
    body: stored.body,
    etag: stored.sha256,
    ...releaseOf(artifact),
    ranges: true,
    cache,
  };
}
