// Replies of a repository that another one is built on, as callers of the other one get them.
import type { Reply } from "../core/reply.ts";
import type { Repository } from "../core/repository.ts";

export interface SeenDeps {
  /** Whether the package is still one of that repository. */
  isOf(packageName: string, from: Repository): boolean;
  /** Whether that somebody reads it through this one is to be written down. */
  isPrivate(packageName: string): boolean;
}

/** See `Parts.seen`. A reply that answers many requests is one object here as well, so that http/ prepares it once. */
export function createSeen({ isOf, isPrivate }: SeenDeps) {
  const known = new WeakMap<Reply, Reply>();

  function make(packageName: string, purl: string | null, from: Repository, reply: Reply): Reply {
    const { privateRead, isCurrent, ...rest } = reply;
    const made: Reply = rest;
    // The entity tag of a file is its SHA-256. What lists files is none of its bytes.
    if (purl !== null && isPrivate(packageName))
      made.privateRead = privateRead ?? { package: packageName, purl, digest: reply.etag ?? "" };
    if (rest.release) made.release = { ...rest.release }; // sent by another repository
    if (isCurrent) made.isCurrent = () => reply.isCurrent!() && isOf(packageName, from);
    return made;
  }

  return (packageName: string, purl: string | null, from: Repository, reply: Reply): Reply => {
    if (!reply.isShared) return make(packageName, purl, from, reply);
    const before = known.get(reply);
    const isTold = purl !== null && isPrivate(packageName);
    if (before && (before.privateRead !== undefined) === isTold) return before;
    const made = make(packageName, purl, from, reply);
    known.set(reply, made);
    return made;
  };
}
