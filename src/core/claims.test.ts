import { expect, test } from "bun:test";
import { createClaims } from "./claims.ts";

const cases: [pattern: string, name: string, want: boolean][] = [
  ["@acme/*", "@acme/app", true],
  ["@acme/*", "@ACME/app", true],
  ["@Acme/*", "@acme/app", true],
  ["@acme/*", "@acme", false],
  ["@acme/*", "@acmex/app", false],
  ["acme-*", "acme-tool", true],
  ["acme-*", "my-acme-tool", false],
  ["git.example.com/*", "git.example.com/team/lib/v2", true],
  ["git.example.com/team", "git.example.com/team/lib", true],
  ["git.example.com/team/", "git.example.com/team/lib", true],
  ["git.example.com/team/", "git.example.com/team", true],
  ["git.example.com/team", "git.example.com/teams", false],
  ["*-internal", "tool-internal", true],
  ["*-internal", "-internal", true],
  ["a*b*c", "a-b-c", true],
  ["a*b*c", "a-c-b", false],
  ["ab*ba", "aba", false],
  ["*", "anything/at/all", true],
];

for (const [pattern, name, want] of cases)
  test(`claim ${pattern} ${want ? "covers" : "leaves"} ${name}`, () =>
    expect(createClaims([pattern])(name)).toBe(want ? pattern : null));

test("the pattern that covers a name is told as it is configured", () => {
  const claims = createClaims(["left-pad", "@Acme/*", "@acme/app"]);
  expect(claims("@acme/app")).toBe("@Acme/*");
  expect(claims("express")).toBeNull();
  expect(createClaims([])("left-pad")).toBeNull();
});

test("a pattern in another spelling than the ecosystem's own covers the same names", () => {
  const spell = (text: string) => text.replace(/[-_.]+/g, "-");
  for (const pattern of ["acme_*", "Acme.*", "acme-*", "ACME__*"])
    for (const name of ["acme-tool", "Acme_Tool", "acme.tool"])
      expect(createClaims([pattern], spell)(name)).toBe(pattern);
});
