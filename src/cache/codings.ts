// How an answer says that it is coded, and whether it is. RFC 9110 §8.4
import { Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";

type Coded = Pick<UpstreamResponse, "headers" | "upstream">;

/** The codings that the answer says to be in, in lower case, the outermost last; "x-gzip" is gzip (§18.6). */
export function codingsOf({ headers }: Pick<Coded, "headers">): string[] {
  const names = (headers.get("content-encoding") ?? "").toLowerCase().split(",");
  return names
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity")
    .map((name) => (name === "x-gzip" ? "gzip" : name));
}

/** Throws Problem("malformed") for a coding that was not asked for, or several. `what`: of whom. */
export function refuseUnknown(response: Coded, what: string): void {
  const codings = codingsOf(response);
  if (codings.length === 0 || (codings.length === 1 && codings[0] === "gzip")) return;
  const list = codings.map((coding) => JSON.stringify(coding.slice(0, 40))).join(", ");
  throw new Problem(
    "malformed",
    `${response.upstream} sent ${what} in a coding that was not asked for: ${list}`,
  );
}

/** RFC 1952 §2.3.1 */
export function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}
