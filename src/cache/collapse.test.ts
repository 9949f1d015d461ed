import { expect, test } from "bun:test";
import { createCollapse } from "./collapse.ts";

test("one call for all who ask at the same time, another for who asks later", async () => {
  const collapse = createCollapse<number>();
  const gate = Promise.withResolvers<number>();
  let calls = 0;
  const call = () => {
    calls += 1;
    return gate.promise;
  };
  const asked = Array.from({ length: 20 }, () => collapse.run("a", call));
  expect(asked.map(({ collapsed }) => collapsed)).toEqual([false, ...Array(19).fill(true)]);
  gate.resolve(7);
  expect(await Promise.all(asked.map(({ result }) => result))).toEqual(Array(20).fill(7));
  expect(calls).toBe(1);
  const later = collapse.run("a", async () => 8);
  expect(later.collapsed).toBe(false);
  expect(await later.result).toBe(8);
});

test("another key is another call", async () => {
  const collapse = createCollapse<string>();
  const both = ["a", "b"].map((key) => collapse.run(key, async () => key).result);
  expect(await Promise.all(both)).toEqual(["a", "b"]);
});

test("a failure is everybody's, and is not remembered", async () => {
  const collapse = createCollapse<number>();
  const fail = () => Promise.reject(new Error("away"));
  const both = [collapse.run("a", fail).result, collapse.run("a", fail).result];
  for (const { status } of await Promise.allSettled(both)) expect(status).toBe("rejected");
  expect(await collapse.run("a", async () => 1).result).toBe(1);
});
