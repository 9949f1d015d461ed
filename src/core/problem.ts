// The one error a request may end in. Each format renders it in its client's dialect.

/**
 * Every way a request can fail, and the status that says so. A new kind is one new line.
 *
 * 424 where a 5xx would be expected: npm retries a 5xx for 71 seconds, while 424 stops npm, pip, uv and go at once and
 * is not taken for "does not exist" by any of them (docs/decisions/0003-no-false-404.md). 503 only where coming again is what helps
 * (docs/decisions/0013-worker-lanes.md).
 */
export const statusOf = {
  badRequest: 400, // what the client sent makes no sense
  unauthenticated: 401,
  forbidden: 403,
  blocked: 403, // policy refuses this release
  notFound: 404, // the upstream said no, or a private name is not here
  methodNotAllowed: 405,
  timeout: 408, // the client did not send what it began to, in the time that it has
  conflict: 409, // that version exists, and versions never change
  tooLarge: 413,
  tooMany: 429, // whoever asks must wait a while: passwords are being guessed
  offline: 424, // no upstream may be asked, and nothing is stored
  unreachable: 424, // the upstream could not be asked, and nothing is stored
  refused: 424, // the upstream answered, but with a refusal (401, 403, 451): not a "no"
  malformed: 424, // the upstream's answer is not what it should be (a login page)
  tampered: 424, // the bytes are not the pinned or published ones
  unfinished: 424, // our own work on it had to be ended: says nothing about what it was done on
  busy: 503, // more waits here than can be done soon: clients come again by themselves, when http/send.ts says
  internal: 500, // a bug of ours; the cause is logged with its stack
  full: 424, // no space left on the device; what is stored is served on
  unusable: 424, // the disk, or what is on it, cannot be read or written: the operator's matter
} as const;

export type ProblemKind = keyof typeof statusOf;

export interface ProblemOptions extends ErrorOptions {
  rule?: string;
  event?: string;
  detail?: Record<string, unknown>;
}

/** An expected failure. `message` is for people, in one sentence without a final period, and names what and where. */
export class Problem extends Error {
  readonly kind: ProblemKind;
  /** The rule that decided it, by its key in the configuration ("claims"), or null: what an operator searches the log for. */
  readonly rule: string | null;
  /** The event that it is told as, when that does not follow from its kind, and what an investigation needs. */
  readonly event: string | null;
  readonly detail: Record<string, unknown> | null;
  constructor(kind: ProblemKind, message: string, options: ProblemOptions = {}) {
    super(message, options);
    this.name = "Problem";
    this.kind = kind;
    this.rule = options.rule ?? (kind === "tampered" ? "integrity" : null);
    this.event = options.event ?? null;
    this.detail = options.detail ?? null;
  }
  get status(): number {
    return statusOf[this.kind];
  }
}

/** True for the failures that say nothing about whether the thing exists. A stored copy outlives all of them. */
export function cannotAsk(error: unknown): error is Problem {
  return (
    error instanceof Problem &&
    [
      "offline",
      "unreachable",
      "refused",
      "tampered",
      "malformed",
      "unfinished",
      "busy",
      "full",
      "unusable",
    ].includes(error.kind)
  );
}

/** True where the failure is this server's: work was not done, or not to its end. It says nothing about the bytes that it was to be done on. */
export function isUndone(error: unknown): boolean {
  return (
    error instanceof Problem && ["unfinished", "busy", "full", "unusable"].includes(error.kind)
  );
}

/** With what it came of, for operators: what is behind a Problem may name users, hosts and files. */
export function inFull(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  if (!(cause instanceof Error) || message.includes(cause.message)) return message;
  return `${message} (${cause.message})`;
}
