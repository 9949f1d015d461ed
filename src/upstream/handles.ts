// Whether this process may open anything more.
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { isOutOfHandles } from "../core/shortage.ts";

/** A look at a name's addresses takes about so many. */
const NEEDED = 4;

/**
 * True when the limit of open files is reached, or nearly. Without a free one Bun says of a name that it has no address, and of a socket that
 * it was refused: only this tells whose fault that is.
 */
export function areHandlesSpent(): boolean {
  const held: number[] = [];
  try {
    while (held.length < NEEDED) held.push(openSync(devNull, "r"));
    return false;
  } catch (error) {
    return isOutOfHandles((error as NodeJS.ErrnoException).code);
  } finally {
    for (const handle of held) closeSync(handle);
  }
}
