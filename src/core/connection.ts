// Why a connection failed, in words for people. The codes are those of Bun's fetch, of its sockets and of its resolver.

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

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** Follows "<host>: ", or "cannot be reached: ". */
export function wordsFor(error: unknown): string {
  const code = codeOf(error);
  if (UNTRUSTED.has(code))
    return `its certificate is not trusted (${code}); \`ca\` names one to trust`;
  if (code.startsWith("ERR_SSL_")) return WORDS["EPROTO"]!;
  if (WORDS[code]) return WORDS[code];
  // URLs may hold secrets in their query.
  const message = error instanceof Error ? error.message.replace(/"?https?:\/\/\S+/g, "…") : "";
  return `the exchange failed (${code || message || "unknown cause"})`;
}
