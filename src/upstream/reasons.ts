// Why an exchange failed, in words for people. The codes are those of Bun's fetch and of its resolver.
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

const WORDS: Record<string, string> = {
  ECONNREFUSED: "refused the connection",
  ECONNRESET: "closed the connection before it answered",
  EPIPE: "closed the connection before it answered",
  EHOSTUNREACH: "no route to it",
  ENETUNREACH: "no route to it",
  ETIMEDOUT: "did not answer in time",
  ENOTFOUND: "its name has no address",
  ENODATA: "its name has no address",
  EAI_AGAIN: "its name could not be resolved",
  EPROTO: "the TLS handshake failed; it may not speak TLS on this port",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; is this machine's clock right?",
  Malformed_HTTP_Response: "does not speak HTTP",
  InvalidContentLength: "its content-length is no number",
};

const UNTRUSTED = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
]);

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

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
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

function wordsFor(error: unknown): string {
  const code = codeOf(error);
  if (UNTRUSTED.has(code))
    return `its certificate is not trusted (${code}); \`ca\` names one to trust`;
  if (code.startsWith("ERR_SSL_")) return WORDS["EPROTO"]!;
  if (WORDS[code]) return WORDS[code];
  // URLs may hold secrets in their query.
  const message = error instanceof Error ? error.message.replace(/"?https?:\/\/\S+/g, "…") : "";
  return `the exchange failed (${code || message || "unknown cause"})`;
}
