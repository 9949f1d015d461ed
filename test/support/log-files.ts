// The files of a test's append-only log, wherever they are, to be looked at, put back and altered.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { openBucket } from "../../src/store/bucket.ts";
import { onBucket, openTestLogFiles, testPlace } from "../../src/store/bucket-testkit.ts";

/** All files of `openTestLogFiles(root)`, by their paths: to be put back, or with something else in them. */
export async function readTestLog(root: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  if (!onBucket) {
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files.set(relative(root, path), readFileSync(path));
    }
    return files;
  }
  const bucket = openBucket(testPlace(root), { pauseMs: 1 });
  for await (const { path } of bucket.list("log/"))
    files.set(relative("log", path), (await bucket.read(path, 2 ** 24))!.bytes);
  return files;
}

/** These and no others are there from now on. */
export async function writeTestLog(root: string, files: Map<string, Uint8Array>): Promise<void> {
  const log = openTestLogFiles(root);
  for (const path of (await readTestLog(root)).keys()) await log.remove(path);
  for (const [path, bytes] of files) await log.write(path, bytes);
}
