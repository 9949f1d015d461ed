// For the tests of every room that stores files: in folders, or in a bucket where HOLDFAST_TEST_BUCKET names a gateway's endpoint.
import { createHash } from "node:crypto";
import { join } from "node:path";
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
/** Of a service that is nobody's but the tests': what it is asked with, where that is something else. */
const said = (name: string) => process.env[`HOLDFAST_TEST_BUCKET_${name}`];
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
    region: said("REGION") || "us-east-1",
    bucket: said("NAME") || BUCKET,
    prefix: createHash("sha256").update(home).digest("hex").slice(0, 16),
    accessKey: said("KEY") || ACCESS_KEY,
    secretKey: said("SECRET") || SECRET_KEY,
    sessionToken: null,
    keySource: null,
    isPathStyle: true,
    ca: null,
    ...change,
  };
}

export function testBucket(
  { root }: Pick<Layout, "root">,
  times: Partial<BucketTimes> = {},
): Bucket {
  return openBucket(testPlace(root), { pauseMs: 1, ...times });
}

/** In a folder, or below a prefix of its own in a bucket where there is one for tests. */
export function openTestLogFiles(root: string): LogFiles {
  if (!onBucket) return openLogFiles(root);
  return openBucketLog(openBucket(testPlace(root), { pauseMs: 1 }));
}

/** Of a data directory; in a bucket where there is one for tests, which is that of the data directory `home`. */
export function openTestBlobs(
  layout: Layout,
  {
    limit = 2 ** 30,
    isFalse = () => {},
    ...options
  }: Partial<BucketBlobsOptions> & BlobOptions = {},
  home = layout.root,
): Blobs {
  return onBucket
    ? openBucketBlobs(layout, testBucket({ root: home }), { limit, isFalse, ...options })
    : openBlobs(layout, options);
}
