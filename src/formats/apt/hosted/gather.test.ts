import { expect, test } from "bun:test";
import { createGather } from "./gather.ts";

/** Time passes when the test says so. */
function scene() {
  const timers = new Map<symbol, { ms: number; call: () => void }>();
  const gather = createGather((ms, call) => {
    const key = Symbol();
    timers.set(key, { ms, call });
    return () => void timers.delete(key);
  });
  const seen = { isOver: false, isUrgent: false };
  return {
    gather,
    seen,
    async begin() {
      await gather.gathered(() => seen.isUrgent);
      seen.isOver = true;
    },
    /** Lets the timers of so many milliseconds ring. */
    pass(ms: number) {
      for (const [key, timer] of timers)
        if (timer.ms === ms) {
          timers.delete(key);
          timer.call();
        }
    },
    waiting: () => [...timers.values()].map(({ ms }) => ms).sort((a, b) => a - b),
    turn: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
}

test("who is alone waits for nobody", async () => {
  const { gather, begin, waiting } = scene();
  const end = gather.coming();
  end();
  end();
  await begin();
  expect(waiting()).toEqual([]);
});

test("all who began before the last has arrived are waited for", async () => {
  const { gather, begin, seen, turn, waiting } = scene();
  const ends = [gather.coming(), gather.coming()];
  const done = begin();
  ends[0]!();
  await turn();
  expect([seen.isOver, waiting()]).toEqual([false, [1000, 10_000]]);
  ends.push(gather.coming());
  ends[1]!();
  await turn();
  expect(seen.isOver).toBe(false);
  ends[2]!();
  await done;
  expect(waiting()).toEqual([]);
});

test("nobody waits for who is slow, nor without end, nor for long who is not to wait", async () => {
  const slow = scene();
  slow.gather.coming();
  const done = slow.begin();
  slow.pass(1000);
  await done;

  const many = scene();
  many.gather.coming();
  const end = many.begin();
  for (let at = 0; at < 20; at += 1) {
    many.gather.coming()();
    await many.turn();
  }
  expect(many.seen.isOver).toBe(false);
  many.pass(10_000);
  await end;

  const urgent = scene();
  urgent.gather.coming();
  const soon = urgent.begin();
  urgent.gather.stir();
  await urgent.turn();
  expect(urgent.seen.isOver).toBe(false);
  urgent.seen.isUrgent = true;
  urgent.gather.stir();
  await soon;
  expect([slow, many, urgent].flatMap(({ waiting }) => waiting())).toEqual([]);
});
