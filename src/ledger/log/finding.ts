// What an audit of the log finds.
import type { LoggedRow } from "./leaf.ts";

/**
 * `files`: of the log itself. `missing`, `returned`, `edited`, `unlogged`: rows that are not what the log says. `rewritten`, `clock`: what
 * the log says, and what cannot have come about as it should.
 */
export interface Finding {
  kind: "files" | "missing" | "returned" | "edited" | "unlogged" | "rewritten" | "clock";
  /** For people, without a final period. */
  text: string;
  /** What as a further leaf makes log and catalog say the same; null where no leaf does. */
  repair: LoggedRow | null;
}

export interface Audited {
  leaves: number;
  rows: number;
  findings: number;
  /** The last time that an operator took things as they are: what the log tells of before that is no finding. */
  accepted: { at: number; leaf: number } | null;
}
