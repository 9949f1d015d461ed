// The files of packages, for Contents: read of each package once, in the worker, then kept, and those of some in memory.
import { gunzipSync, gzipSync } from "node:zlib";
import { Problem } from "../../../core/problem.ts";
import type { UnboundRepository } from "../../../core/repository.ts";
import type { AptOptions } from "../options.ts";
import type { PathsOf } from "./compose.ts";
import type { Member } from "./suite-state.ts";

/** In memory, of all packages: some 20 MB. */
const PATHS_IN_MEMORY = 200_000;

/** What is remembered goes as a whole where it is too much: each generation asks for all of it. */
export function createPaths(unbound: Pick<UnboundRepository<AptOptions>, "own">): PathsOf {
  let known = new Map<string, readonly string[]>();
  let count = 0;

  return async (member) => {
    const { sha256 } = member;
    const found = known.get(sha256);
    if (found) return found;
    const paths = (await kept(sha256)) ?? (await read(member));
    if (paths === null) return [];
    count += paths.length + 1;
    if (count > PATHS_IN_MEMORY) {
      known = new Map();
      count = paths.length + 1;
    }
    known.set(sha256, paths);
    return paths;
  };

  async function kept(sha256: string): Promise<string[] | null> {
    const found = await unbound.own().kept(keyOf(sha256));
    return found?.bytes.length ? JSON.parse(gunzipSync(found.bytes).toString()) : null;
  }

  /** Null where there was no time for it now. */
  async function read({ file, sha256 }: Member): Promise<string[] | null> {
    const own = unbound.own();
    let paths: string[] = [];
    try {
      paths = await own.work<string[]>("paths", { what: file }, [sha256]);
    } catch (error) {
      // A package whose files cannot be read is no reason to publish nothing else.
      if (!(error instanceof Problem)) throw error;
      if (!["badRequest", "malformed"].includes(error.kind)) return null;
    }
    await own.keep(keyOf(sha256), gzipSync(JSON.stringify(paths)), { evictable: true });
    return paths;
  }
}

function keyOf(sha256: string): string {
  return `hosted/paths/${sha256}`;
}
