import { expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { refuseConfusion } from "./confusion.ts";
import { commandFolder, filledIn } from "./filled.ts";
import type { Manifest } from "./types.ts";

const base = { name: "@reef/six", version: "1.0.0" };

/** The field that is named in the refusal; null when nothing is refused. */
function refused(told: object, inside: object, filled: object = inside): string | null {
  try {
    const all = [told, inside, filled].map((one) => ({ ...base, ...one }) as Manifest);
    refuseConfusion(all[0]!, all[1]!, all[2]!);
    return null;
  } catch (error) {
    if (!(error instanceof Problem) || error.rule !== "manifest") throw error;
    return /says of "([^"]+)"/.exec(error.message)?.[1] ?? error.message;
  }
}

const differences: [field: string, told: object, inside: object][] = [
  ["name", { name: "@reef/seven" }, {}],
  ["version", { version: "1.0.1" }, {}],
  ["version", {}, { version: "one" }],
  ["dependencies", { dependencies: { kelp: "1" } }, {}],
  ["dependencies", {}, { dependencies: { kelp: "1" } }],
  ["dependencies", { dependencies: { kelp: "1" } }, { dependencies: { kelp: "2" } }],
  ["dependencies", { dependencies: { kelp: "a/b" } }, { dependencies: { kelp: "a/c" } }],
  ["dependencies", { dependencies: { kelp: "a/b#1" } }, { dependencies: { kelp: "a/b#2" } }],
  ["dependencies", { dependencies: { kelp: "*" } }, { optionalDependencies: { kelp: "*" } }],
  ["optionalDependencies", { optionalDependencies: { kelp: "1" } }, {}],
  ["peerDependencies", { peerDependencies: { kelp: "1" } }, {}],
  ["peerDependenciesMeta", { peerDependenciesMeta: { kelp: { optional: true } } }, {}],
  ["bundleDependencies", {}, { bundleDependencies: ["kelp"], dependencies: {} }],
  ["bin", { bin: { six: "a.js" } }, { bin: { six: "b.js" } }],
  ["engines", { engines: { node: ">=1" } }, {}],
  ["os", { os: ["linux"] }, {}],
  ["cpu", {}, { cpu: ["x64"] }],
  ["libc", { libc: ["musl"] }, { libc: ["glibc"] }],
  ["scripts.preinstall", { scripts: { preinstall: "x" } }, {}],
  ["scripts.install", {}, { scripts: { install: "x" } }],
  ["scripts.postinstall", { scripts: { postinstall: "x" } }, { scripts: { postinstall: "y" } }],
];
for (const [field, told, inside] of differences)
  test(`a difference in ${field} is refused: ${JSON.stringify([told, inside])}`, () => {
    // What is bundled counts as a dependency, and that is looked at first.
    const wanted = field === "bundleDependencies" ? "dependencies" : field;
    expect(refused(told, inside)).toBe(wanted);
  });

const same: [why: string, told: object, inside: object][] = [
  ["a version with a v", {}, { version: "v1.0.0" }],
  ["build metadata", {}, { version: "1.0.0+a" }],
  ["fields that nobody resolves by", { main: "a.js", exports: {} }, { main: "b.js" }],
  [
    "optional ones twice",
    { dependencies: { kelp: "1" }, optionalDependencies: { kelp: "1" } },
    { optionalDependencies: { kelp: "1" } },
  ],
  ["another order", { dependencies: { a: "1", b: "1" } }, { dependencies: { b: "1", a: "1" } }],
  ["no dependencies", { dependencies: {} }, {}],
  [
    "a short git address",
    { dependencies: { kelp: "github:a/b" } },
    { dependencies: { kelp: "a/b" } },
  ],
  [
    "a long git address",
    { dependencies: { kelp: "git+ssh://git@github.com/a/b.git#v1" } },
    { dependencies: { kelp: "git@github.com:a/b#v1" } },
  ],
  [
    "another long git address",
    { dependencies: { kelp: "git+https://github.com/a/b.git" } },
    { dependencies: { kelp: "https://github.com/a/b" } },
  ],
  [
    "all bundled",
    { bundleDependencies: ["a"], dependencies: { a: "1" } },
    { bundleDependencies: true, dependencies: { a: "1" } },
  ],
  ["nothing bundled", {}, { bundleDependencies: false }],
  [
    "bundled by the other name",
    { bundleDependencies: ["a"], dependencies: { a: "1" } },
    { bundledDependencies: ["a"], dependencies: { a: "1" } },
  ],
  [
    "what is bundled and no dependency",
    { bundleDependencies: ["a"], dependencies: { a: "*" } },
    { bundleDependencies: ["a"] },
  ],
  ["one command", { bin: { six: "bin/six.js" } }, { bin: "./bin/six.js" }],
  ["commands in a list", { bin: { "six.js": "bin/six.js" } }, { bin: ["bin/six.js"] }],
  ["commands that lead out", { bin: { six: "six.js" } }, { bin: { six: "../../six.js" } }],
  ["no command", {}, { bin: { six: 1, "": "x" } }],
  ["one system", { os: ["linux"] }, { os: "linux" }],
  [
    "a script's path",
    { scripts: { install: "make" } },
    { scripts: { install: "./node_modules/.bin/make" } },
  ],
];
for (const [why, told, inside] of same)
  test(`both say the same: ${why}`, () => {
    expect(refused(told, inside)).toBeNull();
  });

test("what npm fills in may be told or not", () => {
  const filled = filledIn(base as Manifest, { hasGyp: true, commands: ["tools/a.js", "tools/b"] });
  expect(filled).toEqual({
    ...base,
    gypfile: true,
    scripts: { install: "node-gyp rebuild" },
    bin: { "a.js": "tools/a.js", b: "tools/b" },
  });
  expect(refused(filled, base, filled)).toBeNull();
  expect(refused(base, base, filled)).toBeNull();
  expect(refused({ scripts: { install: "curl" } }, base, filled)).toBe("scripts.install");
});

test("who says how a package is built, or that it is not, is left alone", () => {
  const gyp = { hasGyp: true, commands: [] };
  for (const own of [
    { gypfile: false },
    { scripts: { preinstall: "x" } },
    { scripts: { install: "x" } },
  ]) {
    const manifest = { ...base, ...own } as Manifest;
    expect(filledIn(manifest, gyp)).toEqual(manifest);
  }
});

test("commands stand in a folder only where none is named", () => {
  expect(commandFolder({ directories: { bin: "./tools/" } } as Manifest)).toBe("tools");
  expect(commandFolder({ directories: { bin: "../.." } } as Manifest)).toBeNull();
  expect(commandFolder({ directories: { bin: "tools" }, bin: "x.js" } as Manifest)).toBeNull();
  expect(commandFolder({ directories: "tools" } as Manifest)).toBeNull();
});
