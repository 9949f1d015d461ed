import { expect, test } from "bun:test";
import { createRetries, type Passing, retryAfterOf } from "./retry.ts";

const busy: Passing = { isPassing: true, retryAfterMs: null };
const asks = (seconds: number): Passing => ({ isPassing: true, retryAfterMs: seconds * 1000 });

/** The waits until it gives up, when each try fails at once. */
function waits(patienceMs: number, failure: Passing, random = 0): number[] {
  let now = 7_000_000;
  const retries = createRetries(
    now,
    patienceMs,
    () => now,
    () => random,
  );
  const waited: number[] = [];
  for (let at = 0; at < 100; at++) {
    const wait = retries.next(failure);
    if (wait === null) break;
    waited.push(wait);
    now += wait;
  }
  return waited;
}

test("the waits double, within the patience of who waits", () => {
  expect(waits(5_000, busy)).toEqual([250, 500, 1_000, 2_000]);
  expect(waits(60_000, busy)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  expect(waits(0, busy)).toEqual([]);
});

test("they are spread by up to a half, so that those who failed together do not come back together", () => {
  expect(waits(5_000, busy, 0.5)).toEqual([312.5, 625, 1_250, 2_500]);
});

test("what does not pass is not tried again", () => {
  expect(waits(5_000, { isPassing: false, retryAfterMs: 1 })).toEqual([]);
});

test("what the upstream asks for is granted, and where that is too long it is given up at once", () => {
  expect(waits(5_000, asks(1))).toEqual([1_000, 1_000, 1_000, 2_000]);
  expect(waits(5_000, asks(6))).toEqual([]);
  expect(waits(60_000, asks(25))).toEqual([25_000, 25_000]);
  expect(waits(5_000, asks(0))).toEqual([250, 500, 1_000, 2_000]);
});

const headers: [headers: Record<string, string>, want: number | null][] = [
  [{}, null],
  [{ "retry-after": "" }, null],
  [{ "retry-after": "120" }, 120_000],
  [{ "retry-after": " 0 " }, 0],
  [{ "retry-after": "soon" }, null],
  [{ "retry-after": "-1", date: "Wed, 21 Oct 2026 07:28:00 GMT" }, 0],
  [
    { "retry-after": "Wed, 21 Oct 2026 07:28:03 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" },
    3_000,
  ],
  [{ "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
];
for (const [given, want] of headers)
  test(`retryAfterOf(${JSON.stringify(given)})`, () =>
    expect(retryAfterOf(new Headers(given))).toBe(want));
