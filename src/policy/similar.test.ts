import { expect, test } from "bun:test";
import { formats } from "../formats/index.ts";
import { similarTo } from "./similar.ts";

const popular = [
  "react",
  "preact",
  "lodash",
  "cross-env",
  "cross-spawn",
  "requests",
  "ms",
  "numpy",
];
const table: [name: string, like: string | null, how: string][] = [
  ["lodash", null, "it itself"],
  ["preact", null, "another one that is known"],
  ["lodahs", "lodash", "two letters swapped"],
  ["lodas", "lodash", "one less"],
  ["lodashs", "lodash", "one more"],
  ["lodesh", "lodash", "another one"],
  ["l0dash", "lodash", "what looks alike"],
  ["crossenv", "cross-env", "no dash"],
  ["cross_env", "cross-env", "another sign"],
  ["env-cross", "cross-env", "another order"],
  ["nurnpy", "numpy", "two letters that look like one"],
  ["Reqeusts", "requests", "capitals"],
  ["mss", null, "a short name that is close to everything"],
  ["lodash-es", null, "more words"],
  ["kelp", null, "nothing like any"],
  ["", null, "nothing"],
  ["@reef/lodash", null, "a scope of its own"],
];
for (const [name, like, how] of table)
  test(`${name || "no name"}: ${how}`, () => {
    expect(similarTo(name, popular)).toBe(like);
  });

for (const format of formats.filter((one) => one.popular))
  test(`the popular names of ${format.name} are names, each once, and none is told of itself`, async () => {
    const names = await format.popular!();
    expect(names.length).toBeGreaterThan(200);
    expect(names.length).toBeLessThan(1_000);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) {
      expect(format.spell?.(name) ?? name.toLowerCase()).toBe(name);
      expect(similarTo(name, names)).toBeNull();
    }
  });
