// A file that one server fetches, on its way to others that share the files, before it is proven and has a name.
import type { Fill } from "./fill.ts";

/** How far a file is at who fetches it by now; or under which name it is stored, as the catalog says. */
export type Heard = { id: string; bytes: number } | { sha256: string };

/** A file that another server fetches, as it comes to this one. */
export interface Receiving {
  fill: Fill;
  /** Resolves when it is here, proven to be what is stored; rejects with why it does not come. */
  done: Promise<void>;
}

export interface Relay {
  /**
   * Passes on what may leave of the fill, never its last bytes, until it ends or all its `size` bytes have come, and leaves nothing of that behind. `tell`: how much of `id` others can have
   * by now; false: nobody is to be told any more. What cannot be done now is tried again.
   */
  send(
    fill: Fill,
    size: number | null,
    tell: (id: string, bytes: number) => Promise<boolean>,
  ): Promise<void>;
  /**
   * Takes in what another server sends as `id`, at most `limit` bytes. `hear` is asked again and again: it throws when the file does not come any more, and
   * tells of another `id` where somebody else has begun anew.
   */
  receive(id: string, limit: number, hear: () => Promise<Heard>): Promise<Receiving>;
  /** Removes what servers left that died. `sent`: all that is sent now. */
  sweep(sent: () => Promise<ReadonlySet<string>>): Promise<void>;
}
