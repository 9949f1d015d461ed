// What doctor found of one thing.

/** One line of the report. */
export interface Finding {
  state: "good" | "warning" | "bad" | "skipped";
  subject: string;
  text: string;
  /** How to mend it. */
  hint?: string;
}
