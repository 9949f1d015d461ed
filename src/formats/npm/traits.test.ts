import { expect, test } from "bun:test";
import { traitsOf } from "./traits.ts";

const table: [what: string, manifest: Record<string, unknown>, traits: object][] = [
  ["nothing", {}, {}],
  ["a licence", { license: "MIT" }, { licence: "MIT" }],
  ["one as an object", { license: { type: "ISC", url: "…" } }, { licence: "ISC" }],
  ["several to choose from", { licenses: [{ type: "MIT" }, "ISC"] }, { licence: "MIT OR ISC" }],
  ["licences that are none", { license: 7, licenses: [{}] }, {}],
  ["a licence without end", { license: "M".repeat(201) }, {}],
  ["an empty one", { license: " " }, {}],
  ["what the registry says of scripts", { hasInstallScript: true }, { scripts: true }],
  ["a binding", { gypfile: true }, { scripts: true }],
  ["a script", { scripts: { postinstall: "node x" } }, { scripts: true }],
  ["scripts of no matter", { scripts: { test: "node x", prepare: "tsc", install: "" } }, {}],
  ["scripts that are none", { scripts: ["install"], hasInstallScript: "yes" }, {}],
  ["attestations", { dist: { attestations: { url: "x" } } }, { attested: true }],
  ["attestations that are none", { dist: { attestations: "yes" } }, {}],
];
for (const [what, manifest, traits] of table)
  test(`a manifest with ${what}`, () => {
    expect(traitsOf(manifest) as object).toEqual(traits);
  });
