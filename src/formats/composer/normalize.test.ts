import { expect, test } from "bun:test";
import { isBranch, normalizeVersion } from "./normalize.ts";

// What composer/semver 3.3 makes of each; null where it throws.
const versions: [text: string, want: string | null][] = [
  ["1.0.0", "1.0.0.0"],
  ["v1.2.3", "1.2.3.0"],
  ["1", "1.0.0.0"],
  ["1.2", "1.2.0.0"],
  ["V2.0", "2.0.0.0"],
  ["1.0.0.5", "1.0.0.5"],
  ["1.2.3-beta", "1.2.3.0-beta"],
  ["1.2.3-beta.2", "1.2.3.0-beta2"],
  ["1.2.3beta2", "1.2.3.0-beta2"],
  ["1.2.3-RC1", "1.2.3.0-RC1"],
  ["1.0.0-rc.1", "1.0.0.0-RC1"],
  ["1.0-alpha-3", "1.0.0.0-alpha3"],
  ["1.0.0-a1", "1.0.0.0-alpha1"],
  ["1.0.0-b", "1.0.0.0-beta"],
  ["1.0.0-pl2", "1.0.0.0-patch2"],
  ["1.0.0-patch1", "1.0.0.0-patch1"],
  ["1.0.0-p1", "1.0.0.0-patch1"],
  ["1.0.0-stable", "1.0.0.0"],
  ["1.0.0-dev", "1.0.0.0-dev"],
  ["1.x-dev", "1.9999999.9999999.9999999-dev"],
  ["1.2.x-dev", "1.2.9999999.9999999-dev"],
  ["1.2.*-dev", "1.2.9999999.9999999-dev"],
  ["v1.x-dev", "1.9999999.9999999.9999999-dev"],
  ["2.X-dev", "2.9999999.9999999.9999999-dev"],
  ["1-dev", "1.0.0.0-dev"],
  ["dev-main", "dev-main"],
  ["dev-feature/leaf", "dev-feature/leaf"],
  ["DEV-Master", "dev-Master"],
  ["dev-master", "dev-master"],
  ["master", "dev-master"],
  ["trunk", "dev-trunk"],
  ["default", "dev-default"],
  ["20240101", "20240101"],
  ["2024.01.02", "2024.01.02.0"],
  ["2024-01-02", "2024.01.02"],
  ["20240102.1", "20240102.1"],
  ["20240102-3", "20240102.3"],
  ["2010-01-02-10-20-30.5", "2010.01.02.10.20.30.5"],
  ["1.0.0+build.1", "1.0.0.0"],
  ["1.0.0-beta+build", "1.0.0.0-beta"],
  ["1.0.0@dev", "1.0.0.0"],
  ["1.0.0 as 2.0", "1.0.0.0"],
  ["10.4.13.dev-x", null],
  ["foo", null],
  ["1.0.0.0.0", null],
  ["1.2.3.4-beta", "1.2.3.4-beta"],
  ["100000.0", "100000.0"],
  ["99999", "99999.0.0.0"],
  ["1.0.0-beta.2.1", "1.0.0.0-beta2.1"],
  ["1.0.0-dev-dev", null],
  ["feature-dev", null],
  ["1.0.0_beta_1", null],
  ["1.0.0.beta1", "1.0.0.0-beta1"],
  ["1.0.0-beta.dev", "1.0.0.0-beta-dev"],
  [" 1.0.0 ", "1.0.0.0"],
  ["1.0.0-RC1-dev", "1.0.0.0-RC1-dev"],
  ["2.0.0-beta-1", "2.0.0.0-beta1"],
  ["201903.0", "201903.0"],
  ["2019.03.0", "2019.03.0.0"],
  ["", null],
];

for (const [text, want] of versions)
  test(`normalizeVersion(${JSON.stringify(text)}) is ${want}`, () =>
    expect(normalizeVersion(text)).toBe(want));

test("normalizeVersion takes no long texts, and comes back from any", () => {
  expect(normalizeVersion("1".repeat(300))).toBeNull();
  for (const part of ["1", ".1", "-1", "alpha1", "a.", "x.", "dev", "@", " as "])
    expect(() => normalizeVersion(`1.0.0-alpha${part.repeat(40)}!`)).not.toThrow();
});

test("isBranch knows branches by their normalized name", () => {
  for (const name of ["dev-main", "1.9999999.9999999.9999999-dev", "1.0.0.0-dev"])
    expect(isBranch(name)).toBe(true);
  for (const name of ["1.0.0.0", "1.0.0.0-beta2", "2024.01.02"]) expect(isBranch(name)).toBe(false);
});
