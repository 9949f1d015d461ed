import { expect, test } from "bun:test";
import { cryptForm, verifyCrypt } from "./crypt.ts";
import { foreignForm } from "./file.ts";
import vectors from "./testdata/vectors.json" with { type: "json" };

for (const { by, password, hash } of vectors.filter(({ hash }) => !hash.startsWith("$2")))
  test(`what ${by} made of "${password.slice(0, 20)}" is known again`, () => {
    expect(foreignForm(hash)).not.toBeNull();
    expect(verifyCrypt(password, hash)).toBe(true);
    expect(verifyCrypt(`${password}.`, hash)).toBe(false);
    expect(verifyCrypt(password.slice(1), hash)).toBe(false);
    expect(verifyCrypt("", hash)).toBe(false);
  });

test("what is no hash of a known form is never right", () => {
  for (const hash of [
    "",
    "tide",
    "Zv76kQyxTRpPk",
    "$apr1$salt$short",
    "$5$salt$short",
    `$6$rounds=999999999$salt$${"a".repeat(86)}`,
    `$5$salt$${"a".repeat(86)}`,
    "{SHA}tide",
    "$y$j9T$salt$hash",
  ]) {
    expect([hash, cryptForm(hash)]).toEqual([hash, null]);
    expect(verifyCrypt("tide", hash)).toBe(false);
  }
});
