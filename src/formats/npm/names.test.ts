import { expect, test } from "bun:test";
import { isFileName, isPackageName, isTag, isVersion, versionOf } from "./names.ts";
import { seeded } from "./testdata/repository.ts";

const names: [name: string, valid: boolean][] = [
  ["lodash", true],
  ["@types/node", true],
  ["JSONStream", true],
  ["-", true],
  ["@_scope/_name", true],
  ["crypto~'!()*", true],
  ["a".repeat(214), true],
  ["a".repeat(215), false],
  ["", false],
  [".hidden", false],
  ["_private", false],
  ["..", false],
  ["@types", false],
  ["@types/", false],
  ["@/node", false],
  ["@types/..", false],
  ["@../node", false],
  ["@types/node/x", false],
  ["types/node", false],
  ["node_modules", false],
  ["favicon.ico", false],
  ["a b", false],
  ["a%2fb", false],
  ["a\u0000", false],
  ["ünder", false],
];
for (const [name, valid] of names)
  test(`isPackageName(${JSON.stringify(name)})`, () => expect(isPackageName(name)).toBe(valid));

const words: [text: string, version: boolean, tag: boolean][] = [
  ["1.0.0", true, false],
  ["1.0.0-beta.1", true, false],
  ["1.0.0+build", true, false],
  ["1.2.3beta", true, false],
  ["latest", false, true],
  ["next-13", false, true],
  ["^1.0.0", false, false],
  ["1.x", false, false],
  ["*", false, false],
  ["v1.0.0", false, false],
  ["-", false, false],
  ["..", false, false],
  ["a/b", false, false],
];
for (const [text, version, tag] of words)
  test(`${text}: version ${version}, tag ${tag}`, () =>
    expect([isVersion(text), isTag(text)]).toEqual([version, tag]));

const files: [name: string, file: string, version: string | null][] = [
  ["lodash", "lodash-4.17.21.tgz", "4.17.21"],
  ["@types/node", "node-20.0.0.tgz", "20.0.0"],
  ["next", "next-16.5.0-canary.38.tgz", "16.5.0-canary.38"],
  ["a", "a-b-1.0.0.tgz", null],
  ["a", "a-v1.0.0.tgz", null],
  ["a", "a-1.0.tgz", null],
  ["a", "a-1.0.0.zip", null],
  ["a", "b-1.0.0.tgz", null],
  ["-", "--0.0.1.tgz", "0.0.1"],
];
for (const [name, file, version] of files)
  test(`versionOf(${name}, ${file})`, () => expect(versionOf(name, file)).toBe(version));

test("what is accepted holds nothing that could leave its place", () => {
  const random = seeded(1);
  const pieces = [
    "a",
    "@",
    "/",
    ".",
    "..",
    "%",
    "\\",
    "\0",
    " ",
    "-",
    "_",
    "1.0.0",
    "é",
    "\n",
    "?",
  ];
  for (let round = 0; round < 20_000; round++) {
    let text = "";
    for (let part = random() * 6; part > 0; part--)
      text += pieces[Math.floor(random() * pieces.length)];
    if (isPackageName(text))
      expect(text).toMatch(/^(@[\w~!'()*-][\w.~!'()*-]*\/)?[\w~!'()*-][\w.~!'()*-]*$/);
    if (isFileName(text) || isVersion(text) || isTag(text)) {
      expect(text).not.toMatch(/[/\\%\s\0?]/);
      expect(text).not.toMatch(/^\.+$/);
    }
  }
});
