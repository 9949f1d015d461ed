import { expect, test } from "bun:test";
import { createLru } from "./lru.ts";

test("keeps what fits and forgets the oldest first", () => {
  const lru = createLru<string>(10);
  lru.set("a", "A", 4);
  lru.set("b", "B", 4);
  lru.set("c", "C", 4);
  expect([lru.get("a"), lru.get("b"), lru.get("c")]).toEqual([undefined, "B", "C"]);
});

test("an entry that is replaced counts once", () => {
  const lru = createLru<string>(10);
  for (let round = 0; round < 100; round += 1) lru.set("a", String(round), 6);
  lru.set("b", "B", 4);
  expect([lru.get("a"), lru.get("b")]).toEqual(["99", "B"]);
});

test("what is larger than everything is not kept, and takes nothing else with it but its own old value", () => {
  const lru = createLru<string>(10);
  lru.set("a", "A", 5);
  lru.set("b", "B", 5);
  lru.set("b", "larger", 11);
  expect([lru.get("a"), lru.get("b")]).toEqual(["A", undefined]);
});

test("what is used stays although it is old", () => {
  const lru = createLru<number>(200);
  lru.set("used", 1, 1);
  for (let at = 0; at < 1000; at += 1) {
    lru.set(`k${at}`, at, 1);
    expect(lru.get("used")).toBe(1);
  }
  expect(lru.get("k0")).toBeUndefined();
});

test("a deleted entry gives its weight back", () => {
  const lru = createLru<string>(10);
  lru.set("a", "A", 10);
  lru.delete("a");
  lru.delete("a");
  lru.set("b", "B", 10);
  expect([lru.get("a"), lru.get("b")]).toEqual([undefined, "B"]);
});
