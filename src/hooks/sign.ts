// How webhooks are signed: Standard Webhooks 1.0, symmetric. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
import { createHmac } from "node:crypto";

const PREFIX = "whsec_";

/** The headers of one try. `secret`: `whsec_` and base64, or any text; null: it is not signed. */
export function webhookHeaders(
  id: string,
  body: string,
  secret: string | null,
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp };
  if (secret === null) return headers;
  const mac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`);
  return { ...headers, "webhook-signature": `v1,${mac.digest("base64")}` };
}

/** What is signed with. */
export function keyOf(secret: string): Buffer {
  return secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), "base64")
    : Buffer.from(secret);
}
