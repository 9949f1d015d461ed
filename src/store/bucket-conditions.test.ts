// That a bucket is one owner's rests on conditions: one that does not keep to them is found out before it is relied on.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FakeBucket, startFakeBucket } from "../../test/support/fake-bucket.ts";
import { openBucket } from "./bucket.ts";
import { requireConditions } from "./bucket-conditions.ts";
import { onBucket, testBucket, testPlace } from "./bucket-testkit.ts";
import { layoutOf } from "./layout.ts";

let fake: FakeBucket;
beforeEach(() => {
  fake = startFakeBucket();
});
afterEach(() => fake.stop());

const open = () => openBucket(testPlace("x", { endpoint: fake.endpoint }), { pauseMs: 1 });
const required = () =>
  requireConditions(open()).then(
    () => "kept",
    (error: Error & { kind?: string }) => `${error.kind}: ${error.message}`,
  );

test("one that keeps to conditions is taken, and nothing is left in it", async () => {
  expect(await required()).toBe("kept");
  expect([...fake.objects.keys()]).toEqual([]);
});

const faults: [ignored: string[], told: string][] = [
  [["if-none-match"], "conflict: The bucket s3://tests/.* writes over an object although it was"],
  [
    ["if-match"],
    "conflict: The bucket s3://tests/.* replaces an object although it is another one",
  ],
  [["if-none-match", "if-match"], "conflict: The bucket s3://tests/.* writes over an object"],
];
for (const [ignores, told] of faults)
  test(`one that takes no notice of ${ignores.join(" and ")} is refused, and nothing is left in it`, async () => {
    fake.set({ ignores });
    expect(await required()).toMatch(new RegExp(`^${told}`));
    expect([...fake.objects.keys()]).toEqual([]);
  });

for (const [header, told] of [
  [
    "if-none-match",
    "lets two that come at one moment both be the first (If-None-Match): two servers",
  ],
  ["if-match", "replaces an object twice for two that come at one moment (If-Match): two servers"],
])
  test(`one that looks at ${header} first and writes then is refused, and nothing is left in it`, async () => {
    fake.set({ gap: { [header!]: 50 } });
    expect(await required()).toContain(told!);
    expect([...fake.objects.keys()]).toEqual([]);
  });

test("one that says that it knows no conditions is told by its words", async () => {
  fake.set({
    refuses: ({ headers }) =>
      headers.has("if-none-match") || headers.has("if-match")
        ? { status: 501, code: "NotImplemented" }
        : null,
  });
  expect(await required()).toMatch(/^busy: .* does not know how to do that \(NotImplemented\)/);
});

test("one whose objects have no stamp that a condition can name is refused", async () => {
  fake.set({
    refuses: ({ headers }) =>
      headers.has("if-match") ? { status: 412, code: "PreconditionFailed" } : null,
  });
  expect(await required()).toContain(
    "does not replace an object on the condition that it is the one",
  );
});

if (onBucket)
  test("the tests' own bucket keeps to them", async () => {
    const bucket = testBucket(layoutOf("/conditions"));
    await requireConditions(bucket);
    expect(await Array.fromAsync(bucket.list(""))).toEqual([]);
  });
