import { describe, expect, test } from "bun:test";
import type { Withholding } from "../../core/policy.ts";
import { compareVersions, repointTags, restrictionsOf } from "./withheld.ts";

const why = (version: string): Withholding => ({
  verdict: "hold",
  version,
  rule: "cooldown",
  until: null,
  message: `${version} is held`,
});
const hidden = (...versions: string[]) =>
  new Map(versions.map((version) => [version, why(version)]));

/** A version that ends with "!" is deprecated. */
const table: [
  what: string,
  tag: string,
  target: string,
  held: string[],
  shown: string[],
  want: string | undefined,
][] = [
  ["the version before", "latest", "2.1.0", ["2.1.0"], ["1.0.0", "2.0.0"], "2.0.0"],
  ["never one above it", "latest", "2.1.0", ["2.1.0"], ["2.0.0", "3.0.0"], "2.0.0"],
  [
    "no prerelease in place of a release",
    "latest",
    "2.1.0",
    ["2.1.0"],
    ["2.0.0", "2.1.0-rc.1"],
    "2.0.0",
  ],
  [
    "a prerelease in place of one",
    "next",
    "3.0.0-b.2",
    ["3.0.0-b.2"],
    ["2.0.0", "3.0.0-b.1"],
    "3.0.0-b.1",
  ],
  ["latest may go a major version back", "latest", "2.0.0", ["2.0.0"], ["1.9.0"], "1.9.0"],
  ["other tags may not", "legacy", "2.0.0", ["2.0.0"], ["1.9.0"], undefined],
  ["rather one that is not deprecated", "latest", "2.1.0", ["2.1.0"], ["1.0.0", "2.0.0!"], "1.0.0"],
  ["a deprecated one before none", "latest", "2.1.0", ["2.1.0"], ["2.0.0!"], "2.0.0"],
  ["nothing is left", "latest", "1.0.0", ["1.0.0"], [], undefined],
  ["by number, not by letter", "latest", "1.11.0", ["1.11.0"], ["1.9.0", "1.10.0"], "1.10.0"],
  ["a tag of what is shown stays", "latest", "1.0.0", ["2.0.0"], ["1.0.0"], "1.0.0"],
];

describe("a tag leads elsewhere when its version is hidden", () => {
  for (const [what, tag, target, held, shown, want] of table)
    test(what, () => {
      const flags = new Map(shown.map((one) => [one.replace("!", ""), one.endsWith("!")]));
      expect(repointTags({ [tag]: target }, hidden(...held), flags)[tag]).toBe(want);
    });
});

test("what cannot be had is told newest first, a few in words", () => {
  const versions = ["1.0.0", "1.10.0", "1.9.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0"];
  const told = restrictionsOf("kelp", hidden(...versions))!;
  expect(told.message.split("\n")).toEqual([
    "5.0.0 is held",
    "4.0.0 is held",
    "3.0.0 is held",
    "2.0.0 is held",
    "1.10.0 is held",
    "and 2 more versions",
  ]);
  expect(told.versions["1.9.0"]).toEqual({ name: "kelp", version: "1.9.0" });
  expect(restrictionsOf("kelp", new Map())).toBeNull();
});

test("versions have an order, and what is none comes first", () => {
  const sorted = ["1.10.0", "x", "1.9", "1", "1.10.0-rc.1"].sort(compareVersions);
  expect(sorted).toEqual(["x", "1", "1.9", "1.10.0-rc.1", "1.10.0"]);
  expect(compareVersions("", "")).toBe(0);
});
