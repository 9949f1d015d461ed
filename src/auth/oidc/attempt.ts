// A log-in under way at another system. All of it follows from one secret that only the browser which began it has, in a cookie: nothing is
// stored for strangers, and who is lured into another's log-in has no such cookie. RFC 9700 §4.7
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Attempt } from "./provider.ts";

const SECRET = /^[A-Za-z0-9_-]{43}$/;

export function newAttemptSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Null for what is no secret of ours. */
export function attemptOf(secret: string): Attempt | null {
  if (!SECRET.test(secret)) return null;
  const part = (name: string) => createHmac("sha256", secret).update(name).digest("base64url");
  return { state: part("state"), nonce: part("nonce"), verifier: part("verifier") };
}

export function isState(attempt: Attempt, state: string): boolean {
  const [left, right] = [Buffer.from(attempt.state), Buffer.from(state)];
  return left.length === right.length && timingSafeEqual(left, right);
}
