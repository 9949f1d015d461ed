import { expect, test } from "bun:test";
import { createPolicy } from "./policy.ts";
import { ruledRepository } from "./rules.ts";

test("the format's popular names are there when what feeds tell is", async () => {
  const repository = ruledRepository("toy", { purlType: "toy", popular: async () => ["thing"] });
  const rule = {
    name: "strict",
    packages: ["pkg:toy/*"],
    repositories: null,
    versions: null,
    advisories: { malicious: "block" as const },
  };
  const feeds = { about: async () => [], recall: () => [], revision: () => 0 };
  const policy = createPolicy(
    [rule],
    repository,
    { revision: () => 0, all: () => [] },
    {
      feeds,
    },
  );
  expect(repository.popular!.has("thing")).toBe(false);
  expect(await policy.advisories("thing")).toEqual([]);
  expect([repository.popular!.has("thing"), repository.popular!.has("other")]).toEqual([
    true,
    false,
  ]);
  // From now on nobody waits.
  expect(policy.advisories("thing")).toEqual([]);
});
