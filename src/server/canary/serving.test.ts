import { expect, test } from "bun:test";
import type { RepositoryConfig } from "../../config/resolve.ts";
import { createClaims } from "../../core/claims.ts";
import type { AnyFormat } from "../../core/format.ts";
import type { PolicyRule } from "../../core/policy.ts";
import { formats } from "../../formats/index.ts";
import { createPolicy } from "../../policy/policy.ts";
import { ruledRepository } from "../../policy/rules.ts";
import type { Waiver } from "../../policy/waiver.ts";
import { faultsOf, type Serving } from "./serving.ts";

const DAY = 86_400_000;
const now = () => Date.UTC(2026, 10, 27);
const none = { revision: () => 0, all: (): Waiver[] => [] };

/** A name as each format's rules have it. */
const EXACT: Record<string, string> = {
  npm: "@acme/evil",
  pypi: "Evil.Thing",
  go: "example.test/evil",
  composer: "acme/evil",
  apt: "debian/evil",
};

function rulesOf({ name, purlType }: AnyFormat): PolicyRule[] {
  const rule = { repositories: null, versions: null };
  return [
    { ...rule, name: "incident", packages: [`pkg:${purlType}/${EXACT[name]}`], block: "bad" },
    { ...rule, name: "elsewhere", repositories: ["other"], packages: ["pkg:*"], block: "no" },
    { ...rule, name: "cooldown", packages: [`pkg:${purlType}/*`], minimumAge: 7 * DAY },
  ];
}

/** What serves by these rules and claims. */
function servingOf(
  format: AnyFormat,
  policy: readonly PolicyRule[],
  claims: string[],
  waivers = none,
): Serving {
  const owned = createClaims(claims, format.spell);
  return {
    decide: createPolicy(policy, ruledRepository("main", format), waivers).decide,
    owns: (name) => owned(name) !== null,
  };
}

const CLAIMS = ["@acme/*", "acme-*", "exact"];

for (const format of formats) {
  const policy = rulesOf(format);
  const settings = { name: "main", policy, claims: CLAIMS } as unknown as RepositoryConfig;
  const faults = (serving: Serving, waivers = none) =>
    faultsOf(settings, format, serving, { waivers, now });

  test(`${format.name}: what serves goes by the configuration, or its canaries turn red`, async () => {
    expect(await faults(servingOf(format, policy, CLAIMS))).toEqual({});
    const emptied = await faults(servingOf(format, [], CLAIMS));
    expect(Object.keys(emptied).sort()).toEqual(["bad", "young"]);
    expect(emptied.bad).toBe("the rule incident does not count in what serves");
    expect(Object.keys(await faults(servingOf(format, policy.slice(0, 2), CLAIMS)))).toEqual([
      "young",
    ]);
    expect(await faults(servingOf(format, policy.slice(1), CLAIMS))).toEqual({
      bad: "the rule incident does not count in what serves",
    });
    expect(await faults(servingOf(format, policy, CLAIMS.slice(1)))).toEqual({
      private: "the claim @acme/* does not count in what serves",
    });
  });

  test(`${format.name}: what is waived is no fault`, async () => {
    const waiver: Waiver = {
      id: "w",
      repository: null,
      purlType: format.purlType!,
      package: EXACT[format.name]!,
      versions: "*",
      reason: "needed",
      owner: "the test",
      createdAt: 0,
      until: null,
    };
    const waivers = { revision: () => 0, all: () => [waiver] };
    expect(await faults(servingOf(format, policy, CLAIMS, waivers), waivers)).toEqual({});
  });
}

test("versions of a range are tried", async () => {
  const format = formats.find(({ name }) => name === "npm")!;
  const rule = { name: "range", packages: ["pkg:npm/left"], repositories: null, block: "bad" };
  const policy = [{ ...rule, versions: ">=2.1.0 <2.4.0" }];
  const settings = { name: "main", policy, claims: [] } as unknown as RepositoryConfig;
  const deps = { waivers: none, now };
  expect(await faultsOf(settings, format, servingOf(format, policy, []), deps)).toEqual({});
  expect(await faultsOf(settings, format, servingOf(format, [], []), deps)).toEqual({
    bad: "the rule range does not count in what serves",
  });
});
