import { expect, test } from "bun:test";
import { isConstraint } from "./constraints.ts";
import { normalizeBranch, normalizeVersion } from "./normalize.ts";
// What Composer's own VersionParser says of each (2.5.5, composer/semver 3.3); null and "refused" where it throws.
// test/clients/composer-private.test.ts asks the one that is installed.
import table from "./testdata/semver.json" with { type: "json" };

const { versions, branches, constraints } = table as unknown as {
  versions: [string, string | null][];
  branches: [string, string | null][];
  constraints: { read: string[]; refused: string[] };
};

test("versions are normalized as Composer normalizes them", () => {
  for (const [text, want] of versions) expect([text, normalizeVersion(text)]).toEqual([text, want]);
});

test("branches are normalized as Composer normalizes them", () => {
  for (const [text, want] of branches) expect([text, normalizeBranch(text)]).toEqual([text, want]);
});

test("constraints are taken that Composer can read, and no others", () => {
  expect(constraints.read.filter((text) => !isConstraint(text))).toEqual([]);
  expect(constraints.refused.filter(isConstraint)).toEqual([]);
});

test("isConstraint takes no long texts, and comes back from any", () => {
  expect(isConstraint("1".repeat(2000))).toBe(false);
  for (const part of ["1.", "-1", "alpha1", "x.", "dev", "@", " as ", " ", ", ", "|", " - ", "^~"])
    expect(() => isConstraint(`^1.0${part.repeat(100)}!`)).not.toThrow();
});
