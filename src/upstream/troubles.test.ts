import { expect, test } from "bun:test";
import { baseOf, firstHop } from "./hops.ts";
import { createTroubles } from "./troubles.ts";

const base = baseOf({ url: "http://registry.example.test/npm", hosts: [] });
const hop = (path: string, body?: string) =>
  firstHop(base, { path, ...(body !== undefined && { method: "POST", body }) });

function setUp() {
  const clock = { ms: 5 };
  const troubles = createTroubles(() => clock.ms);
  const isRefused = (path: string, body?: string) => {
    try {
      troubles.check(hop(path, body));
      return false;
    } catch {
      return true;
    }
  };
  return { clock, troubles, isRefused };
}

test("a bad path is not asked for again at once, and others are", () => {
  const { clock, troubles, isRefused } = setUp();
  troubles.failed(hop("a"), "registry.example.test: answered 500");
  expect(() => troubles.check(hop("a"))).toThrow(
    "registry.example.test: answered 500; asked for again in 1 s",
  );
  expect([isRefused("b"), isRefused("a?x")]).toEqual([false, false]);
  clock.ms += 1_000;
  expect([isRefused("a"), troubles.has(hop("a"))]).toEqual([false, true]);
});

test("the time doubles up to 30 s, and a good answer ends it", () => {
  const { clock, troubles, isRefused } = setUp();
  const waits = Array.from({ length: 7 }, () => {
    troubles.failed(hop("a"), "bad");
    let waited = 0;
    for (; isRefused("a"); clock.ms += 1_000) waited += 1;
    return waited;
  });
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30]);
  troubles.cleared(hop("a"));
  expect(troubles.has(hop("a"))).toBe(false);
  troubles.failed(hop("a"), "bad");
  clock.ms += 1_000;
  expect(isRefused("a")).toBe(false);
});

test("what failed long ago is forgotten", () => {
  const { clock, troubles } = setUp();
  troubles.failed(hop("a"), "bad");
  clock.ms += 31_000;
  expect(troubles.has(hop("a"))).toBe(false);
});

test("how long the upstream asks to be left alone counts, up to 30 s", () => {
  const { clock, troubles, isRefused } = setUp();
  troubles.failed(hop("a"), "bad", 10_000);
  troubles.failed(hop("b"), "bad", 10_000_000);
  clock.ms += 9_999;
  expect(isRefused("a")).toBe(true);
  clock.ms += 1;
  expect([isRefused("a"), isRefused("b")]).toEqual([false, true]);
  clock.ms += 20_000;
  expect(isRefused("b")).toBe(false);
});

test("another question to the same path is another one", () => {
  const { troubles, isRefused } = setUp();
  troubles.failed(hop("bulk", '{"a":1}'), "bad");
  expect([isRefused("bulk", '{"a":1}'), isRefused("bulk", '{"b":1}')]).toEqual([true, false]);
});

test("a thousand are remembered, the newest", () => {
  const { troubles, isRefused } = setUp();
  for (let at = 0; at <= 1_000; at++) troubles.failed(hop(String(at)), "bad");
  expect([isRefused("0"), isRefused("1"), isRefused("1000")]).toEqual([false, true, true]);
});
