import { expect, test } from "bun:test";
import { list, portions, spread, tuples } from "./several.ts";

const parts = (text: TemplateStringsArray, ...values: unknown[]) =>
  spread(text, values, (number) => `$${number}`);

test("one value is bound where it stands, and a mark that is text stays text", () => {
  expect(parts`a = ${1} AND b = '?' AND c = ${null}`).toEqual({
    text: "a = $1 AND b = '?' AND c = $2",
    bound: [1, null],
  });
});

test("a list is filled up to a power of two, so that few statements are prepared", () => {
  expect(parts`a = ${0} AND b IN (${list(["x", "y", "z"])}) LIMIT ${9}`).toEqual({
    text: "a = $1 AND b IN ($2, $3, $4, $5) LIMIT $6",
    bound: [0, "x", "y", "z", "z", 9],
  });
  expect(parts`b IN (${list(["x"])})`).toEqual({ text: "b IN ($1)", bound: ["x"] });
  expect(parts`b IN (${list([])})`).toEqual({ text: "b IN ($1)", bound: [null] });
});

test("rows stand in brackets", () => {
  const rows = [
    [1, "a"],
    [2, "b"],
  ];
  expect(parts`VALUES ${tuples(rows)} RETURNING id`).toEqual({
    text: "VALUES ($1, $2), ($3, $4) RETURNING id",
    bound: [1, "a", 2, "b"],
  });
});

test("portions hold each row once, in order, in few sizes", () => {
  for (const count of [0, 1, 3, 4, 63, 64, 150, 1000]) {
    const rows = Array.from({ length: count }, (_, at) => at);
    const all = [...portions(rows)];
    expect(all.flat()).toEqual(rows);
    expect(all.filter(({ length }) => ![64, 16, 4, 1].includes(length))).toEqual([]);
  }
});
