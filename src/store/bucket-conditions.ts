// Whether a bucket keeps to conditions: that there is one owner of it, and one log, rests on that, and one that takes no notice of them gives no other sign.
import { createHash, randomUUID } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Bucket, Condition } from "./bucket.ts";

/** Of two that must not both be written it writes both. */
const BOTH =
  "two servers could take it for their own, and both move the append-only log: take a service that honours conditional writes";

/**
 * What it does against a condition, and what that means; null where it keeps to them. Puts a small object of its own there, and removes it. Throws
 * Problem("busy") where it cannot be asked, or says that it knows no conditions.
 */
export async function conditionFault(
  bucket: Bucket,
): Promise<{ fault: string; means: string } | null> {
  const path = `conditions-${randomUUID()}`;
  const put = (text: string, condition: Condition) => {
    const bytes = Buffer.from(`${path} ${text}\n`);
    return bucket.put(path, bytes, createHash("sha256").update(bytes).digest("hex"), condition);
  };
  try {
    if (!(await put("one", "isNew")))
      return {
        fault:
          "refuses to write an object that is new, on the condition that it is (If-None-Match)",
        means: "it can be nobody's own",
      };
    const before = await bucket.stat(path);
    if (await put("two", "isNew"))
      return {
        fault: "writes over an object although it was told not to (If-None-Match)",
        means: BOTH,
      };
    if (!before || !(await put("three", { etag: before.etag })))
      return {
        fault:
          "does not replace an object on the condition that it is the one that it is (If-Match)",
        means: "the append-only log could not go on",
      };
    if (await put("four", { etag: before.etag }))
      return {
        fault: "replaces an object although it is another one than it was told (If-Match)",
        means: BOTH,
      };
    return null;
  } finally {
    await bucket.remove(path).catch(() => {}); // what was found counts more
  }
}

/** Throws Problem("conflict") where the bucket does not keep to conditions. For who is about to rely on them. */
export async function requireConditions(bucket: Bucket): Promise<void> {
  const found = await conditionFault(bucket);
  if (!found) return;
  const name = bucket.name.charAt(0).toUpperCase() + bucket.name.slice(1);
  throw new Problem("conflict", `${name} ${found.fault}: ${found.means}`);
}
