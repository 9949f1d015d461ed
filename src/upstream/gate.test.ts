import { expect, test } from "bun:test";
import { createGate } from "./gate.ts";

test("lets in as many as there are places, then one for each that leaves, in order", async () => {
  const gate = createGate(2);
  const order: number[] = [];
  const [first, second] = await Promise.all([gate.enter(), gate.enter()]);
  const third = gate.enter().then((leave) => {
    order.push(3);
    return leave;
  });
  const fourth = gate.enter().then((leave) => {
    order.push(4);
    return leave;
  });
  await Promise.resolve();
  expect(order).toEqual([]);
  first!();
  first!(); // a second call does not free a second place
  const leaveThird = await third;
  expect(order).toEqual([3]);
  second!();
  await fourth;
  expect(order).toEqual([3, 4]);
  leaveThird();
});

test("an abort in line gives the place to the next", async () => {
  const gate = createGate(1);
  const leave = await gate.enter();
  const abort = new AbortController();
  const impatient = gate.enter(abort.signal);
  const patient = gate.enter();
  abort.abort(new Error("gone"));
  await expect(impatient).rejects.toThrow("gone");
  leave();
  (await patient)();
  (await gate.enter())();
});

test("an aborted signal does not enter", async () => {
  const gate = createGate(1);
  await expect(gate.enter(AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  (await gate.enter())();
});
