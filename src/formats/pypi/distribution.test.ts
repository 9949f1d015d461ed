import { expect, test } from "bun:test";
import { seeded } from "../../core/testkit.ts";
import { distributionOf } from "./distribution.ts";
import { isName, normalizeName } from "./names.ts";

const files: [file: string, project: string | null, want: string | null][] = [
  ["six-1.16.0-py2.py3-none-any.whl", null, "bdist_wheel six 1.16.0 py2-none-any py3-none-any"],
  [
    "Sea_Shell-1.0-1build-cp312-cp312-linux_x86_64.whl",
    "sea-shell",
    "bdist_wheel sea-shell 1.0 cp312-cp312-linux_x86_64",
  ],
  [
    "a-1.0+cu12.1-cp312-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "a",
    "bdist_wheel a 1.0+cu12.1 cp312-abi3-manylinux_2_17_x86_64 cp312-abi3-manylinux2014_x86_64",
  ],
  ["a-1.0_local-py3-none-any.whl", "a", null],
  ["a-1.0-py3-none-any.whl", "b", null],
  ["a-1.0-build-py3-none-any.whl", "a", null],
  ["a-1.0-py3-none.whl", "a", null],
  ["a-x-py3-none-any.whl", "a", null],
  ["a-1.0-py3-none-any..whl", "a", null],
  ["-1.0-py3-none-any.whl", null, null],
  ["sea_shell-1.0.tar.gz", null, "sdist sea-shell 1.0"],
  ["sea-shell-1.0.tar.gz", null, "sdist sea-shell 1.0"],
  ["Sea.Shell-1.0-rc1.zip", "sea-shell", "sdist sea-shell 1.0rc1"],
  ["python-3-1.0.tar.gz", "python-3", "sdist python-3 1.0"],
  ["a-1.0.tar.bz2", "a", null],
  ["a-1.0.linux-x86_64.tar.gz", "a", null],
  ["a-1.0.tgz", "a", null],
  ["a.tar.gz", null, null],
  ["1.0.tar.gz", null, null],
  ["a-1.0.egg", "a", null],
  ["../a-1.0.tar.gz", null, null],
  [`a-1.0+${"x".repeat(255)}.tar.gz`, "a", null],
  [
    `a-1.0-${Array(11).fill("a").join(".")}-${Array(11).fill("a").join(".")}-${Array(11).fill("a").join(".")}.whl`,
    "a",
    null,
  ],
];
for (const [file, project, want] of files)
  test(`distributionOf(${file.slice(0, 60)}, ${project})`, () => {
    const found = distributionOf(file, project);
    expect(found && [found.type, found.project, found.version, ...found.tags].join(" ")).toBe(want);
  });

test("it never throws, and names nothing that is no name", () => {
  const next = seeded(427);
  const pieces = [
    "a",
    "-",
    "1.0",
    ".whl",
    ".tar.gz",
    "py3",
    "none",
    ".",
    "_",
    "/",
    "\0",
    "é",
    "+",
    ".zip",
  ];
  for (let round = 0; round < 20_000; round += 1) {
    let file = "";
    for (let length = next() * 12; length > 0; length -= 1)
      file += pieces[Math.floor(next() * pieces.length)];
    const found = distributionOf(file, next() < 0.5 ? "a" : null);
    if (!found) continue;
    expect(isName(found.project) && normalizeName(found.project) === found.project).toBe(true);
    expect(file).not.toMatch(/[/\0]/);
  }
});
