import { expect, test } from "bun:test";
import type { LicenceRule } from "../core/policy.ts";
import { licenceFault } from "./licence.ts";

const deny: LicenceRule = { allow: null, deny: ["AGPL-*", "SSPL-1.0"], unknown: "block" };
const allow: LicenceRule = { allow: ["MIT", "BSD-*"], deny: ["BSD-4-Clause"], unknown: "block" };

const table: [licence: string | undefined, denied: string | null, allowed: string | null][] = [
  ["MIT", null, null],
  ["mit", null, null],
  ["BSD-3-Clause", null, null],
  ["BSD-4-Clause", null, "its licence is BSD-4-Clause"],
  ["AGPL-3.0-only", "its licence is AGPL-3.0-only", "its licence is AGPL-3.0-only"],
  ["MIT OR AGPL-3.0-only", null, null],
  ["(MIT OR AGPL-3.0-only)", null, null],
  ["MIT AND AGPL-3.0-only", "its licence is …", "its licence is …"],
  ["MIT AND (AGPL-3.0-only OR ISC)", null, "its licence is …"],
  ["AGPL-3.0-only OR SSPL-1.0", "its licence is …", "its licence is …"],
  ["GPL-2.0-only WITH Classpath-exception-2.0", null, "its licence is …"],
  ["MIT OR MIT AND AGPL-3.0-only", null, null],
  [undefined, "it names no licence", "it names no licence"],
  ["UNLICENSED", "its licence is none …", "its licence is none …"],
  ["SEE LICENSE IN LICENSE.md", "its licence is none …", "its licence is none …"],
  ["MIT OR", "its licence is none …", "its licence is none …"],
  ["OR MIT", "its licence is none …", "its licence is none …"],
  ["(MIT", "its licence is none …", "its licence is none …"],
  ["MIT ISC", "its licence is none …", "its licence is none …"],
  [`${"(".repeat(60)}MIT${")".repeat(60)}`, "its licence is none …", "its licence is none …"],
];
for (const [licence, denied, allowed] of table)
  test(`${licence ?? "none"}`, () => {
    const as = (fault: string | null, want: string | null) =>
      want?.endsWith("…") ? fault?.slice(0, want.length - 1) : fault;
    expect(as(licenceFault(licence, deny), denied)).toBe(denied?.replace("…", "") ?? null);
    expect(as(licenceFault(licence, allow), allowed)).toBe(allowed?.replace("…", "") ?? null);
  });

test("what names none is let through where the rule says so", () => {
  const lax: LicenceRule = { ...allow, unknown: "allow" };
  expect(licenceFault(undefined, lax)).toBeNull();
  expect(licenceFault("SEE LICENSE IN LICENSE.md", lax)).toBeNull();
  expect(licenceFault("ISC", lax)).toBe("its licence is ISC");
});
