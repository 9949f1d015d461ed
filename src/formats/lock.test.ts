// Lock files of every format, as their clients write them, and what is none.
import { describe, expect, test } from "bun:test";
import { LOCK_RELEASES } from "../core/lock.ts";
import { Problem } from "../core/problem.ts";
import { formats } from "./index.ts";

const lockOf = (name: string) => formats.find((one) => one.name === name)!.lock!;
const read = (format: string, text: string) => {
  const { releases, elsewhere } = lockOf(format).read(text);
  return {
    releases: releases.map((one) => `${one.package} ${one.version} ${one.files.join(",")}`.trim()),
    elsewhere: elsewhere.map(({ name }) => name),
    paths: releases.flatMap((one) => one.files.map((file) => lockOf(format).filePath(one, file))),
  };
};
const SUM = `h1:${"a".repeat(43)}=`;
const A = "a".repeat(64);

describe("package-lock.json", () => {
  const packages = {
    "": { name: "app", version: "1.0.0" },
    "packages/own": { version: "1.0.0" },
    "node_modules/own": { resolved: "packages/own", link: true },
    "node_modules/kelp": { version: "1.0.0", resolved: "https://r.example/kelp/-/kelp-1.0.0.tgz" },
    "node_modules/a/node_modules/kelp": { version: "2.0.0" },
    "node_modules/@acme/ui": {
      version: "3.0.0",
      resolved: "http://h/npm/@acme/ui/-/ui-3.0.0.tgz?x#y",
    },
    "node_modules/alias": { name: "real", version: "1.2.3" },
    "node_modules/bundled": { version: "1.0.0", inBundle: true },
    "node_modules/code": { version: "1.0.0", resolved: "git+ssh://git@h/x.git#abc" },
    "node_modules/odd": { version: "not one" },
    "node_modules/none": 7,
  };
  const want = {
    releases: [
      "@acme/ui 3.0.0 ui-3.0.0.tgz",
      "kelp 1.0.0 kelp-1.0.0.tgz",
      "kelp 2.0.0 kelp-2.0.0.tgz",
      "real 1.2.3 real-1.2.3.tgz",
    ],
    elsewhere: ["code", "odd"],
    paths: [
      "/@acme%2fui/-/ui-3.0.0.tgz",
      "/kelp/-/kelp-1.0.0.tgz",
      "/kelp/-/kelp-2.0.0.tgz",
      "/real/-/real-1.2.3.tgz",
    ],
  };
  test("by paths, as versions 2 and 3 have it", () => {
    expect(read("npm", JSON.stringify({ lockfileVersion: 3, packages }))).toEqual(want);
  });
  test("as a tree, as version 1 has it", () => {
    const kelp = { version: "1.0.0", dependencies: { tide: { version: "npm:wrack@2.0.0" } } };
    const text = JSON.stringify({ lockfileVersion: 1, dependencies: { kelp } });
    expect(read("npm", text).releases).toEqual([
      "kelp 1.0.0 kelp-1.0.0.tgz",
      "wrack 2.0.0 wrack-2.0.0.tgz",
    ]);
  });
});

test("requirements.txt, with hashes, comments, markers and lines that go on", () => {
  const text = `# made by pip-compile
--index-url https://index.example/simple
Brine_Shrimp[all]==1.0 ; python_version > "3" \\
    --hash=sha256:${A} \\
    --hash=sha256:${"b".repeat(64)}
    # via app
tide == 2.0.post1  # why
-r other.txt
-e ./own
kelp @ https://h/kelp.whl
`;
  const { releases, elsewhere } = lockOf("pypi").read(text);
  expect(releases).toEqual([
    { package: "brine-shrimp", version: "1.0", files: [], sha256: [A, "b".repeat(64)] },
    { package: "tide", version: "2.0.post1", files: [], sha256: [] },
  ]);
  expect(elsewhere).toHaveLength(3);
  const [one] = releases;
  const lock = lockOf("pypi");
  expect(lock.documentPath(one!)).toBe("/simple/brine-shrimp/");
  expect(lock.filePath(one!, "brine_shrimp-1.0+x.whl")).toBe(
    "/files/brine-shrimp/brine_shrimp-1.0%2Bx.whl",
  );
  const wheels = ["a-1-py3-none-any.whl", "a-1.tar.gz"];
  expect(lock.choose!(wheels)).toEqual(["a-1-py3-none-any.whl"]);
  expect(
    lock.choose!([
      "a-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
      "a-1-cp312-cp312-win_amd64.whl",
      "a-1.tar.gz",
      "a-1.tar.gz.metadata",
    ]),
  ).toEqual(["a-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "a-1.tar.gz"]);
});

test("go.sum: a line for the zip asks for three files, one for go.mod for one", () => {
  const text = `example.com/Kelp v1.0.0 ${SUM}
example.com/Kelp v1.0.0/go.mod ${SUM}
example.com/tide v0.0.0-20200101000000-abcdefabcdef/go.mod ${SUM}\r\n`;
  expect(read("go", text)).toEqual({
    releases: [
      "example.com/Kelp v1.0.0 v1.0.0.info,v1.0.0.mod,v1.0.0.zip",
      "example.com/tide v0.0.0-20200101000000-abcdefabcdef v0.0.0-20200101000000-abcdefabcdef.mod",
    ],
    elsewhere: [],
    paths: [
      "/example.com/!kelp/@v/v1.0.0.info",
      "/example.com/!kelp/@v/v1.0.0.mod",
      "/example.com/!kelp/@v/v1.0.0.zip",
      "/example.com/tide/@v/v0.0.0-20200101000000-abcdefabcdef.mod",
    ],
  });
});

test("composer.lock: by version and commit, also of what only tests need", () => {
  const dist = (reference: string) => ({ type: "zip", url: "https://h/x", reference });
  const text = JSON.stringify({
    packages: [
      { name: "Acme/Kit", version: "v1.2.3", dist: dist("abc123") },
      { name: "acme/own", version: "dev-main", dist: { type: "path", url: "../own" } },
      { name: "acme/code", version: "1.0.0", source: { type: "git" } },
    ],
    "packages-dev": [{ name: "acme/test", version: "2.0.0", dist: dist("def") }],
  });
  expect(read("composer", text)).toEqual({
    releases: ["acme/kit v1.2.3 1.2.3.0/abc123.zip", "acme/test 2.0.0 2.0.0.0/def.zip"],
    elsewhere: ["acme/own", "acme/code"],
    paths: ["/dists/acme/kit/1.2.3.0/abc123.zip", "/dists/acme/test/2.0.0.0/def.zip"],
  });
});

const wrong: [format: string, text: string, says: RegExp][] = [
  ["npm", "", /no package-lock\.json/],
  ["npm", "[]", /no JSON object/],
  ["npm", "{}", /neither packages nor dependencies/],
  ["npm", `${"[".repeat(10_000)}`, /no package-lock\.json/],
  ["pypi", "kelp>=1.0", /line 1 pins no version/],
  ["pypi", "\n\nkelp==1.*", /line 3 pins no version/],
  ["pypi", "{}", /line 1/],
  ["go", "kelp v1.0.0 h1:x", /line 1 is not/],
  ["go", `example.com/a v1.0.0 ${SUM}\nx`, /line 2 is not/],
  ["composer", "{}", /no list of packages/],
  ["composer", '{"packages":[7]}', /package 1 has no name/],
  ["composer", '{"packages":[{"name":"a/b","version":"???"}]}', /has no version/],
];
for (const [format, text, says] of wrong)
  test(`${format}: ${JSON.stringify(text.slice(0, 30))} is refused with what is wrong`, () => {
    expect(() => lockOf(format).read(text)).toThrow(says);
    expect(() => lockOf(format).read(text)).toThrow(Problem);
  });

test("more releases than any project has are refused, and bytes of any kind throw nothing else", () => {
  const many = Array.from({ length: LOCK_RELEASES + 1 }, (_, at) => `k${at}==1`).join("\n");
  expect(() => lockOf("pypi").read(many)).toThrow(`${LOCK_RELEASES} releases at most`);
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const parts = [
    '{"packages":',
    "{",
    "}",
    "[",
    '"',
    "==",
    " v1.0.0 ",
    "\\\n",
    "\u0000",
    "é",
    "kelp",
    "\n",
  ];
  for (let round = 0; round < 2_000; round += 1) {
    const text = Array.from({ length: random(12) }, () => parts[random(parts.length)]).join("");
    for (const { lock } of formats)
      try {
        lock?.read(text);
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
      }
  }
});
