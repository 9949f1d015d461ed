import { expect, test } from "bun:test";
import { expand, minify } from "./minify.ts";
import { seeded } from "./testdata/repository.ts";

const full = [
  { name: "a/b", version: "2.0.0", require: { php: ">=8" }, license: ["MIT"] },
  { name: "a/b", version: "1.1.0", require: { php: ">=7" }, license: ["MIT"], abandoned: true },
  { name: "a/b", version: "1.0.0", license: ["MIT"] },
  { name: "a/b", version: "0.9.0", require: { php: ">=7" }, license: ["MIT"] },
];
const small = [
  { name: "a/b", version: "2.0.0", require: { php: ">=8" }, license: ["MIT"] },
  { version: "1.1.0", require: { php: ">=7" }, abandoned: true },
  { version: "1.0.0", require: "__unset", abandoned: "__unset" },
  { version: "0.9.0", require: { php: ">=7" } },
];

test("minify writes what differs", () => expect(minify(full)).toEqual(small));
test("expand reads it", () => expect(expand(small)).toEqual(full));

test("nothing, and a single version, stay as they are", () => {
  expect(minify([])).toEqual([]);
  expect(expand([])).toEqual([]);
  expect(minify([full[0]!])).toEqual([full[0]!]);
});

test("null is a value, and names of an object's own parts are names", () => {
  const versions = JSON.parse(
    '[{"version":"2","dist":null,"__proto__":{"x":1}},{"version":"1","dist":null},{"version":"0","__proto__":2}]',
  );
  expect(JSON.stringify(minify(versions))).toBe(
    '[{"version":"2","dist":null,"__proto__":{"x":1}},{"version":"1","__proto__":"__unset"},{"version":"0","__proto__":2,"dist":"__unset"}]',
  );
  expect(JSON.stringify(expand(minify(versions)))).toBe(JSON.stringify(versions));
});

test("expand undoes minify, whatever the versions hold", () => {
  const random = seeded(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  for (let round = 0; round < 200; round += 1) {
    const versions = Array.from({ length: 1 + Math.floor(random() * 8) }, () =>
      Object.fromEntries(
        ["a", "b", "c", "d"]
          .filter(() => random() < 0.7)
          .map((field) => [field, pick([1, "x", null, ["y"], { z: 1 }, false])]),
      ),
    );
    expect(expand(minify(versions))).toEqual(versions);
  }
});

test("a few fields in very many versions are not written out", () => {
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`f${at}`, ""]));
  const many = Array.from({ length: 100_000 }, () => ({}));
  expect(() => expand([wide, ...many])).toThrow("far more");
});
