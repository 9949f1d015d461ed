import { expect, test } from "bun:test";
import { isPackageName, spellName } from "./names.ts";

const names: [name: string, accepted: boolean][] = [
  ["monolog/monolog", true],
  ["a/b", true],
  ["0/1", true],
  ["my-vendor/some_package.php", true],
  ["vendor/double--dash", true],
  ["harbour/line-implementation", true],
  ["ve--ndor/package", false],
  ["vendor/triple---dash", false],
  ["vendor/under__score", false],
  ["-vendor/package", false],
  ["vendor-/package", false],
  ["vendor/.package", false],
  ["vendor/package.", false],
  ["vendor/..", false],
  ["../package", false],
  ["vendor/pack..age", false],
  ["Vendor/package", false],
  ["vendor/package.json", false],
  ["vendor/con", false],
  ["lpt1/package", false],
  ["vendor/console", true],
  ["vendor", false],
  ["vendor/a/b", false],
  ["vendor/a%2fb", false],
  ["vendor/a b", false],
  ["vendor/a~dev", false],
  ["vendor/ä", false],
  ["vendor/package\n", false],
  ["packages.json", false],
  ["", false],
  [`vendor/${"a".repeat(200)}`, false],
];

for (const [name, accepted] of names)
  test(`isPackageName(${JSON.stringify(name.slice(0, 40))}) is ${accepted}`, () =>
    expect(isPackageName(name)).toBe(accepted));

test("isPackageName comes back from names that are made to hold it up", () => {
  for (const part of ["a", "a-", "a.", "a_a", "--"])
    expect(isPackageName(`a/${part.repeat(90)}!`)).toBe(false);
});

test("spellName has one spelling for a package and its branches", () => {
  expect(spellName("Acme/Foo")).toBe("acme/foo");
  expect(spellName("acme/foo~dev")).toBe("acme/foo");
  expect(spellName("acme/*")).toBe("acme/*");
});
