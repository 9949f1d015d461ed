import { expect, test } from "bun:test";
import { isGoAtLeast, modulePathIn, retractedBy } from "./mod-file.ts";
import { checkArchived, moduleFiles } from "./module-files.ts";
import { fitsMajor, placeOf } from "./paths.ts";
import { pseudoVersion, readPseudo } from "./pseudo.ts";

const ROOT = "git.example.com/team/lib";
const places: [module: string, want: [prefix: string, major: string, folder: string] | null][] = [
  [ROOT, [ROOT, "", ""]],
  [`${ROOT}/v2`, [ROOT, "/v2", ""]],
  [`${ROOT}/sub`, [`${ROOT}/sub`, "", "sub"]],
  [`${ROOT}/sub/deep/v10`, [`${ROOT}/sub/deep`, "/v10", "sub/deep"]],
  [`${ROOT}/v1`, null],
  [`${ROOT}/v02`, null],
  [`${ROOT}/v2.1`, null],
  ["git.example.com/team/library", null],
  ["git.example.com/team", null],
];
for (const [module, want] of places)
  test(`placeOf(${module})`, () => {
    const found = placeOf(module, ROOT);
    expect(found && [found.prefix, found.major, found.folder]).toEqual(want);
  });

test("a code whose own name looks like a major version is itself", () => {
  expect(placeOf("git.example.com/team/v2", "git.example.com/team/v2")).toMatchObject({
    prefix: "git.example.com/team/v2",
    major: "/v2",
    folder: "",
    isRoot: true,
  });
});

const TIME = Date.UTC(2024, 0, 2, 3, 4, 5);
const ID = "0123456789ab";
const pseudos: [major: string, older: string, want: string, base: string][] = [
  ["", "", `v0.0.0-20240102030405-${ID}`, ""],
  ["v2", "", `v2.0.0-20240102030405-${ID}`, ""],
  ["", "v1.2.3", `v1.2.4-0.20240102030405-${ID}`, "v1.2.3"],
  ["", "v1.9.99", `v1.9.100-0.20240102030405-${ID}`, "v1.9.99"],
  ["", "v1.2.3-pre", `v1.2.3-pre.0.20240102030405-${ID}`, "v1.2.3-pre"],
  ["", "v1.2.3-rc.1", `v1.2.3-rc.1.0.20240102030405-${ID}`, "v1.2.3-rc.1"],
  ["", "v2.0.0+incompatible", `v2.0.1-0.20240102030405-${ID}+incompatible`, "v2.0.0+incompatible"],
];
for (const [major, older, want, base] of pseudos)
  test(`pseudoVersion(${major}, ${older})`, () => {
    expect(pseudoVersion(major, older, TIME, ID)).toBe(want);
    expect(readPseudo(want)).toEqual({ time: "20240102030405", id: ID, base });
  });

test("what could not come after any version has no base", () => {
  expect(readPseudo(`v1.0.0-0.20240102030405-${ID}`)!.base).toBeNull();
  expect(readPseudo("v1.2.3")).toBeNull();
});

const majors: [version: string, major: string, fits: boolean][] = [
  ["v1.0.0", "", true],
  ["v0.1.0", "", true],
  ["v2.0.0", "", false],
  ["v2.0.0+incompatible", "", true],
  ["v2.0.0", "/v2", true],
  ["v20.0.0", "/v2", false],
];
for (const [version, major, fits] of majors)
  test(`fitsMajor(${version}, ${major})`, () => expect(fitsMajor(version, major)).toBe(fits));

const mods: [text: string, path: string][] = [
  ["module example.com/x\n", "example.com/x"],
  ['// first\n\n  module   "example.com/x" // why\n', "example.com/x"],
  ["module `example.com/x`\n", "example.com/x"],
  ["modules example.com/x\n", ""],
  ["module\n", ""],
  ["module (\n\texample.com/x\n)\n", "("],
  ['module "example.com/x\n', ""],
];
for (const [text, path] of mods)
  test(`modulePathIn(${JSON.stringify(text)})`, () => expect(modulePathIn(text)).toBe(path));

test("the Go version and retractions of a go.mod", () => {
  const text = `module x.test/y\ngo 1.23.4\nretract v1.0.0 // lost\nretract (\n\t[v1.2.0, v1.3.0] // why\n\tv1.5.0\n)\n`;
  expect([
    isGoAtLeast(text, 1, 23),
    isGoAtLeast(text, 1, 24),
    isGoAtLeast("go 2.0", 1, 24),
  ]).toEqual([true, false, true]);
  expect([
    isGoAtLeast("go 1.24rc1", 1, 24),
    isGoAtLeast("go", 1, 24),
    isGoAtLeast("", 1, 24),
  ]).toEqual([true, false, false]);
  const retracted = retractedBy(text);
  expect(["v1.0.0", "v1.1.0", "v1.2.5", "v1.3.0", "v1.3.1", "v1.5.0"].filter(retracted)).toEqual([
    "v1.0.0",
    "v1.2.5",
    "v1.3.0",
    "v1.5.0",
  ]);
});

const files = (...paths: string[]) => paths.map((path) => ({ path, isRegular: true, size: 1 }));
const chosen = (isNew: boolean, ...paths: string[]) =>
  moduleFiles(files(...paths), isNew).map(({ path }) => path);

test("a module has the files of its folder that are no other module's, and no vendored packages", () => {
  expect(
    chosen(false, "go.mod", "a.go", "sub/go.mod", "sub/a.go", "sub/x/b.go", "other/c.go"),
  ).toEqual(["go.mod", "a.go", "other/c.go"]);
  const vendor = [
    "vendor/modules.txt",
    "vendor/a.go",
    "vendor/x/a.go",
    "pkg/vendor/v.go",
    "pkg/vendor/x/v.go",
    ".hg_archival.txt",
  ];
  expect(chosen(false, ...vendor)).toEqual(["vendor/modules.txt", "vendor/a.go"]);
  expect(chosen(true, ...vendor)).toEqual(["vendor/a.go", "pkg/vendor/v.go"]);
  const link = { path: "link", isRegular: false, size: 1 };
  expect(moduleFiles([link], false)).toEqual([]);
});

const refused: [paths: string[], why: RegExp][] = [
  [["../a.go"], /a name of dots/],
  [["a/./b.go"], /a name of dots/],
  [["a//b.go"], /an empty name/],
  [["A.go", "a.go"], /differ in case/],
  [["Dir/a.go", "dir/b.go"], /differ in case/],
  [["a", "a/b.go"], /there twice/],
  [["NUL.go"], /Windows/],
  [["a."], /ends in a dot/],
  [["what?.go"], /a character/],
  [["a\\b"], /a character/],
  [["a\u0000b"], /a character/],
  [["a\ufffd.go"], /a character/],
  [["Go.mod"], /lower case/],
];
for (const [paths, why] of refused)
  test(`no module of ${JSON.stringify(paths)}`, () => {
    expect(() => moduleFiles(files(...paths), true)).toThrow(why);
  });

test("sizes: half a gigabyte of all files, less of some", () => {
  const large = (path: string, size: number) =>
    moduleFiles([{ path, isRegular: true, size }], true);
  expect(large("a.bin", 500 * 2 ** 20)).toHaveLength(1);
  expect(() => large("a.bin", 500 * 2 ** 20 + 1)).toThrow(/more than 500 MiB/);
  expect(() => large("go.mod", 16 * 2 ** 20 + 1)).toThrow(/larger than 16.0 MiB/);
  expect(() => large("LICENSE", 16 * 2 ** 20 + 1)).toThrow(/larger than 16.0 MiB/);
});

test("an archive holds nothing but what is the module's", () => {
  expect(() => checkArchived(files("go.mod", "a.go", "vendor/x/a.go"))).not.toThrow();
  expect(() => checkArchived(files("sub/go.mod"))).toThrow(/another module/);
  expect(() => checkArchived([{ path: "link", isRegular: false, size: 1 }])).toThrow(/no file/);
  expect(() => checkArchived(files("a.go", "a.go"))).toThrow(/there twice/);
});
