import { expect, test } from "bun:test";
import { type KnownFacts, reconcile } from "./facts.ts";

const NOW = "2026-01-02T00:00:00.000Z";
const known: KnownFacts = {
  "a-1.tgz": { v: "1", i: "sha1-AAAA" },
  "a-2.tgz": { v: "2", i: "sha512-BBBB" },
};

test("reconcile() pins the first integrity and adds a stronger one of the same bytes", () => {
  const result = reconcile(
    known,
    [
      { file: "a-1.tgz", version: "1", integrity: "sha512-CCCC sha1-AAAA" },
      { file: "a-2.tgz", version: "2", integrity: "sha512-BBBB" },
      {
        file: "a-3.tgz",
        version: "3",
        integrity: "sha512-DDDD",
        location: "https://files.example.test/a-3.tgz",
      },
    ],
    true,
    NOW,
  );
  expect(result.facts).toEqual({
    "a-1.tgz": { v: "1", i: "sha512-CCCC sha1-AAAA", a: true },
    "a-2.tgz": { v: "2", i: "sha512-BBBB" },
    "a-3.tgz": { v: "3", i: "sha512-DDDD", l: "https://files.example.test/a-3.tgz" },
  });
  expect([result.tampered, result.gone, result.returned]).toEqual([[], [], []]);
});

test("reconcile() keeps the first integrity when another is shown, and says so once", () => {
  const lie = [{ file: "a-2.tgz", version: "2", integrity: "sha512-EEEE" }];
  const first = reconcile(known, lie, false, NOW);
  expect(first.facts["a-2.tgz"]).toEqual({
    v: "2",
    i: "sha512-BBBB",
    t: { since: NOW, shown: "sha512-EEEE" },
  });
  expect(first.tampered).toEqual([
    { file: "a-2.tgz", version: "2", first: "sha512-BBBB", shown: "sha512-EEEE" },
  ]);
  const again = reconcile(first.facts, lie, false, NOW);
  expect([again.tampered, again.changed]).toEqual([[], false]);
});

test("reconcile() takes an integrity in another algorithm for a change, since nothing proves it the same", () => {
  const result = reconcile(
    known,
    [{ file: "a-2.tgz", version: "2", integrity: "sha1-AAAA" }],
    false,
    NOW,
  );
  expect(result.tampered).toHaveLength(1);
});

test("reconcile() forgets the lie when the upstream is honest again", () => {
  const lied = reconcile(
    known,
    [{ file: "a-2.tgz", version: "2", integrity: "sha512-EEEE" }],
    false,
    NOW,
  );
  const honest = reconcile(
    lied.facts,
    [{ file: "a-2.tgz", version: "2", integrity: "sha512-BBBB" }],
    false,
    NOW,
  );
  expect(honest.facts["a-2.tgz"]).toEqual({ v: "2", i: "sha512-BBBB" });
});

test("reconcile() notices what has gone and what returned, only in complete documents", () => {
  const two = [{ file: "a-2.tgz", version: "2", integrity: "sha512-BBBB" }];
  expect(reconcile(known, two, false, NOW).gone).toEqual([]);
  const gone = reconcile(known, two, true, NOW);
  expect(gone.gone).toEqual([{ file: "a-1.tgz", version: "1", first: "sha1-AAAA", shown: null }]);
  expect(reconcile(gone.facts, two, true, NOW).gone).toEqual([]);
  const back = reconcile(
    gone.facts,
    [...two, { file: "a-1.tgz", version: "1", integrity: "sha1-AAAA" }],
    true,
    NOW,
  );
  expect(back.returned).toHaveLength(1);
  expect(back.facts).toEqual(known);
});

test("reconcile() treats file names that are properties of objects like any other", () => {
  const result = reconcile(
    {},
    [
      { file: "__proto__", version: "1", integrity: "sha1-AAAA" },
      { file: "constructor", version: "1", integrity: null },
    ],
    true,
    NOW,
  );
  expect(result.facts["constructor"]).toEqual({ v: "1", i: null });
  expect(reconcile(result.facts, [], true, NOW).gone.map(({ file }) => file)).toContain(
    "constructor",
  );
});
