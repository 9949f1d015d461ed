import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { createBudget, WAITING } from "./budget.ts";

const FOREVER = 60_000;
const MIB = 1024 * 1024;

/** What became of it by now. */
async function fate(work: Promise<void>): Promise<string> {
  const name = (error: unknown) => (error instanceof Problem ? error.kind : String(error));
  return Promise.race([work.then(() => "taken", name), Bun.sleep(0).then(() => "waits")]);
}

test("what fits is taken at once, and what does not waits until others are done", async () => {
  const budget = createBudget(10 * MIB, FOREVER);
  const [one, two] = [budget.open(), budget.open()];
  await one.take(5 * MIB);
  const waiting = two.take(5 * MIB);
  expect(await fate(waiting)).toBe("waits");
  one.close();
  expect(await fate(waiting)).toBe("taken");
  two.close();
  expect(budget.used).toBe(0);
});

test("who waits longer than is bearable is told to come again, and holds nothing", async () => {
  const budget = createBudget(10 * MIB, 1);
  const [one, two] = [budget.open(), budget.open()];
  await one.take(6 * MIB);
  await two.take(1 * MIB);
  expect(two.take(5 * MIB)).rejects.toMatchObject({ kind: "busy" });
  await two.take(0).catch(() => {});
  two.close();
  one.close();
  expect(budget.used).toBe(0);
});

test("what can never fit is too large", () => {
  const share = createBudget(10 * MIB, FOREVER).open();
  expect(share.take(11 * MIB)).rejects.toMatchObject({ kind: "tooLarge" });
});

test("a small body finds room where large ones have taken theirs, and overtakes those that wait", async () => {
  const budget = createBudget(10 * MIB, FOREVER);
  const [large, late, small] = [budget.open(), budget.open(), budget.open()];
  await large.take(7 * MIB);
  expect(await fate(late.take(1 * MIB))).toBe("waits");
  expect(await fate(small.take(20_000))).toBe("taken");
});

test("when all who hold something wait for each other, the last of them goes", async () => {
  const budget = createBudget(10 * MIB, FOREVER);
  const [one, two] = [budget.open(), budget.open()];
  await one.take(4 * MIB);
  await two.take(3 * MIB);
  const first = one.take(2 * MIB);
  expect(await fate(first)).toBe("waits");
  const second = two.take(2 * MIB);
  expect(await fate(second)).toBe("busy");
  two.close();
  expect(await fate(first)).toBe("taken");
});

test("only so many wait", async () => {
  const budget = createBudget(10 * MIB, FOREVER);
  await budget.open().take(7 * MIB);
  const waiting = Array.from({ length: WAITING + 1 }, () => budget.open().take(1 * MIB));
  for (const one of waiting) one.catch(() => {});
  expect(await fate(waiting.at(-1)!)).toBe("busy");
  expect(await fate(waiting[0]!)).toBe("waits");
});

test("who left while waiting waits no more", async () => {
  const budget = createBudget(10 * MIB, FOREVER);
  const [one, two] = [budget.open(), budget.open()];
  await one.take(7 * MIB);
  const waiting = two.take(1 * MIB);
  two.close();
  expect(await fate(waiting)).toBe("busy");
  one.close();
  expect(budget.used).toBe(0);
});

test("who was told that it is over holds nothing any more, also of what comes after that", async () => {
  const budget = createBudget(10 * MIB, FOREVER);
  const share = budget.open();
  await share.take(1 * MIB);
  share.close();
  await share.take(1 * MIB).catch(() => {});
  expect(budget.used).toBe(0);
});
