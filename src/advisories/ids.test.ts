import { expect, test } from "bun:test";
import { seenIds } from "./ids.ts";

test("what was added is there, and nothing else, whatever comes between", () => {
  const ids = seenIds();
  const name = (at: number) => `MAL-2025-${at}`;
  for (let at = 0; at < 30_000; at += 2) ids.add(name(at));
  expect([ids.has(name(2)), ids.has(name(3))]).toEqual([true, false]);
  ids.add(name(3));
  expect(ids.has(name(3))).toBe(true);
  const wrong = Array.from({ length: 30_000 }, (_, at) => at).filter(
    (at) => at !== 3 && ids.has(name(at)) !== (at % 2 === 0),
  );
  expect(wrong).toEqual([]);
  expect(ids.has("")).toBe(false);
  expect(seenIds().has("MAL-1")).toBe(false);
});
