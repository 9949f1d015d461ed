import { expect, test } from "bun:test";
import { createGate } from "./gate.ts";

/** What has settled so far. */
async function settled() {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

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
  await settled();
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
  const impatient = gate.enter({ signal: abort.signal });
  const patient = gate.enter();
  abort.abort(new Error("gone"));
  await expect(impatient).rejects.toThrow("gone");
  leave();
  (await patient)();
  (await gate.enter())();
});

test("an aborted signal does not enter", async () => {
  const gate = createGate(1);
  const signal = AbortSignal.abort(new Error("gone"));
  await expect(gate.enter({ signal })).rejects.toThrow("gone");
  (await gate.enter())();
});

test("long visits leave places to short ones, which overtake them in line", async () => {
  const gate = createGate(3, 1);
  const order: string[] = [];
  const enter = (name: string, isLong: boolean) =>
    gate.enter({ isLong }).then((leave) => {
      order.push(name);
      return leave;
    });
  const first = await enter("long 1", true);
  await enter("long 2", true);
  const third = enter("long 3", true);
  const short = await enter("short 1", false);
  enter("short 2", false);
  await settled();
  expect(order).toEqual(["long 1", "long 2", "short 1"]);
  short();
  await settled();
  expect(order.at(-1)).toBe("short 2");
  first();
  await third;
});

test("short visits may take all places", async () => {
  const gate = createGate(2, 1);
  await Promise.all([gate.enter(), gate.enter()]);
});

test("those whom nobody wants leave when their place is needed, as many as wait, the first first", async () => {
  const gate = createGate(3);
  const left: string[] = [];
  const wanted = new Set(["b"]);
  const enter = async (name: string) => {
    const leave = await gate.enter({
      isWanted: () => wanted.has(name),
      giveUp() {
        left.push(name);
        leave();
      },
    });
  };
  for (const name of ["a", "b", "c"]) await enter(name);
  expect(left).toEqual([]);
  await gate.enter();
  expect(left).toEqual(["a"]);
  await gate.enter();
  expect(left).toEqual(["a", "c"]);
  const waits = gate.enter();
  await settled();
  expect(left).toEqual(["a", "c"]);
  wanted.clear(); // its client leaves while another one waits in line
  await waits;
  expect(left).toEqual(["a", "c", "b"]);
});
