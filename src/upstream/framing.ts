// How the end of a body is told: by a length, by a last chunk, or only by the end of the connection (RFC 9112 §6.3). Pure.

export interface Framing {
  /** Bytes of the body, where content-length says it. */
  readonly length: number | null;
  /** False where the body lasts until the connection ends: one that was cut looks like a whole one. */
  readonly isDelimited: boolean;
}

type Framed = Pick<Response, "headers" | "body">;

export function framingOf({ headers, body }: Framed): Framing {
  // Null for HEAD, 204 and 304, whatever their content-length says (RFC 9110 §6.4.1).
  if (!body) return { length: null, isDelimited: true };
  const coding = headers.get("transfer-encoding");
  // It overrides a content-length that stands beside it.
  if (coding !== null) return { length: null, isDelimited: /(^|,)\s*chunked\s*$/i.test(coding) };
  // The same number may be written twice. What is no number does not come so far: Bun's fetch refuses it.
  const [length] = (headers.get("content-length") ?? "").split(",");
  return length
    ? { length: Number(length), isDelimited: true }
    : { length: null, isDelimited: false };
}

/** The headers as they are to be read: without a length that is not the body's, and with one that is a single number. */
export function framedHeaders(response: Framed): Headers {
  const { length } = framingOf(response);
  if (!response.body || !response.headers.has("content-length")) return response.headers;
  const framed = new Headers(response.headers);
  if (length === null) framed.delete("content-length");
  else framed.set("content-length", String(length));
  return framed;
}
