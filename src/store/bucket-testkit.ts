// For the tests of every room that stores files: in folders, or in a bucket where HOLDFAST_TEST_BUCKET names a gateway's endpoint.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type BlobOptions, type Blobs, openBlobs } from "./blobs.ts";
import { type Bucket, type BucketPlace, type BucketTimes, openBucket } from "./bucket.ts";
import { type BucketBlobsOptions, openBucketBlobs } from "./bucket-blobs.ts";
import { openBucketLog } from "./bucket-log.ts";
import { fileOf, type Layout } from "./layout.ts";
import { type LogFiles, openLogFiles } from "./log-files.ts";

export const ACCESS_KEY = "holdfast-tests";
export const SECRET_KEY = "not a secret at all";
/** The bucket that is there for all tests; each has a prefix of its own. */
export const BUCKET = "tests";

/** Null: tests have folders. */
const gateway = process.env["HOLDFAST_TEST_BUCKET"] || null;
export const onBucket = gateway !== null;

/** Where the gateway has each object as a file; null where it is another service, of which that is not known. */
const gatewayFolder = process.env["HOLDFAST_TEST_BUCKET_FOLDER"] || null;

/** The file that a blob is kept in for good: of the data directory, or of the gateway. */
export function objectFile(layout: Layout, sha256: string): string {
  if (!onBucket) return fileOf(layout.blobs, sha256);
  if (gatewayFolder === null)
    throw new Error(
      "HOLDFAST_TEST_BUCKET_FOLDER names no folder: this test looks into the gateway's",
    );
  return join(gatewayFolder, testPlace(layout.root).prefix, fileOf("blobs/sha256", sha256));
}

/** A place in the tests' bucket that is no other test's. `home`: a temporary folder's path. */
export function testPlace(home: string, change: Partial<BucketPlace> = {}): BucketPlace {
  if (gateway === null && change.endpoint === undefined)
    throw new Error("HOLDFAST_TEST_BUCKET names no gateway");
  return {
    endpoint: gateway ?? "",
    region: "us-east-1",
    bucket: BUCKET,
    prefix: createHash("sha256").update(home).digest("hex").slice(0, 16),
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    sessionToken: null,
    keySource: null,
    isPathStyle: true,
    ca: null,
    ...change,
  };
}

export function testBucket(layout: Layout, times: Partial<BucketTimes> = {}): Bucket {
  return openBucket(testPlace(layout.root), { pauseMs: 1, ...times });
}

/** In a folder, or below a prefix of its own in a bucket where there is one for tests. */
export function openTestLogFiles(root: string): LogFiles {
  if (!onBucket) return openLogFiles(root);
  return openBucketLog(openBucket(testPlace(root), { pauseMs: 1 }));
}

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

/** Of a data directory; in a bucket where there is one for tests. */
export function openTestBlobs(
  layout: Layout,
  {
    limit = 2 ** 30,
    isFalse = () => {},
    ...options
  }: Partial<BucketBlobsOptions> & BlobOptions = {},
): Blobs {
  return onBucket
    ? openBucketBlobs(layout, testBucket(layout), { limit, isFalse, ...options })
    : openBlobs(layout, options);
}
