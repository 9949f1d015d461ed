import { expect, test } from "bun:test";
import { createExclude } from "./exclude.ts";

const paths = [
  "tests/a.php",
  "src/tests/b.php",
  "src/a.php",
  "src/deep/a.php",
  "src/deep/er/a.php",
  "README.md",
  "docs/a.md",
  "docs/keep.md",
  ".github/x.yml",
  ".gitignore",
  "src/.hidden",
  "ab.txt",
  "a.txt",
  "b.txt",
  "composer.lock",
  "vendor/x",
  "a/vendor/x",
  "foo/bar",
  "x/foo/bar",
  "foo/barn",
  "*x",
  "mytests/a",
  "tests2",
  "a+b",
  "#x",
  "composer.json",
];

// What Composer's own ComposerExcludeFilter (2.5.5) takes out of them.
const rules: [rules: string[], hit: string[]][] = [
  [["tests"], ["tests/a.php", "src/tests/b.php"]],
  [["/tests"], ["tests/a.php"]],
  [["tests/"], ["tests/a.php", "src/tests/b.php"]],
  [["src/tests"], ["src/tests/b.php"]],
  [["/src/*.php"], ["src/a.php"]],
  [["*.md"], ["README.md", "docs/a.md", "docs/keep.md"]],
  [["!*.md"], []],
  [
    ["*", "!src"],
    [
      "tests/a.php",
      "README.md",
      "docs/a.md",
      "docs/keep.md",
      ".github/x.yml",
      "ab.txt",
      "a.txt",
      "b.txt",
      "composer.lock",
      "vendor/x",
      "a/vendor/x",
      "foo/bar",
      "x/foo/bar",
      "foo/barn",
      "*x",
      "mytests/a",
      "tests2",
      "a+b",
      "#x",
      "composer.json",
    ],
  ],
  [
    ["*.md", "!/README.md"],
    ["docs/a.md", "docs/keep.md"],
  ],
  [["/docs", "!/docs/keep.md"], ["docs/a.md"]],
  [[".*"], [".github/x.yml", ".gitignore", "src/.hidden"]],
  [["/.github"], [".github/x.yml"]],
  [["/**/tests"], ["src/tests/b.php"]],
  [["src/**/a.php"], ["src/a.php", "src/deep/a.php", "src/deep/er/a.php"]],
  [["src/**"], ["src/tests/b.php", "src/a.php", "src/deep/a.php", "src/deep/er/a.php"]],
  [["a?.txt"], ["ab.txt"]],
  [["*.lock"], ["composer.lock"]],
  [["vendor"], ["vendor/x", "a/vendor/x"]],
  [["/foo/bar"], ["foo/bar"]],
  [["\\*x"], ["*x"]],
  [["tests", "!tests"], []],
  [["src/*"], ["src/tests/b.php", "src/a.php", "src/deep/a.php", "src/deep/er/a.php"]],
  [["b.txt"], ["b.txt"]],
  [["[ab].txt"], ["a.txt", "b.txt"]],
  [["a+b"], ["a+b"]],
  [["*/a.php"], ["tests/a.php", "src/a.php", "src/deep/a.php", "src/deep/er/a.php"]],
  [["#x"], ["#x"]],
  [["src/deep"], ["src/deep/a.php", "src/deep/er/a.php"]],
];

for (const [texts, want] of rules)
  test(`exclude ${JSON.stringify(texts)}`, () =>
    expect(paths.filter(createExclude(texts))).toEqual(want));

test("no pattern holds up the server", () => {
  const name = "a".repeat(250);
  const path = Array.from({ length: 10 }, () => name).join("/");
  for (const rule of [
    "*a".repeat(200),
    `/${"**/".repeat(100)}b`,
    "[".repeat(400),
    "a*".repeat(249),
  ])
    expect(createExclude([`${rule}b`])(path)).toBe(false);
  expect(createExclude(["*".repeat(5000), "", "!"])(path)).toBe(false);
});
