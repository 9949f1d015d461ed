// Cursors as anybody may send them: what no page gave is refused before a query is given it.
import { expect, test } from "bun:test";
import { z } from "zod";
import { WrongFields } from "./endpoint.ts";
import { cursorOf, pageBy, placeCursor, readCursor, readPlace, rowBefore } from "./paging.ts";

const Place = z.tuple([z.number(), z.string()]);

test("a place that a page gave is read as it was", () => {
  const place: [number, string] = [20_000, "@acme/grün 鯨"];
  expect(readPlace(placeCursor(place), Place)).toEqual(place);
  expect(readPlace(undefined, Place)).toBeNull();
  expect(readCursor(cursorOf("01J-x"))).toBe("01J-x");
});

const places: (string | number)[][] = [
  [1, "a\0b"],
  [1, "\ud800"],
  [1.5, "a"],
  [1e300, "a"],
  [1],
  ["a", 1],
];
for (const place of places)
  test(`no query is given the place ${JSON.stringify(place)}`, () =>
    expect(() => readPlace(placeCursor(place), Place)).toThrow(WrongFields));

test("no query is given a key with a NUL, or a number that is none", () => {
  expect(() => readCursor(cursorOf("a\0b"))).toThrow(WrongFields);
  expect(() => rowBefore(cursorOf("1\0"))).toThrow(WrongFields);
});

test("keys of a list that is in memory may be made of parts", () => {
  const all = ["a\0b", "a\0c", "b"];
  const { items, next } = pageBy(all, (one) => one, { limit: 1 });
  expect(items).toEqual(["a\0b"]);
  expect(pageBy(all, (one) => one, { limit: 5, cursor: next! }).items).toEqual(["a\0c", "b"]);
});
