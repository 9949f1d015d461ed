// How a format's releases say which other packages they need, for who turns that around.
import type { InsideDependency } from "./inside.ts";

export interface Dependencies {
  /** Names of files that tell it; one of the first pattern that fits any is read. */
  readonly files: readonly RegExp[];
  /** The packages that are meant: none where it is no package, or nothing that who installs the release must have. Pure, never throws. */
  needs(told: InsideDependency): readonly Needed[];
}

export interface Needed {
  /** Not spelled yet, see `Format.spell`. */
  name: string;
  range: string;
}
