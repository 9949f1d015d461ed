import { describe, expect, test } from "bun:test";
import { baseScore } from "./cvss.ts";
import { advisoryOf, readRecord } from "./record.ts";
import { ecosystems, record } from "./testkit.ts";

const AT = "2026-01-01T00:00:00Z";
const [toys] = ecosystems;
const flat = (changes: Record<string, unknown>, ecosystem = toys!) =>
  advisoryOf(JSON.stringify(record("GHSA-1", AT, changes)), { ecosystem, name: "thing" }, "osv");
const affected = (rest: Record<string, unknown>) => ({
  affected: [{ package: { ecosystem: "Toys", name: "Thing" }, ...rest }],
});
const events = (...all: Record<string, string>[]) =>
  affected({ ranges: [{ type: "SEMVER", events: all }] });

describe("a vector of CVSS 3 has the score that its specification gives it", () => {
  const table: [string, number | null][] = [
    ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8],
    ["CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1],
    ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10],
    ["CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:N/I:N/A:N", 0],
    ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5],
    ["CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", null],
    ["CVSS:3.1/AV:X/AC:L", null],
    ["", null],
  ];
  for (const [vector, score] of table)
    test(vector || "nothing", () => expect(baseScore(vector)).toBe(score));
});

describe("ranges are the pairs of a record's events", () => {
  const table: [Record<string, string>[], [string, string | null, string | null][]][] = [
    [[{ introduced: "0" }, { fixed: "1.2" }], [["0", "1.2", null]]],
    [[{ introduced: "0" }], [["0", null, null]]],
    [
      [{ introduced: "1" }, { fixed: "2" }, { introduced: "3" }, { last_affected: "4" }],
      [
        ["1", "2", null],
        ["3", null, "4"],
      ],
    ],
    [[{ fixed: "2" }, { introduced: "0" }], [["0", "2", null]]],
    [[{ fixed: "2" }], []],
    [[{ limit: "2" }], []],
  ];
  for (const [all, want] of table)
    test(JSON.stringify(all), () =>
      expect(
        flat(events(...all))!.ranges.map((one) => [one.introduced, one.fixed, one.lastAffected]),
      ).toEqual(want),
    );
});

test("commits are in no order here, and say nothing of versions", () => {
  const git = affected({ ranges: [{ type: "GIT", events: [{ introduced: "0" }] }] });
  expect(flat(git)).toMatchObject({ ranges: [], versions: [] });
});

test("versions are written as the format writes them", () => {
  const own = { ...toys!, version: (text: string) => `v${text}` };
  const range = { type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.2.0" }] };
  expect(flat(affected({ versions: ["1.0.0"], ranges: [range] }), own)).toMatchObject({
    versions: ["v1.0.0"],
    ranges: [{ introduced: "0", fixed: "v1.2.0" }],
  });
});

test("how bad it is: in the database's word, or by its vector", () => {
  const vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
  const severity = [{ type: "CVSS_V3", score: vector }];
  expect(flat({ severity })).toMatchObject({ severity: "critical", score: 9.8, cvss: vector });
  expect(flat({ severity, database_specific: { severity: "MODERATE" } })?.severity).toBe(
    "moderate",
  );
  expect(flat({})?.severity).toBeNull();
});

test("a release of a distribution is one of its name", () => {
  const some = {
    affected: [{ package: { ecosystem: "Toys:12", name: "thing" }, versions: ["1-1"] }],
  };
  expect(readRecord(JSON.stringify(record("D-1", AT, some)), ecosystems).packages).toEqual([
    { purlType: "toy", name: "thing" },
  ]);
});

test("who told of malware counts once each", () => {
  const origins = [{ source: "a" }, { source: "b" }, { source: "a" }];
  expect(flat({ database_specific: { "malicious-packages-origins": origins } })?.sources).toBe(2);
});
