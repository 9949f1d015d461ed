import { expect, test } from "bun:test";
import { createBucket, createFloor } from "./rate.ts";

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

test("a floor judges whole windows of waiting by their average", () => {
  const floor = createFloor(1_000, 60_000);
  expect(floor.isTooSlow(59_999, 1)).toBe(false);
  expect(floor.isTooSlow(1, 59_999)).toBe(false); // 60,000 bytes in 60 s
  expect(floor.isTooSlow(0, 10_000_000)).toBe(false);
  expect(floor.isTooSlow(60_000, 0)).toBe(false);
  expect(floor.isTooSlow(30_000, 30_000)).toBe(false);
  expect(floor.isTooSlow(30_000, 29_999)).toBe(true);
});
