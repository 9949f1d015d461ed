// `policy:`, the operator's rules about packages that come from elsewhere.
import { z } from "zod";
import type { AdvisoryWord, PolicyRule, VersionOrder } from "../core/policy.ts";
import type { TraitName } from "../core/traits.ts";
import { parseRange } from "../core/version-range.ts";
import type { Path } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { Duration } from "./values.ts";

/** `pkg:npm/@acme/*` */
const PURL_PATTERN = /^pkg:([a-z][a-z0-9]*)\/\S+$/;

const Why = z.string().trim().min(1, "says why, in a few words");

/** What a rule does: one of these. */
const VERDICTS = [
  "minimumAge",
  "block",
  "allow",
  "advisories",
  "licence",
  "newInstallScript",
  "provenance",
  "similarName",
] as const;

const Licences = z.array(z.string().regex(/^[A-Za-z0-9.*+-]+$/, "expected an SPDX identifier"));

const Licence = z
  .strictObject({
    allow: Licences.optional()
      .describe("Only these are fine. `*` stands for any text")
      .meta({ examples: [["MIT", "Apache-2.0", "BSD-*"]] }),
    deny: Licences.default([])
      .describe("These are not, whatever else is allowed")
      .meta({ examples: [["AGPL-*", "SSPL-1.0"]] }),
    unknown: z
      .enum(["allow", "block"])
      .default("allow")
      .describe("What becomes of versions that name no licence, or none that SPDX knows")
      .meta({ examples: ["block"] }),
  })
  .describe(
    "Versions under other licences are neither shown nor sent. Of `MIT OR GPL-3.0-only` one must be fine, of `MIT AND GPL-3.0-only` both",
  )
  .meta({ id: "Licence", title: "licence" });

const Withhold = z.enum(["block", "hold"]).optional();

const Rule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, "expected lower case letters, digits, dots and dashes")
      .describe("What it is called in refusals, in the log and in the audit log")
      .meta({ examples: ["cooldown"] }),
    packages: z
      .array(z.string().regex(PURL_PATTERN, "expected a purl pattern, like pkg:npm/@acme/*"))
      .min(1)
      .describe("Purls without a version. `*` stands for any text, slashes included")
      .meta({ examples: [["pkg:npm/*", "pkg:pypi/*"]] }),
    repositories: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("In which repositories; all without it")
      .meta({ examples: [["npm"]] }),
    versions: z
      .string()
      .optional()
      .describe("A range, like `>=1.2 <2 || 3.1.4`, by the order of the format; all without it")
      .meta({ examples: ["<4.17.21"] }),
    minimumAge: Duration.optional()
      .describe(
        "Versions that were published more recently are held: not shown to who resolves, and not fetched. What was fetched before stays. The first rule with an age decides; `0d` holds nothing",
      )
      .meta({ examples: ["3d"] }),
    block: Why.optional()
      .describe("Why these versions are neither shown nor sent, also when they are stored")
      .meta({ examples: ["malware, see our incident 112"] }),
    allow: Why.optional()
      .describe("Why these versions are never held. What is blocked stays blocked")
      .meta({ examples: ["made by us"] }),
    advisories: z
      .strictObject({
        malicious: Withhold,
        critical: Withhold,
        high: Withhold,
        moderate: Withhold,
        low: Withhold,
        unknown: Withhold,
      } satisfies Record<AdvisoryWord, unknown>)
      .refine(
        (words) => Object.keys(words).length > 0,
        "says nothing: give a word, like malicious: block",
      )
      .optional()
      .describe(
        "What becomes of versions that an advisory of `feeds` is about, by what it is: `block`, or `hold`, which is not to be shown and fetched while what was fetched before stays",
      )
      .meta({ examples: [{ malicious: "block", critical: "hold" }] }),
    exceptFixes: z
      .literal(true)
      .optional()
      .describe(
        "With `minimumAge`: a version that reviewed advisories name as the fix of all before it of its major version need not be old",
      )
      .meta({ examples: [true] }),
    licence: Licence.optional(),
    newInstallScript: Duration.optional()
      .describe(
        "Versions that run a script when they are installed, where the one before them did not, are held for so long after their publication",
      )
      .meta({ examples: ["14d"] }),
    provenance: Duration.optional()
      .describe(
        "Versions without the provenance that earlier ones had, or with one of another repository, are held for so long after their publication. What is attested is verified first",
      )
      .meta({ examples: ["30d"] }),
    similarName: z
      .literal("tell")
      .optional()
      .describe(
        "That a package is asked for, for the first time, whose name is close to a popular one is told as an event. Nothing is held",
      )
      .meta({ examples: ["tell"] }),
  })
  .refine(
    (rule) => VERDICTS.filter((one) => rule[one] !== undefined).length === 1,
    `needs exactly one of ${VERDICTS.slice(0, -1).join(", ")} and ${VERDICTS.at(-1)}`,
  )
  .refine(
    ({ minimumAge, exceptFixes }) => exceptFixes === undefined || minimumAge !== undefined,
    "exceptFixes is said of minimumAge, and there is none",
  )
  .meta({ id: "Rule", title: "rule" });

export const Policy = z
  .array(Rule)
  .default([])
  .describe(
    "Rules about packages that come from elsewhere: what is held while it is young, and what is blocked. docs/policy.md tells more",
  )
  .meta({
    examples: [[{ name: "cooldown", packages: ["pkg:npm/*"], minimumAge: "3d" }]],
  });

/** What is needed to know of a format. */
export interface RuledFormat {
  readonly name: string;
  readonly purlType?: string;
  readonly compareVersions?: VersionOrder;
  /** Its documents leave out what is withheld. */
  readonly withholds?: true;
  /** What its documents tell of a release for rules. */
  readonly tells?: readonly TraitName[];
  /** What is only known once a file is asked for. */
  readonly tellsLate?: readonly TraitName[];
  /** Names that others are mistaken for. */
  readonly popular?: unknown;
  /** A rule about ages is for all of its packages: why. */
  readonly heldTogether?: string;
}

/** `complain`: of what the schema cannot see. */
export function resolvePolicy(
  input: z.infer<typeof Policy>,
  formats: readonly RuledFormat[],
  repositories: readonly string[],
  complain: (path: Path, message: string) => void,
): PolicyRule[] {
  const names = new Set<string>();
  return input.map((rule, at) => {
    const path = ["policy", at];
    if (names.has(rule.name)) complain([...path, "name"], "another rule is called the same");
    names.add(rule.name);
    for (const [index, name] of (rule.repositories ?? []).entries()) {
      if (repositories.includes(name)) continue;
      const near = nearest(name, repositories);
      const hint = near ? `; did you mean ${near}?` : "";
      complain([...path, "repositories", index], `there is no repository ${name}${hint}`);
    }
    for (const [index, pattern] of rule.packages.entries())
      checkPattern(rule, pattern, formats, [...path, "packages", index], path, complain);
    const { repositories: where = null, versions = null, minimumAge, block, allow } = rule;
    const { licence, newInstallScript, provenance, similarName } = rule;
    return {
      name: rule.name,
      packages: rule.packages,
      repositories: where,
      versions,
      ...(minimumAge !== undefined && { minimumAge }),
      ...(block !== undefined && { block }),
      ...(allow !== undefined && { allow }),
      ...(licence && { licence: { ...licence, allow: licence.allow ?? null } }),
      ...(newInstallScript !== undefined && { newInstallScript }),
      ...(provenance !== undefined && { provenance }),
      ...(similarName && { similarName }),
      ...(rule.advisories && { advisories: definedOnly(rule.advisories) }),
      ...(rule.exceptFixes && { exceptFixes: rule.exceptFixes }),
    };
  });
}

/** What a rule must be told of releases. */
const NEEDS = [
  ["licence", "licence", "of their licences"],
  ["newInstallScript", "scripts", "of the scripts that run when they are installed"],
  ["provenance", "attested", "whether there is provenance"],
] as const;

function definedOnly<T extends object>(
  values: T,
): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return values as never; // what is absent is not there: the schema gives no undefined
}

function checkPattern(
  rule: z.infer<typeof Rule>,
  pattern: string,
  formats: readonly RuledFormat[],
  at: Path,
  rulePath: Path,
  complain: (path: Path, message: string) => void,
): void {
  const { versions, block, minimumAge } = rule;
  const type = PURL_PATTERN.exec(pattern)![1]!;
  const types = formats.flatMap(({ purlType }) => purlType ?? []);
  const format = formats.find(({ purlType }) => purlType === type);
  if (!format) {
    const near = nearest(type, types);
    complain(
      at,
      `no format here has purls of the type ${type}${near ? `; did you mean pkg:${near}/…?` : ` (there are ${types.join(", ")})`}`,
    );
    return;
  }
  // Half a rule would be taken for a whole one.
  if (!format.withholds)
    complain(
      at,
      `rules are not kept for ${format.name} yet: ${block === undefined ? "what is young" : "what is blocked"} would still be listed`,
    );
  for (const [verdict, trait, words] of NEEDS)
    if (rule[verdict] !== undefined && ![format.tells, format.tellsLate].flat().includes(trait))
      complain(at, `the documents of ${format.name} do not tell ${words}`);
  if (rule.licence?.unknown === "block" && format.tellsLate?.includes("licence"))
    complain(
      at,
      `the licence of a release of ${format.name} is only known once one of its files is asked for: \`unknown: block\` would leave out all of them`,
    );
  if (rule.similarName !== undefined && !format.popular)
    complain(at, `there is no list of popular names of ${format.name}`);
  const isForAll = /\/\*$/.test(pattern) && versions === undefined;
  if (minimumAge !== undefined && format.heldTogether && !isForAll)
    complain(at, format.heldTogether);
  try {
    if (versions !== undefined) parseRange(versions, format.compareVersions ?? null);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    complain([...rulePath, "versions"], error.message);
  }
}

/** Whether the rule can be about packages of a repository. */
export function isAbout(
  { packages, repositories }: PolicyRule,
  repository: string,
  { purlType }: RuledFormat,
): boolean {
  if (repositories && !repositories.includes(repository)) return false;
  return packages.some((pattern) => pattern.startsWith(`pkg:${purlType}/`));
}
