// Pages that everybody sees are in line with what operators are told, and say less of it.
import { expect, test } from "bun:test";
import type { Tenure } from "../store/tenure.ts";
import type { Outage, Part } from "./away.ts";
import { groundReasons, storageTrouble } from "./surroundings.ts";

function ground(outages: Outage[], seen: ReturnType<Tenure["seen"]> = null) {
  const tenure = { seen: () => seen } as Tenure;
  return { away: { outages: () => outages, look: async () => null }, tenure, nodes: null };
}
const outage = (part: Part): Outage => ({
  ...{ part, why: "words", inFull: "words (key2)", since: 1, until: null },
});

const wrong = [
  ...(["database", "bucket", "folder", "news"] as const).map(
    (part) => [part, ground([outage(part)])] as const,
  ),
  ["catalog-behind", ground([], { why: "the files in /data/key2 are not its own", since: 1 })],
] as const;
for (const [name, what] of wrong)
  test(`${name} is told to everybody without why, as what operators are told is bad`, () => {
    expect(groundReasons(what)).toMatchObject([{ level: "bad", about: "storage" }]);
    expect(storageTrouble(what)).toEqual(expect.any(String));
    expect(storageTrouble(what)).not.toContain("key2");
  });

test("what is over is told no more", () => {
  const over = ground([{ ...outage("bucket"), until: 2 }]);
  expect([groundReasons(over), storageTrouble(over)]).toEqual([[], null]);
});
