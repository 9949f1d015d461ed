// Which packages each format's files say that they need, and which are meant.
import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { tar, zip } from "../archive/testdata/archives.ts";
import type { InsideDependency } from "../core/inside.ts";
import { arOf } from "./apt/testdata/ar.ts";
import { stored } from "./apt/testkit.ts";
import { archive } from "./composer/testdata/archives.ts";
import { formats } from "./index.ts";
import { packed } from "./npm/testdata/tarball.ts";
import { sdist, wheel } from "./pypi/testdata/distributions.ts";

const formatOf = (name: string) => formats.find((one) => one.name === name)!;

/** "name range", spelled, as whoever turns it around has it. */
async function needed(format: string, file: string, bytes: Uint8Array, more: object = {}) {
  const { tasks, dependencies, spell } = formatOf(format);
  const options = { package: "p", version: "1", file, ...more };
  const told = (await tasks!["dependencies"]!({
    options,
    files: [stored(bytes)],
    async write() {},
  })) as InsideDependency[];
  return told.flatMap((one) =>
    dependencies!
      .needs(one)
      .map(({ name, range }) => `${spell?.(name) ?? name} ${range} ${one.kind}`.trim()),
  );
}

/** Files of a release, and the one that is read. */
const files: [format: string, all: string[], read: string][] = [
  ["npm", ["kelp-1.0.0.tgz"], "kelp-1.0.0.tgz"],
  ["pypi", ["a-1.tar.gz", "a-1-py3-none-any.whl"], "a-1-py3-none-any.whl"],
  [
    "pypi",
    ["a-1-py3-none-any.whl", "a-1-py3-none-any.whl.metadata"],
    "a-1-py3-none-any.whl.metadata",
  ],
  ["pypi", ["a-1.tar.gz", "a-1.tar.gz.asc"], "a-1.tar.gz"],
  ["go", ["v1.0.0.info", "v1.0.0.zip", "v1.0.0.mod"], "v1.0.0.mod"],
  ["go", ["v1.0.0.info", "v1.0.0.zip"], "v1.0.0.zip"],
  ["composer", ["1.0.0/abc.zip"], "1.0.0/abc.zip"],
  ["apt", ["pool/main/h/hello/hello_2.10-3_amd64.deb"], "pool/main/h/hello/hello_2.10-3_amd64.deb"],
];

describe("the file that is read", () => {
  for (const [format, all, read] of files)
    test(`${format}: of ${all.join(", ")}`, () => {
      const patterns = formatOf(format).dependencies!.files;
      const found = patterns.flatMap((one) => all.filter((file) => one.test(file)));
      expect(found[0]).toBe(read);
    });
});

test("npm: what who installs it gets, under its own name, and of the registry alone", async () => {
  const manifest = {
    dependencies: {
      rope: "^1",
      "rope-old": "npm:rope@^0.9.0",
      knots: "npm:@sea/knots",
      fork: "github:someone/fork",
      other: "someone/other#main",
      near: "file:../near",
      far: "https://far.example.test/far.tgz",
      any: "",
      odd: 3,
    },
    peerDependencies: { "@sea/kelp": ">=1 <3 || 4.x" },
    optionalDependencies: { fsevents: "~2.3" },
    devDependencies: { knot: "*" },
  };
  const bytes = packed({
    "package/package.json": JSON.stringify(manifest),
    "package/sub/package.json": '{"dependencies":{"inner":"1"}}',
  });
  expect(await needed("npm", "p-1.tgz", bytes)).toEqual([
    "rope ^1",
    "rope ^0.9.0",
    "@sea/knots",
    "any",
    "@sea/kelp >=1 <3 || 4.x peer",
    "fsevents ~2.3 optional",
  ]);
  expect(await needed("npm", "p-1.tgz", packed({ "package/index.js": "" }))).toEqual([]);
});

test("pypi: Requires-Dist of a wheel, of its metadata beside it and of a source distribution", async () => {
  const more =
    'Requires-Dist: Sea_Sand.py[fine]>=1,<2\nRequires-Dist: pearl (>=3) ; extra == "shine"\nRequires-Dist: tide; python_version < "3.9"\n\nRequires-Dist: readme\n';
  const want = ["sea-sand-py >=1,<2", "pearl >=3 extra shine", 'tide  python_version < "3.9"'];
  expect(await needed("pypi", "a-1-py3-none-any.whl", wheel({ more }).bytes)).toEqual(want);
  expect(await needed("pypi", "a-1.tar.gz", sdist({ more }).bytes)).toEqual(want);
  const text = Buffer.from(`Metadata-Version: 2.1\nName: a\nVersion: 1\n${more}`);
  expect(await needed("pypi", "a-1-py3-none-any.whl.metadata", text)).toEqual(want);
});

test("go: a go.mod by itself, and in a zip", async () => {
  const mod =
    'module example.test/anchor\n\ngo 1.22\n\nrequire example.test/Rope v1.0.0\nrequire (\n\t"example.test/chain/v2" v2.0.1 // indirect\n)\nexclude example.test/not v1.0.0\n';
  const want = ["example.test/Rope v1.0.0", "example.test/chain/v2 v2.0.1 indirect"];
  expect(await needed("go", "v1.0.0.mod", Buffer.from(mod))).toEqual(want);
  const top = "example.test/anchor@v1.0.0";
  const bytes = zip({ name: `${top}/sub/go.mod`, text: "x" }, { name: `${top}/go.mod`, text: mod });
  const whose = { package: "example.test/anchor", version: "v1.0.0" };
  expect(await needed("go", "v1.0.0.zip", bytes, whose)).toEqual(want);
});

test("composer: packages of a vendor, in small letters, and no platform", async () => {
  const require = { php: ">=8", "ext-json": "*", "composer-runtime-api": "^2", "Isle/Palm": "^1" };
  const more = { require, "require-dev": { "isle/test": "*" } };
  for (const folder of [undefined, "acme-ui-1234567"])
    expect(
      await needed("composer", "1/a.zip", archive({ more, ...(folder && { folder }) })),
    ).toEqual(["isle/palm ^1"]);
});

test("apt: each of those that will do, without what is only suggested; no more than control is read", async () => {
  const control =
    "Package: shell\nVersion: 1\nPre-Depends: dpkg (>= 1.17)\nDepends: libc6:any (>= 2.36), exim4 (>= 4) | mail-transport-agent,\n sand\nRecommends: pearl\nSuggests: mud\n";
  const deb = arOf({
    "debian-binary": Buffer.from("2.0\n"),
    "control.tar.gz": gzipSync(tar({ name: "./control", text: control })),
    "data.tar.gz": Buffer.from("no tar at all"),
  });
  expect(await needed("apt", "pool/s/shell_1_all.deb", deb)).toEqual([
    "dpkg >= 1.17 before",
    "libc6 >= 2.36",
    "exim4 >= 4",
    "mail-transport-agent",
    "sand",
    "pearl  recommended",
  ]);
});

describe("what is no archive", () => {
  for (const { name, dependencies } of formats)
    test(`${name} refuses it in words`, async () => {
      const last = dependencies!.files.at(-1)!.source;
      const file = /whl|tar/.test(last) ? "a-1.tar.gz" : "a.zip";
      const asked = needed(name, file, Buffer.from("<html>no</html>".repeat(50)));
      await expect(asked).rejects.toThrow(/usable|archive|tar/i);
    });
});
