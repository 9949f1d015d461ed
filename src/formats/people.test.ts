// What each format tells people of the inside of its files, and the lines that install them.
import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { tar, zip } from "../archive/testdata/archives.ts";
import type { Inside } from "../core/inside.ts";
import { arOf } from "./apt/testdata/ar.ts";
import { stored } from "./apt/testkit.ts";
import { archive } from "./composer/testdata/archives.ts";
import { formats } from "./index.ts";
import { packed } from "./npm/testdata/tarball.ts";
import { sdist, wheel } from "./pypi/testdata/distributions.ts";

const formatOf = (name: string) => formats.find((one) => one.name === name)!;

async function look(format: string, bytes: Uint8Array, options: object = {}): Promise<Inside> {
  const task = formatOf(format).tasks!["inside"]!;
  const given = { package: "p", version: "1", file: "f", ...options };
  return (await task({ options: given, files: [stored(bytes)], async write() {} })) as Inside;
}

test("npm: what its package.json says", async () => {
  const manifest = {
    name: "kelp",
    version: "1.0.0",
    description: " Grows ",
    license: "MIT",
    homepage: "https://kelp.example.test/",
    dependencies: { rope: "^1" },
    devDependencies: { knot: "*", odd: 3 },
    scripts: { postinstall: "node x" },
  };
  const inside = await look(
    "npm",
    packed({ "package/package.json": JSON.stringify(manifest), "package/README.md": "# Kelp" }),
  );
  expect(inside).toMatchObject({
    description: "Grows",
    licence: "MIT",
    homepage: "https://kelp.example.test/",
    readme: "<h3>Kelp</h3>\n",
    dependencies: [
      { name: "rope", range: "^1", kind: "" },
      { name: "knot", range: "*", kind: "development" },
    ],
    scripts: { postinstall: "node x" },
    count: 2,
  });
});

test("npm: a package.json that is none, and a home page that is no page", async () => {
  const odd = await look("npm", packed({ "package/package.json": "[]", "package/index.js": "" }));
  expect(odd).toMatchObject({ description: null, dependencies: [], readme: null, count: 2 });
  const evil = JSON.stringify({ homepage: "javascript:alert(1)", description: 7, scripts: [] });
  const inside = await look("npm", packed({ "package/package.json": evil }));
  expect(inside).toMatchObject({ homepage: null, description: null, scripts: {} });
});

test("pypi: a wheel and a source distribution tell the same", async () => {
  const more =
    'Summary: A shell\nLicense-Expression: MIT\nProject-URL: Home, https://shell.example.test/\nRequires-Dist: sand>=1,<2\nRequires-Dist: pearl (>=3) ; extra == "shine"\nDescription-Content-Type: text/markdown\n\n# Shell\n';
  for (const { bytes } of [wheel({ more }), sdist({ more })])
    expect(await look("pypi", bytes)).toMatchObject({
      description: "A shell",
      licence: "MIT",
      homepage: "https://shell.example.test/",
      readme: expect.stringContaining("<h3>Shell</h3>"),
      dependencies: [
        { name: "sand", range: ">=1,<2", kind: "" },
        { name: "pearl", range: ">=3", kind: "extra shine" },
      ],
    });
});

test("go: what go.mod requires, and paths below the module", async () => {
  const top = "example.test/anchor@v1.0.0";
  const mod =
    "module example.test/anchor\n\nrequire example.test/rope v1.0.0\n\nrequire (\n\texample.test/chain v0.2.0 // indirect\n)\n";
  const bytes = zip(
    { name: `${top}/go.mod`, text: mod },
    { name: `${top}/README.md`, text: "# Anchor" },
    { name: `${top}/sub/README.md`, text: "# Other" },
  );
  const inside = await look("go", bytes, { package: "example.test/anchor", version: "v1.0.0" });
  expect(inside).toMatchObject({
    readme: "<h3>Anchor</h3>\n",
    dependencies: [
      { name: "example.test/rope", range: "v1.0.0", kind: "" },
      { name: "example.test/chain", range: "v0.2.0", kind: "indirect" },
    ],
  });
  expect(inside.files.map(({ path }) => path)).toEqual(["README.md", "go.mod", "sub/README.md"]);
});

test("composer: what composer.json says, in a folder of a code host too", async () => {
  const more = { description: "UI", license: ["MIT", "GPL-2.0-only"], require: { php: ">=8" } };
  for (const folder of [undefined, "acme-ui-1234567"])
    expect(
      await look(
        "composer",
        archive({ more, files: { "README.md": "# UI" }, ...(folder && { folder }) }),
      ),
    ).toMatchObject({
      description: "UI",
      licence: "MIT or GPL-2.0-only",
      readme: "<h3>UI</h3>\n",
      dependencies: [{ name: "php", range: ">=8", kind: "" }],
    });
});

test("apt: what control says, the scripts that dpkg runs, and the files of data", async () => {
  const control =
    "Package: shell\nVersion: 1\nHomepage: https://shell.example.test/\nDepends: libc6 (>= 2.36), sand (>= 1) | mud\nDescription: a shell\n It is long.\n .\n And short.\n";
  const deb = arOf({
    "debian-binary": Buffer.from("2.0\n"),
    "control.tar.gz": gzipSync(
      tar({ name: "./control", text: control }, { name: "./postinst", text: "#!/bin/sh\n" }),
    ),
    "data.tar.gz": gzipSync(tar({ name: "./usr/bin/shell", text: "x" })),
  });
  expect(await look("apt", deb)).toMatchObject({
    description: "a shell",
    homepage: "https://shell.example.test/",
    readme: "<pre>It is long.\n\nAnd short.</pre>",
    dependencies: [
      { name: "libc6", range: ">= 2.36", kind: "" },
      { name: "sand (>= 1) | mud", range: "", kind: "" },
    ],
    scripts: { postinst: "#!/bin/sh\n" },
    files: [{ path: "usr/bin/shell", size: 1 }],
  });
});

describe("what is no archive", () => {
  for (const { name } of formats)
    test(`${name} refuses it in words`, async () => {
      await expect(look(name, Buffer.from("<html>no</html>".repeat(50)))).rejects.toThrow(
        /usable|archive|tar/i,
      );
    });
});

test("the lines that install have the reader's own address, or none", () => {
  for (const { name, install } of formats)
    for (const version of [null, "1.2.3"]) {
      const lines = install!(`https://host.example.test/${name}`, "the-package", version);
      expect(lines.length).toBeGreaterThan(0);
      for (const { text } of lines) {
        expect(text).toContain("the-package");
        if (version !== null) expect(text).toContain(version);
      }
    }
});
