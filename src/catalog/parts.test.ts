import { expect, test } from "bun:test";
import { fold, partsOf, rankOf } from "./parts.ts";

const folded: [name: string, want: string][] = [
  ["left-pad", "left-pad"],
  ["Left_Pad", "left-pad"],
  ["zope.interface", "zope-interface"],
  ["ruamel..yaml--clib", "ruamel-yaml-clib"],
  ["@Acme/UI", "@acme/ui"],
  ["github.com/Azure/go-autorest", "github-com/azure/go-autorest"],
  ["libstdc++6", "libstdc-6"],
  ["  ", ""],
  ["ﬁle", "file"],
];
for (const [name, want] of folded)
  test(`${name} is looked for as ${want}`, () => expect(fold(name)).toBe(want));

test("a name is found by itself, by what stands behind its scope, and by each of its words", () => {
  expect(partsOf("@acme/left-pad")).toEqual([
    { kind: 0, part: "@acme/left-pad" },
    { kind: 1, part: "left-pad" },
    { kind: 2, part: "acme/left-pad" },
    { kind: 2, part: "pad" },
  ]);
  expect(partsOf("a".repeat(100))).toHaveLength(1);
  expect(partsOf(Array(60).fill("a").join("-")).length).toBeLessThanOrEqual(20);
});

test("what is the same comes first, then what begins so, then words, then anything", () => {
  const names = ["my-grid-ui", "building", "ui-kit", "@acme/ui", "@acme/uikit", "ui"];
  const ranked = names.map((name) => [rankOf(name, "ui"), name] as const);
  expect(ranked.sort(([a], [b]) => a - b).map(([, name]) => name)).toEqual([
    "ui",
    "@acme/ui",
    "ui-kit",
    "@acme/uikit",
    "my-grid-ui",
    "building",
  ]);
});
