// Whether a bucket is what the files of a server need: it takes, gives back, lists and removes, and keeps to the conditions of writes.
import { createHash, randomUUID } from "node:crypto";
import type { Config } from "../config/resolve.ts";
import { storeUrl } from "../config/store.ts";
import { inFull } from "../core/problem.ts";
import { type Bucket, openBucket } from "../store/bucket.ts";
import { conditionFault } from "../store/bucket-conditions.ts";
import type { Finding } from "./finding.ts";

/** By the bucket's clock, which tells seconds. Requests are refused from 15 minutes on. */
const CLOCK_LIMIT_MS = 60_000;
const LIMIT = 1024;

/** Puts a small object of its own there, and removes it. */
export async function checkStore({ store }: Pick<Config, "store">): Promise<Finding[]> {
  if (!store) return [];
  const where = `${storeUrl(store)} at ${store.endpoint}`;
  const findings = await examine(openBucket(store, store));
  return findings.map((finding) => ({
    ...finding,
    subject: "store",
    text: `${where} ${finding.text}`,
  }));
}

type Result = Omit<Finding, "subject">;

export async function examine(bucket: Bucket): Promise<Result[]> {
  const path = `doctor-${randomUUID()}`;
  const bytes = Buffer.from(`${path}\n`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const bad = (text: string, hint: string): Result[] => [{ state: "bad", text, hint }];
  const began = performance.now();
  try {
    if (await bucket.stat(path))
      return bad("says that there is what was never put there", "Is it a bucket of its own?");
    await bucket.put(path, bytes, sha256);
    const found = await bucket.stat(path);
    const took = Math.round(performance.now() - began);
    const skew = found ? Date.now() - found.changedAt : 0;
    const unkept = await conditionFault(bucket);
    if (unkept) return bad(unkept.fault, capital(unkept.means));
    const read = await bucket.read(path, LIMIT);
    if (!found || !read || !bytes.equals(read.bytes))
      return bad("does not give back what was put there", "It cannot be used");
    const listed = (await Array.fromAsync(bucket.list(path))).map((one) => one.path);
    if (!listed.includes(path))
      return bad(
        "does not list what was put there",
        "The access key needs the right to list the bucket, and it must be consistent",
      );
    const good: Result = {
      state: "good",
      text: `takes, gives back, lists and removes; put and asked for in ${took} ms`,
    };
    return Math.abs(skew) < CLOCK_LIMIT_MS ? [good] : [good, skewed(skew)];
  } catch (error) {
    return bad(`cannot be used: ${inFull(error)}`, "docs/scale.md tells what it must be");
  } finally {
    await bucket.remove(path).catch(() => {}); // it is told above
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function skewed(skew: number): Result {
  return {
    state: "warning",
    text: `has another time: this machine's clock is ${Math.round(Math.abs(skew) / 1000)} seconds ${skew < 0 ? "behind" : "ahead"}`,
    hint: "Let an NTP client set the clock: a quarter of an hour off, nothing is let in",
  };
}
