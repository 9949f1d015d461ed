// How an upstream is told from anything else that answers: one question that a repository of the format answers in a way of its own.

export interface Probe {
  /** Relative to the upstream's URL, without a leading slash, percent-encoded. */
  path: string;
  /** Sent as Accept. */
  accept?: string;
  /** Whether that is how a repository of the format answers. Never throws. */
  recognises(answer: ProbeAnswer): boolean;
}

export interface ProbeAnswer {
  status: number;
  /** The media type in lower case, without its parameters; empty when none was told. */
  type: string;
  /** The first 64 KiB of the body, as UTF-8. */
  start: string;
}
