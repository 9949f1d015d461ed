import { describe, expect, test } from "bun:test";
import type { Advisory } from "../core/advisory.ts";
import type { PolicyRule } from "../core/policy.ts";
import { decide } from "./decide.ts";
import { compileRules } from "./rules.ts";
import { compileWaivers, type Waiver } from "./waiver.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 26);
const repository = {
  name: "npm",
  purlType: "npm",
  popular: { load: () => null, has: (name: string) => name === "react" },
  spell: (name: string) => name.toLowerCase(),
  order: (a: string, b: string) => Number.parseFloat(a || "-1") - Number.parseFloat(b || "-1"),
};

const rule = (name: string, changes: Partial<PolicyRule>): PolicyRule => ({
  name,
  packages: ["pkg:npm/*"],
  repositories: null,
  versions: null,
  ...changes,
});
const cooldown = rule("cooldown", { minimumAge: 3 * DAY });
const waiver = (changes: Partial<Waiver> = {}): Waiver => ({
  id: "1",
  repository: null,
  purlType: "npm",
  package: "Kelp",
  versions: "2",
  reason: "we need it",
  owner: "ann",
  createdAt: NOW,
  until: null,
  ...changes,
});

const table: [
  what: string,
  rules: PolicyRule[],
  waivers: Waiver[],
  age: number | null,
  verdict: string,
][] = [
  ["no rule", [], [], 0, "allow"],
  ["young", [cooldown], [], 1, "hold by cooldown"],
  ["just old enough", [cooldown], [], 3, "allow"],
  ["old", [cooldown], [], 30, "allow"],
  ["here before anybody looked", [cooldown], [], null, "allow"],
  ["published tomorrow, by a wrong clock", [cooldown], [], -1, "hold by cooldown"],
  [
    "the first rule with an age decides",
    [rule("fast", { packages: ["pkg:npm/kelp"], minimumAge: DAY }), cooldown],
    [],
    2,
    "allow",
  ],
  ["allowed by rule", [cooldown, rule("ours", { allow: "ours" })], [], 0, "allow"],
  [
    "allowed elsewhere",
    [cooldown, rule("ours", { allow: "ours", packages: ["pkg:pypi/*"] })],
    [],
    0,
    "hold by cooldown",
  ],
  ["blocked", [rule("bad", { block: "bad" })], [], 30, "block by bad"],
  ["blocked, another version", [rule("bad", { block: "bad", versions: "<2" })], [], 30, "allow"],
  [
    "a block beats allow",
    [rule("ours", { allow: "x" }), rule("bad", { block: "bad" })],
    [],
    30,
    "block by bad",
  ],
  [
    "a rule of another repository",
    [rule("bad", { block: "bad", repositories: ["other"] })],
    [],
    30,
    "allow",
  ],
  ["waived", [cooldown, rule("bad", { block: "bad" })], [waiver()], 0, "allow"],
  ["waived, by a range", [cooldown], [waiver({ versions: ">=2 <3" })], 0, "allow"],
  ["another version is waived", [cooldown], [waiver({ versions: "1" })], 0, "hold by cooldown"],
  ["another package is waived", [cooldown], [waiver({ package: "tide" })], 0, "hold by cooldown"],
  ["waived elsewhere", [cooldown], [waiver({ repository: "other" })], 0, "hold by cooldown"],
  ["of another format", [cooldown], [waiver({ purlType: "pypi" })], 0, "hold by cooldown"],
  ["the waiver has ended", [cooldown], [waiver({ until: NOW })], 0, "hold by cooldown"],
  ["the waiver ends tomorrow", [cooldown], [waiver({ until: NOW + DAY })], 0, "allow"],
];

describe("a release is decided on", () => {
  for (const [what, rules, waivers, age, want] of table)
    test(what, () => {
      const release = {
        package: "kelp",
        version: "2",
        publishedAt: age === null ? null : NOW - age * DAY,
      };
      const why = decide(
        release,
        compileRules(rules, repository),
        compileWaivers(waivers, repository),
        NOW,
      );
      expect(why ? `${why.verdict} by ${why.rule}` : "allow").toBe(want);
    });
});

test("it says which rule, until when, and who can lift it", () => {
  const release = { package: "kelp", version: "2", publishedAt: NOW - DAY };
  expect(decide(release, compileRules([cooldown], repository), [], NOW)).toEqual({
    verdict: "hold",
    version: "2",
    rule: "cooldown",
    until: NOW + 2 * DAY,
    message:
      "kelp 2 is held by the rule cooldown until 2026-11-28T00:00Z: it is new (2026-11-25T00:00Z). An administrator can waive that",
  });
});

test("a scope may be written as purls have it", () => {
  const rules = [rule("bad", { block: "bad", packages: ["pkg:npm/%40acme/*"] })];
  const release = { package: "@acme/ui", version: "1", publishedAt: null };
  expect(decide(release, compileRules(rules, repository), [], NOW)?.verdict).toBe("block");
});

describe("what is otherwise than before", () => {
  const trust = rule("trust", { provenance: 30 * DAY });
  const scripts = rule("scripts", { newInstallScript: 14 * DAY });
  const lost = { provenance: "it comes without provenance, which 1 had", scripts: null };
  const both = { ...lost, scripts: "it runs a script" };
  const of = (rules: PolicyRule[], suspicion: typeof both | typeof lost, age = 1, waived = false) =>
    decide(
      { package: "kelp", version: "2", publishedAt: NOW - age * DAY, suspicion },
      compileRules(rules, repository),
      waived ? compileWaivers([waiver()], repository) : [],
      NOW,
    );

  test("is held until the rule's window ends, with the reason", () => {
    expect(of([trust], lost)).toEqual({
      verdict: "hold",
      version: "2",
      rule: "trust",
      until: NOW + 29 * DAY,
      message:
        "kelp 2 is held by the rule trust until 2026-12-25T00:00Z: it comes without provenance, which 1 had. An administrator can waive that",
    });
    expect(of([trust], lost, 30)).toBeNull();
  });

  test("goes before the age, and after what allows, blocks or waives", () => {
    expect(of([cooldown, trust], lost)?.rule).toBe("trust");
    expect(of([cooldown, trust], lost, 30)).toBeNull();
    expect(of([rule("ours", { allow: "ours" }), trust], lost)).toBeNull();
    expect(of([trust, rule("bad", { block: "bad" })], lost)?.rule).toBe("bad");
    expect(of([trust], lost, 1, true)).toBeNull();
  });

  test("is held by the rule that asks for it, the first of them", () => {
    expect(of([scripts], lost)).toBeNull();
    expect(of([scripts, trust], both)?.rule).toBe("scripts");
    expect(of([scripts, trust], both, 20)?.rule).toBe("trust");
  });
});

describe("a licence", () => {
  const licences = rule("licences", {
    licence: { allow: null, deny: ["AGPL-*"], unknown: "allow" },
  });
  const of = (licence: string | undefined, rules = [licences], waived = false) =>
    decide(
      { package: "kelp", version: "2", publishedAt: null, traits: licence ? { licence } : {} },
      compileRules(rules, repository),
      waived ? compileWaivers([waiver()], repository) : [],
      NOW,
    );

  test("that is denied blocks, whatever is allowed, until it is waived", () => {
    expect(of("AGPL-3.0-only")).toMatchObject({
      verdict: "block",
      rule: "licences",
      until: null,
      message:
        "kelp 2 is blocked by the rule licences: its licence is AGPL-3.0-only. An administrator can waive that",
    });
    expect(of("AGPL-3.0-only", [rule("ours", { allow: "ours" }), licences])?.rule).toBe("licences");
    expect(of("AGPL-3.0-only", [licences], true)).toBeNull();
    expect(of("MIT")).toBeNull();
    expect(of(undefined)).toBeNull();
  });
});

describe("an advisory decides", () => {
  const advisory = (changes: Partial<Advisory> = {}): Advisory => ({
    id: "GHSA-1",
    aliases: [],
    purlType: "npm",
    package: "kelp",
    kind: "vulnerability",
    summary: "It is\nbad",
    details: "",
    severity: "high",
    cvss: null,
    score: null,
    cwes: [],
    url: "https://example.test/1",
    publishedAt: null,
    modifiedAt: "2026-01-01T00:00:00.000Z",
    withdrawnAt: null,
    versions: [],
    ranges: [{ introduced: "0", fixed: "3", lastAffected: null }],
    raw: () => "{}",
    feed: "osv",
    ...changes,
  });
  const malware = (changes: Partial<Advisory> = {}) =>
    advisory({ id: "MAL-1", kind: "malicious", ...changes });
  const open = [{ introduced: "0", fixed: null, lastAffected: null }];
  const strict = rule("strict", { advisories: { malicious: "block", high: "hold" } });
  const late = rule("cooldown", { minimumAge: 3 * DAY, exceptFixes: true });
  const fixing = advisory({ ranges: [{ introduced: "0", fixed: "2", lastAffected: null }] });
  const react = { package: "react" };
  const cases: [
    what: string,
    advisories: Advisory[],
    rules: PolicyRule[],
    verdict: string,
    about?: { package: string },
  ][] = [
    ["none", [], [strict], "allow"],
    ["a vulnerability that is held", [advisory()], [strict], "hold by strict"],
    ["one that no rule speaks of", [advisory({ severity: "low" })], [strict], "allow"],
    ["one of which nothing is known", [advisory({ severity: null })], [strict], "allow"],
    ["one of other versions", [fixing], [strict], "allow"],
    ["one that was taken back", [advisory({ withdrawnAt: "2026" })], [strict], "allow"],
    [
      "malware that is named",
      [malware({ ranges: [], versions: ["2"] })],
      [strict],
      "block by strict",
    ],
    ["malware of all versions", [malware({ ranges: open })], [strict], "block by strict"],
    [
      "malware of named versions, widened to all",
      [malware({ ranges: open, versions: ["1"] })],
      [strict],
      "allow",
    ],
    [
      "the version that such a record names",
      [malware({ ranges: open, versions: ["2"] })],
      [strict],
      "block by strict",
    ],
    [
      "malware of all of a popular name",
      [malware({ package: "react", ranges: open })],
      [strict],
      "allow",
      react,
    ],
    [
      "the same from two sources",
      [malware({ package: "react", ranges: open, sources: 2 })],
      [strict],
      "block by strict",
      react,
    ],
    [
      "the same from two records",
      [
        malware({ package: "react", ranges: open }),
        malware({ package: "react", id: "MAL-2", ranges: open }),
      ],
      [strict],
      "block by strict",
      react,
    ],
    [
      "a block, whatever else is allowed",
      [malware({ versions: ["2"] })],
      [rule("ours", { allow: "ours" }), strict],
      "block by strict",
    ],
    [
      "a hold, but for what is allowed",
      [advisory()],
      [rule("ours", { allow: "ours" }), strict],
      "allow",
    ],
    ["before the age does", [advisory()], [late, strict], "hold by strict"],
    [
      "that a young fix need not wait",
      [advisory({ ...fixing, isReviewed: true })],
      [late],
      "allow",
    ],
    ["but for a word of one's own", [fixing], [late], "hold by cooldown"],
    ["that two tell of", [fixing, { ...fixing, id: "PYSEC-1" }], [late], "allow"],
    [
      "once, for the same under two names",
      [fixing, { ...fixing, id: "CVE-1", aliases: ["GHSA-1"] }],
      [late],
      "hold by cooldown",
    ],
    [
      "but for a fix of a part of its major version",
      [
        advisory({
          isReviewed: true,
          ranges: [{ introduced: "2.5", fixed: "2", lastAffected: null }],
        }),
      ],
      [late],
      "hold by cooldown",
    ],
    [
      "but for one of which malware is told",
      [{ ...fixing, isReviewed: true }, malware({ versions: ["2"] })],
      [late],
      "hold by cooldown",
    ],
    [
      "but for a rule that wants its age",
      [{ ...fixing, isReviewed: true }],
      [cooldown],
      "hold by cooldown",
    ],
  ];
  for (const [what, advisories, rules, want, about = { package: "kelp" }] of cases)
    test(what, () => {
      const release = { version: "2", publishedAt: NOW - DAY, ...about };
      const why = decide(release, compileRules(rules, repository), [], NOW, advisories);
      expect(why ? `${why.verdict} by ${why.rule}` : "allow").toBe(want);
    });

  test("and says which one, in one line", () => {
    const release = { package: "kelp", version: "2", publishedAt: null };
    const why = decide(release, compileRules([strict], repository), [], NOW, [advisory()]);
    expect(why?.message).toBe(
      "kelp 2 is held by the rule strict: GHSA-1, high: It is bad (https://example.test/1). An administrator can waive that",
    );
  });
});
