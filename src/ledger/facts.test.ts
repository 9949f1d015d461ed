import { expect, test } from "bun:test";
import type { Fact } from "../core/document.ts";
import { type KnownFact, lose, meet, tellsMore } from "./facts.ts";

const NOW = "2026-01-02T00:00:00.000Z";
const LATER = "2026-02-03T00:00:00.000Z";
const COMPLETE = { complete: true, isKnown: false, now: NOW };
const PARTIAL = { ...COMPLETE, complete: false };

function known(changes: Partial<KnownFact> = {}): KnownFact {
  return {
    file: "a-1.tgz",
    version: "1",
    integrity: "sha512-BBBB",
    isGrown: false,
    location: null,
    publishedAt: null,
    firstSeen: null,
    traits: null,
    goneAt: null,
    tampered: null,
    revision: 7,
    ...changes,
  };
}

const said = (integrity: string | null, changes: Partial<Fact> = {}): Fact => ({
  file: "a-1.tgz",
  version: "1",
  integrity,
  ...changes,
});

test("what is met first is believed, with its time in one spelling", () => {
  const location = "https://files.example.test/a-1.tgz";
  const first = said("sha512-DDDD", { location, publishedAt: "2024-03-01T10:00:00.123456+02:00" });
  expect(meet(null, first, COMPLETE)).toEqual({
    fact: known({
      integrity: "sha512-DDDD",
      location,
      publishedAt: "2024-03-01T08:00:00.123Z",
      revision: 0,
    }),
    changes: [],
  });
  expect(meet(null, said(null, { publishedAt: "some day" }), COMPLETE).fact.publishedAt).toBeNull();
});

const made: [what: string, madeAt: string, firstSeen: string | null, want: string | null][] = [
  ["before it was first seen", "2020-01-01T00:00:00Z", LATER, LATER],
  [
    "and was there when anybody first looked",
    "2020-01-01T00:00:00Z",
    null,
    "2020-01-01T00:00:00.000Z",
  ],
  ["in the future, by a wrong clock", "2999-01-01T00:00:00Z", null, LATER],
  ["some day", "some day", null, null],
];
for (const [what, madeAt, firstSeen, want] of made)
  test(`nobody makes a release older than its first sight: made ${what}`, () => {
    const { fact } = meet(known({ firstSeen }), said(null, { madeAt }), { ...PARTIAL, now: LATER });
    expect(fact.publishedAt).toBe(want);
  });

test("the registry's word goes before the maker's", () => {
  const both = said(null, { publishedAt: NOW, madeAt: "2020-01-01T00:00:00Z" });
  expect(meet(null, both, { ...PARTIAL, now: LATER }).fact.publishedAt).toBe(NOW);
});

const additions: [string, KnownFact, Fact, Partial<KnownFact>][] = [
  [
    "a stronger hash of the same bytes",
    known({ integrity: "sha1-AAAA" }),
    said("sha512-CCCC sha1-AAAA"),
    { integrity: "sha512-CCCC sha1-AAAA", isGrown: true },
  ],
  ["a first hash", known({ integrity: null }), said("sha1-AAAA"), { integrity: "sha1-AAAA" }],
  ["a place", known(), said("sha512-BBBB", { location: "https://a" }), { location: "https://a" }],
  [
    "traits, and the first licence stays",
    known({ traits: '{"licence":"MIT"}' }),
    said(null, { traits: { licence: "ISC", attested: true } }),
    { traits: '{"licence":"MIT","attested":true}' },
  ],
  ["a time", known(), said("sha512-BBBB", { publishedAt: NOW }), { publishedAt: NOW }],
];
for (const [what, before, fact, changes] of additions)
  test(`a later document adds ${what}`, () => {
    expect(meet(before, fact, COMPLETE)).toEqual({ fact: { ...before, ...changes }, changes: [] });
  });

test("nothing new is the same object: nothing is to be written", () => {
  const before = known({ publishedAt: NOW });
  for (const fact of [said("sha512-BBBB"), said(null), said(null, { publishedAt: LATER })])
    expect(meet(before, fact, { ...COMPLETE, now: LATER }).fact).toBe(before);
});

test("the first integrity stays when another is shown, and that is told once", () => {
  const lie = said("sha512-EEEE", { location: "https://elsewhere" });
  const lied = meet(known(), lie, PARTIAL);
  expect(lied).toEqual({
    fact: known({ tampered: { at: NOW, shown: "sha512-EEEE" } }),
    changes: [
      {
        kind: "tampered",
        file: "a-1.tgz",
        version: "1",
        first: "sha512-BBBB",
        shown: "sha512-EEEE",
      },
    ],
  });
  expect(meet(lied.fact, lie, { ...PARTIAL, now: LATER })).toEqual({
    fact: lied.fact,
    changes: [],
  });
  const other = meet(lied.fact, said("sha512-FFFF"), { ...PARTIAL, now: LATER });
  expect([other.fact.tampered, other.changes.length]).toEqual([
    { at: NOW, shown: "sha512-FFFF" },
    1,
  ]);
  expect(meet(lied.fact, said("sha512-BBBB"), { ...PARTIAL, now: LATER })).toEqual({
    fact: known(),
    changes: [],
  });
});

test("an integrity in another algorithm is a change, since nothing proves it the same", () => {
  expect(meet(known(), said("sha1-AAAA"), PARTIAL).changes).toHaveLength(1);
});

test("what has gone is told once, and its return only by a document that names all files", () => {
  const gone = lose(known(), NOW);
  expect(gone).toEqual({
    fact: known({ goneAt: NOW }),
    changes: [{ kind: "gone", file: "a-1.tgz", version: "1", first: "sha512-BBBB", shown: null }],
  });
  expect(lose(gone.fact, LATER)).toEqual({ fact: gone.fact, changes: [] });
  expect(meet(gone.fact, said("sha512-BBBB"), { ...PARTIAL, now: LATER })).toEqual({
    fact: gone.fact,
    changes: [],
  });
  const back = meet(gone.fact, said("sha512-BBBB"), { ...COMPLETE, now: LATER });
  expect(back.fact).toEqual(known());
  expect(back.changes.map(({ kind }) => kind)).toEqual(["returned"]);
});

const more: [string, KnownFact | null, Fact, boolean][] = [
  ["what is met first", null, said("sha1-AAAA"), true],
  ["what is met first and tells none", null, said(null), false],
  ["the same", known(), said("sha512-BBBB"), false],
  ["another one in the same algorithm", known(), said("sha512-CCCC"), false],
  ["one more algorithm", known(), said("sha512-BBBB sha1-AAAA"), true],
  ["another algorithm", known(), said("sha1-AAAA"), true],
  ["fewer", known({ integrity: "sha512-BBBB sha1-AAAA" }), said("sha1-AAAA"), false],
  [
    "what was found false",
    known({ tampered: { at: NOW, shown: "sha1-AAAA" } }),
    said("sha1-AAAA"),
    false,
  ],
];
for (const [what, before, fact, want] of more)
  test(`tellsMore(): ${what}: ${want}`, () => {
    expect(tellsMore(before, fact)).toBe(want);
  });

test("a digest that is told later is held against that of the bytes that are held here", () => {
  const before = known({ integrity: "sha1-AAAA" });
  const both = { integrity: "sha512-BBBB sha1-AAAA", isGrown: true };
  for (const integrity of ["sha512-BBBB sha1-AAAA", "sha512-BBBB"])
    expect(meet(before, said(integrity), COMPLETE, "sha512-BBBB")).toEqual({
      fact: { ...before, ...both },
      changes: [],
    });
  const lied = meet(before, said("sha512-CCCC sha1-AAAA"), COMPLETE, "sha512-BBBB");
  expect(lied.fact).toEqual({
    ...before,
    ...both,
    tampered: { at: NOW, shown: "sha512-CCCC sha1-AAAA" },
  });
  expect(lied.changes).toMatchObject([{ kind: "tampered", first: "sha512-BBBB sha1-AAAA" }]);
  const first = meet(null, said("sha512-CCCC"), COMPLETE, "sha512-BBBB");
  expect(first.fact).toMatchObject({
    integrity: "sha512-BBBB",
    tampered: { shown: "sha512-CCCC" },
  });
  expect(meet(null, said("sha512-BBBB"), COMPLETE, "sha512-BBBB").changes).toEqual([]);
});
