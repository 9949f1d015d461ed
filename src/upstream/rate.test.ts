import { expect, test } from "bun:test";
import { createBucket } from "./rate.ts";

test("one second's worth is free, and then the rate holds", () => {
  const clock = { ms: 0 };
  const bucket = createBucket(1_000, () => clock.ms);
  expect(bucket.take(1_000)).toBe(0);
  expect(bucket.take(500)).toBe(500);
  clock.ms += 500;
  expect(bucket.take(250)).toBe(250);
  clock.ms += 10_000;
  expect(bucket.take(1_000)).toBe(0);
  expect(bucket.take(10_000)).toBe(10_000);
});

test("a clock that goes back neither pays nor costs", () => {
  const clock = { ms: 5_000 };
  const bucket = createBucket(1_000, () => clock.ms);
  bucket.take(1_000);
  clock.ms = 0;
  expect(bucket.take(100)).toBe(100);
});
