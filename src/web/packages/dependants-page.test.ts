// What the pages say of who needs a package, where not all could be looked at, and where an address is none of theirs.
import { expect, test } from "bun:test";
import type { Dependant, DependantPlace, Dependants } from "../../core/catalog.ts";
import { stranger } from "../frame/reader.ts";
import { dependantsPage, dependantsSection, placeOf } from "./dependants-page.ts";

const crab: Dependant = {
  repository: "npm",
  package: "crab",
  version: "1.0.0",
  needs: [{ kind: "", range: "^1" }],
};

const whole: Dependants = { items: [], next: null, total: 0, isMore: false, isCut: false };
const cut: Dependants = { ...whole, isMore: true, isCut: true };
const next: DependantPlace = ["npm", "crab"];

const textOf = (html: string) =>
  html
    .replace(/<style>.*?<\/style>/s, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");

const section = (dependants: Dependants) =>
  dependantsSection({ repository: "npm", package: "kelp", dependants }).toString();

const page = (dependants: Dependants, isFirst = true) => {
  const view = { repository: "npm", format: "npm", package: "kelp", ...dependants };
  return textOf(String(dependantsPage(view, isFirst, stranger("https://host")).body));
};

test("a package's page says that nobody needs it only where all were looked at", () => {
  expect(textOf(section(whole))).toContain("No package that is stored here says that it needs it.");
  expect(textOf(section(cut))).not.toContain("No package");
  expect(textOf(section(cut))).toContain("not all could be looked at");
  expect(section(cut)).toContain('href="/-/packages/npm/kelp/-/dependants"');
  const some = textOf(section({ ...cut, items: [crab], total: 1, next }));
  expect(some).toMatch(/Needed by at least 1 .* crab .* Look at more/);
});

test("so does the page of who needs it, and its last page", () => {
  expect(page(cut)).toContain("not all could be looked at");
  expect(page(cut)).not.toMatch(/no more|0 packages/);
  expect(page(whole, false)).toMatch(/There are no more\. .*These are the last/);
  const behind = page({ ...cut, total: 3 }, false);
  expect(behind).toContain("At least 3 packages");
  expect(behind).not.toMatch(/no more|the last/);
  expect(page({ ...cut, items: [crab], total: 1, next })).toMatch(/At least 1 package of .*More/);
});

const places: [after: string, want: DependantPlace | null][] = [
  ["npm/crab", ["npm", "crab"]],
  ["npm/@acme/crab", ["npm", "@acme/crab"]],
  ["go/example.test/a/b", ["go", "example.test/a/b"]],
  ["crab", null],
  ["npm/", null],
  ["npm/cr\0ab", null],
  ["n\0pm/crab", null],
];
for (const [after, want] of places)
  test(`placeOf(${JSON.stringify(after)})`, () =>
    expect(placeOf(new URLSearchParams({ after }))).toEqual(want));
