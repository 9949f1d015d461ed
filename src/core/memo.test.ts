import { expect, test } from "bun:test";
import { memoText } from "./memo.ts";

function counting(limit?: number) {
  const made: string[] = [];
  const look = memoText((text) => {
    made.push(text);
    return text.length;
  }, limit);
  return { made, look };
}

test("what was worked out is looked up", () => {
  const { made, look } = counting();
  expect([look("gzip"), look("gzip")]).toEqual([4, 4]);
  expect(made).toEqual(["gzip"]);
});

test("a flood of texts that differ does not keep out those that repeat", () => {
  const { made, look } = counting(10);
  for (let count = 0; count < 1000; count += 1) look(`flood ${count}`);
  made.length = 0;
  look("gzip");
  look("gzip");
  expect(made).toEqual(["gzip"]);
});

test("a long text is worked out each time", () => {
  const { made, look } = counting();
  const long = "x".repeat(10_000);
  look(long);
  look(long);
  expect(made.length).toBe(2);
});
