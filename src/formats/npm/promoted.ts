// A release that comes from another repository brings its tag along where it was the latest one there.
import type { PackageState } from "./hosted.ts";

/** See `Format.promoted`. */
export function promotedState(
  before: Record<string, unknown>,
  from: Record<string, unknown>,
  version: string,
): Record<string, unknown> {
  const { tags: here = {}, maintainers = [] } = before as PackageState;
  const { tags: there = {}, maintainers: theirs = [] } = from as PackageState;
  const own = Object.entries(there).filter(([, named]) => named === version);
  return {
    ...before,
    tags: { latest: version, ...here, ...Object.fromEntries(own) },
    maintainers: maintainers.length > 0 ? maintainers : theirs,
  };
}
