import { expect, test } from "bun:test";
import { createMeter } from "./meter.ts";
import { fakeCall } from "./testing.ts";

test("files, bytes and the rate of the last seconds, once a second", () => {
  let at = 0;
  const call = fakeCall();
  const meter = createMeter(call, () => at);
  meter.expect(100, 200_000_000);
  // A second each at 1.5 MiB/s, in a hundred pieces, and then twice as fast.
  for (const rate of [1.5 * 2 ** 20, 3 * 2 ** 20])
    for (let piece = 0; piece < 1500; piece += 1) {
      at += 10;
      meter.came(rate / 100);
    }
  expect(call.bar.length).toBeLessThanOrEqual(31);
  const notes = call.bar.map(([, , note]) => note);
  expect(notes[5]).toBe("0 of 100 files, 1.5 MiB/s");
  expect(notes.at(-1)).toBe("0 of 100 files, 3.0 MiB/s");
});

test("what came twice is not more than all of it", () => {
  const call = fakeCall();
  const meter = createMeter(call, () => 0);
  meter.expect(2, 1000);
  meter.came(900);
  meter.came(900);
  meter.settled();
  meter.expect(1, 100);
  meter.show();
  expect(call.bar.at(-1)).toEqual([1100, 1100, "1 of 3 files"]);
});
