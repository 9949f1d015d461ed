// Whether a bucket keeps to conditions: that there is one owner of it, and one log, rests on that, and one that does not gives no other sign.
import { createHash, randomUUID } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Bucket, Condition } from "./bucket.ts";

/** Of two that must not both be written it writes both. */
const BOTH =
  "two servers could take it for their own, and both move the append-only log: take a service that honours conditional writes";
/** Of some services both are written nine times in ten where they come at one moment, though never one after the other. */
const ROUNDS = 3;

interface Fault {
  fault: string;
  means: string;
}

/**
 * What it does against a condition, and what that means; null where it keeps to them, as far as `rounds` show. Puts small objects of its own there, and removes
 * them. Throws Problem("busy") where it cannot be asked, or says that it knows no conditions.
 */
export async function conditionFault(bucket: Bucket, rounds = ROUNDS): Promise<Fault | null> {
  for (let round = 0; round < rounds; round += 1) {
    const found = await roundFault(bucket);
    if (found) return found;
  }
  return null;
}

async function roundFault(bucket: Bucket): Promise<Fault | null> {
  const path = `conditions-${randomUUID()}`;
  const put = (text: string, condition: Condition) => {
    const bytes = Buffer.from(`${path} ${text}\n`);
    return bucket.put(path, bytes, createHash("sha256").update(bytes).digest("hex"), condition);
  };
  /** How many of two at one moment are written. */
  const race = async (condition: Condition) => {
    const won = await Promise.all(["left", "right"].map((text) => put(text, condition)));
    return won.filter(Boolean).length;
  };
  const fault = (text: string, means: string = BOTH): Fault => ({ fault: text, means });
  const etag = async () => ({ etag: (await bucket.stat(path))?.etag ?? "" });
  try {
    if (!(await put("one", "isNew")))
      return fault(
        "refuses to write an object that is new, on the condition that it is (If-None-Match)",
        "it can be nobody's own",
      );
    if (await put("two", "isNew"))
      return fault("writes over an object although it was told not to (If-None-Match)");
    const before = await etag();
    if (!(await put("three", before)))
      return fault(
        "does not replace an object on the condition that it is the one that it is (If-Match)",
        "the append-only log could not go on",
      );
    if (await put("four", before))
      return fault("replaces an object although it is another one than it was told (If-Match)");
    if ((await race(await etag())) > 1)
      return fault("replaces an object twice for two that come at one moment (If-Match)");
    await bucket.remove(path);
    if ((await race("isNew")) > 1)
      return fault("lets two that come at one moment both be the first (If-None-Match)");
    return null;
  } finally {
    await bucket.remove(path).catch(() => {}); // what was found counts more
  }
}

/** Throws Problem("conflict") where the bucket does not keep to conditions. For who is about to rely on them. */
export async function requireConditions(bucket: Bucket, rounds = ROUNDS): Promise<void> {
  const found = await conditionFault(bucket, rounds);
  if (!found) return;
  const name = bucket.name.charAt(0).toUpperCase() + bucket.name.slice(1);
  throw new Problem("conflict", `${name} ${found.fault}: ${found.means}`);
}
