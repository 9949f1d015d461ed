// All mirrors of a server: one for each URL, at which one fetch is at work at a time.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceMatch } from "../core/source.ts";
import { mirrorName, reachOf } from "./address.ts";
import {
  type Fetched,
  fetchMirror,
  lastListing,
  type MirrorBounds,
  mirrorBounds,
  mirrorDirectory,
} from "./mirror.ts";
import { type MirrorReader, readMirror } from "./read.ts";
import { createSandbox, type SandboxOptions } from "./sandbox.ts";

export interface Mirrors {
  /**
   * Asks the code host for all that is new. Null when nothing is: `last` is what `Fetched.listing` was before. Throws Problems that say why there is nothing new: "notFound" when
   * the code host knows no such repository.
   */
  fetch(match: SourceMatch, last: string | null, signal?: AbortSignal): Promise<Fetched | null>;
  /** Whether anything of it was ever had. */
  has(url: string): boolean;
  /** Whether it was had, and is not what a code host had when it said `listing`. */
  isBehind(url: string, listing: string): Promise<boolean>;
  read(url: string): MirrorReader;
}

export interface MirrorOptions extends Partial<MirrorBounds>, Omit<SandboxOptions, "home"> {
  /** Where other processes have the same folder: does `work` while none of them works under this name. */
  inTurn?<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export function openMirrors(
  /** Made when it is needed. */
  root: string,
  options: MirrorOptions = {},
): Mirrors {
  const { inTurn = (_, work) => work() } = options;
  const home = join(root, "home");
  const sandbox = createSandbox({ ...options, home });
  /** The last fetch of each URL. */
  const busy = new Map<string, Promise<unknown>>();
  const folderOf = (url: string) => join(root, mirrorName(url));

  function writeIn(folder: string) {
    return (name: string, text: string) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
  }

  return {
    async fetch({ url, settings }, last, signal) {
      mkdirSync(home, { recursive: true, mode: 0o700 });
      const folder = folderOf(url);
      const before = busy.get(url) ?? Promise.resolve();
      const done = before
        .catch(() => {})
        .then(() => {
          const bounds = {
            ...mirrorBounds,
            ...options,
            size: Math.min(settings.limit, options.size ?? settings.limit),
          };
          const reach = reachOf(url, settings, writeIn(folder));
          const bring = () => fetchMirror(sandbox, { folder, url, last }, reach, bounds, signal);
          return inTurn(`mirror ${mirrorName(url)}`, bring, signal);
        });
      busy.set(url, done);
      try {
        return await done;
      } finally {
        if (busy.get(url) === done) busy.delete(url);
      }
    },
    has: (url) => existsSync(mirrorDirectory(folderOf(url))),
    async isBehind(url, listing) {
      const folder = folderOf(url);
      return existsSync(mirrorDirectory(folder)) && (await lastListing(folder)) !== listing;
    },
    read(url) {
      mkdirSync(home, { recursive: true, mode: 0o700 });
      return readMirror(sandbox, folderOf(url));
    },
  };
}
