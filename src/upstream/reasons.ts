// Why an exchange failed, for people and for the breaker.
import { codeOf, wordsFor } from "../core/connection.ts";
import { isOutOfHandles, NO_HANDLES } from "../core/shortage.ts";
import { areHandlesSpent } from "./handles.ts";

export interface Reason {
  /** Follows "<host>: ". */
  text: string;
  kind: ReasonKind;
}

/**
 * `absent`: nobody is there, so that one failure is enough for the breaker. `reset`: nothing was heard on this connection, which may have
 * been a stale one. `silent`: nothing came until the timeout. `ours`: the fault is here, and says nothing about the upstream.
 */
export type ReasonKind = "absent" | "reset" | "silent" | "ours" | "other";

/** With these nothing was sent yet. */
export const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "ENODATA",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
]);
const ABSENT = new Set(["ECONNREFUSED", "ENOTFOUND", "ENODATA", "EAI_AGAIN"]);

/** What an exchange is aborted with when its timer runs out. */
export class Silence extends Error {
  constructor(ms: number) {
    super(`did not answer within ${ms / 1000} s`);
  }
}

/** What the proxy did. Without words of its own, the code of its cause says it. */
export class ProxyFailure extends Error {
  readonly code: string;
  readonly words: string | null;
  constructor(words: string | null, cause?: unknown) {
    super(words ?? "The proxy failed", { cause });
    this.code = codeOf(cause);
    this.words = words;
  }
}

export function reasonOf(error: unknown): Reason {
  const code = codeOf(error);
  if (isOutOfHandles(code) || (ABSENT.has(code) && areHandlesSpent()))
    return { text: NO_HANDLES, kind: "ours" };
  if (error instanceof ProxyFailure)
    return {
      text: `its proxy: ${error.words ?? wordsFor(error.cause)}`,
      kind: ABSENT.has(code) ? "absent" : "other",
    };
  if (error instanceof Silence) return { text: error.message, kind: "silent" };
  return { text: wordsFor(error), kind: kindOf(code) };
}

function kindOf(code: string): ReasonKind {
  if (ABSENT.has(code)) return "absent";
  return code === "ECONNRESET" || code === "EPIPE" ? "reset" : "other";
}
