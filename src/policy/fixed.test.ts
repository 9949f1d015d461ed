import { expect, test } from "bun:test";
import { parseRange } from "../core/version-range.ts";
import { fixOf } from "./fixed.ts";

const order = (a: string, b: string) => Number.parseFloat(a || "-1") - Number.parseFloat(b || "-1");
const releases = ["3", "1", "2", "4"].map((version) => ({
  package: "kelp",
  version,
  publishedAt: null,
}));

const table: [waived: string, withheld: string[], want: string | null][] = [
  ["2", [], "3"],
  ["2", ["3"], "4"],
  ["2", ["3", "4"], null],
  ["4", [], null],
  [">=2 <4", [], "4"],
  ["5", [], null],
];
for (const [waived, withheld, want] of table)
  test(`${waived} is fixed by ${want}, where ${withheld.join(" and ") || "nothing"} is withheld`, () => {
    const waiver = { holdsFor: parseRange(waived, order) };
    const isFree = ({ version }: { version: string }) => !withheld.includes(version);
    expect(fixOf(waiver, releases, isFree, order)?.version ?? null).toBe(want);
  });
