import { expect, test } from "bun:test";
import { createClaims } from "./claims.ts";

const cases: [pattern: string, name: string, want: boolean][] = [
  ["@acme/*", "@acme/app", true],
  ["@acme/*", "@ACME/app", true],
  ["@acme/*", "@acme", false],
  ["@acme/*", "@acmex/app", false],
  ["acme-*", "acme-tool", true],
  ["acme-*", "my-acme-tool", false],
  ["git.example.com/*", "git.example.com/team/lib/v2", true],
  ["git.example.com/team", "git.example.com/team/lib", true],
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
    expect(createClaims([pattern])(name)).toBe(want));
