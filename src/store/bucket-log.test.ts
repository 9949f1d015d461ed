// The log's files with services that have objects as files in folders, played in memory; what is the same for all is in log-files.test.ts.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FakeBucket, startFakeBucket } from "../../test/support/fake-bucket.ts";
import { openBucket } from "./bucket.ts";
import { openBucketLog } from "./bucket-log.ts";
import { testPlace } from "./bucket-testkit.ts";

let fake: FakeBucket;
beforeEach(() => {
  fake = startFakeBucket();
});
afterEach(() => fake.stop());

test("what has others below it is not asked to go by its own name, which such a service cannot do", async () => {
  fake.set({
    refuses: ({ method, url }) => {
      const below = `${new URL(url).pathname}/`;
      const isFolder = [...fake.objects.keys()].some((name) => name.startsWith(below));
      return method === "DELETE" && isFolder ? { status: 500, code: "InternalError" } : null;
    },
  });
  const files = openBucketLog(
    openBucket(testPlace("x", { endpoint: fake.endpoint, prefix: "p" }), { pauseMs: 1 }),
  );
  const paths = ["tile/0/001", "tile/0/001.p/4", "tile/0/001.p/46", "tile/0/001.q"];
  for (const path of paths) await files.write(path, path);
  await files.remove("tile/0/001.p");
  expect([...fake.objects.keys()]).toEqual([
    "/tests/p/log/tile/0/001",
    "/tests/p/log/tile/0/001.q",
  ]);
  await files.remove("tile/0/001");
  await files.remove("tile/0/002");
  expect([...fake.objects.keys()]).toEqual(["/tests/p/log/tile/0/001.q"]);
});
