// A bucket that does not do what it says is found out. What it does right is looked at with a gateway, in test/bucket.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  type FakeBucket,
  type FakeBucketHabits,
  startFakeBucket,
} from "../../test/support/fake-bucket.ts";
import { openBucket } from "../store/bucket.ts";
import { testPlace } from "../store/bucket-testkit.ts";
import { checkStore, examine } from "./check-store.ts";

let fake: FakeBucket;
beforeEach(() => {
  fake = startFakeBucket();
});
afterEach(() => fake.stop());

const cases: [title: string, habits: Partial<FakeBucketHabits>, told: string[]][] = [
  ["all is well", {}, ["good takes, gives back, lists and removes"]],
  [
    "conditions are not heard",
    { ignores: ["if-none-match"] },
    ["bad writes over an object although"],
  ],
  ["of conditions one alone is heard", { ignores: ["if-match"] }, ["bad replaces an object"]],
  ["other bytes come back", { altered: () => new Uint8Array(3) }, ["bad does not give back"]],
  [
    "nothing is listed",
    { refuses: ({ url }) => (url.includes("list-type") ? { status: 200, code: "Odd" } : null) },
    ["bad cannot be used: The bucket s3://tests/"],
  ],
  ["a list has nothing", { page: 0 }, ["bad does not list"]],
  [
    "it denies",
    { refuses: ({ method }) => (method === "PUT" ? { status: 403, code: "AccessDenied" } : null) },
    ["bad cannot be used: The bucket s3://tests/"],
  ],
  [
    "a clock is off",
    { ahead: -120_000 },
    ["good takes", "warning has another time: this machine's clock is 12"],
  ],
];
for (const [title, habits, told] of cases)
  test(`${title}: told, and nothing is left there`, async () => {
    fake.set(habits);
    const place = testPlace("x", { endpoint: fake.endpoint });
    const findings = await examine(openBucket(place, { pauseMs: 1 }));
    expect(findings.map(({ state, text }) => `${state} ${text}`)).toEqual(
      told.map((start) => expect.stringContaining(start)) as never,
    );
    expect([...fake.objects.keys()]).toEqual([]);
  });

test("without a bucket there is nothing to look at", async () =>
  expect(await checkStore({ store: null })).toEqual([]));
