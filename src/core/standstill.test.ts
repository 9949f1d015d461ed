import { expect, test } from "bun:test";
import { watchStandstill } from "./standstill.ts";

test("who stood still knows it before any timer has run, and a moment later", async () => {
  const standstill = watchStandstill();
  expect(standstill.ms()).toBe(0);
  Bun.sleepSync(1_100);
  expect(standstill.ms()).toBeGreaterThan(1_000);
  await Bun.sleep(300);
  expect(standstill.ms()).toBeGreaterThan(1_000);
  standstill.close();
});

test("a loop that is busy for a while stood not still", async () => {
  const standstill = watchStandstill();
  for (let nth = 0; nth < 4; nth += 1) {
    Bun.sleepSync(300);
    await Bun.sleep(0);
    expect(standstill.ms()).toBe(0);
  }
  standstill.close();
});
