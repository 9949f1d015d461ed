import { expect, test } from "bun:test";
import { type ZipPart, zip } from "../../archive/testdata/archives.ts";
import { Problem } from "../../core/problem.ts";
import { readInside } from "./inside.ts";
import { archive } from "./testdata/archives.ts";

const fileOf = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
});
const said = async (bytes: Uint8Array) => {
  try {
    return await readInside(fileOf(bytes));
  } catch (error) {
    return error instanceof Problem ? `${error.kind}: ${error.message}` : error;
  }
};
const manifest: ZipPart = { name: "composer.json", text: JSON.stringify({ name: "acme/ui" }) };
const link = (name: string, text: string): ZipPart => ({ name, text, mode: 0o120777 });

test("a composer.json is found at the top, or in the one folder", async () => {
  for (const folder of [undefined, "acme-ui-1f2e3d4"])
    expect(await said(archive({ version: "1.0", ...(folder && { folder }) }))).toMatchObject({
      name: "acme/ui",
      version: "1.0",
    });
});

test("links inside of an archive are taken", async () => {
  expect(await said(zip(manifest, link("a/b", "../composer.json")))).toMatchObject({
    name: "acme/ui",
  });
});

const refused: [what: string, bytes: Uint8Array, why: string][] = [
  ["a page", Buffer.from("<html>log in</html>"), "it is no zip archive"],
  ["nothing", Buffer.alloc(0), "it is no zip archive"],
  ["half of one", archive({}).subarray(0, 300), "Not a usable zip archive"],
  ["no composer.json", zip({ name: "readme", text: "" }), "it has no composer.json at its top"],
  [
    "two folders",
    zip({ ...manifest, name: "a/composer.json" }, { name: "b/x" }),
    "it has no composer.json",
  ],
  [
    "a folder of one system beside it",
    zip({ ...manifest, name: "a/composer.json" }, { name: "__MACOSX/a/x" }),
    "it has no composer.json",
  ],
  [
    "a composer.json two folders down",
    zip({ ...manifest, name: "a/b/composer.json" }),
    "it has no composer.json",
  ],
  ["a path that leads out", zip(manifest, { name: "../x" }), '"../x" in it is no plain path'],
  ["a path from the root", zip(manifest, { name: "/etc/x" }), "is no plain path"],
  ["a path of another system", zip(manifest, { name: "a\\..\\x" }), "is no plain path"],
  ["another spelling of a path", zip(manifest, { name: "a//b" }), "is no plain path"],
  ["a file twice", zip(manifest, manifest), "twice"],
  ["a link that leads out", zip(manifest, link("a", "../x")), 'the link "a" leads out of it'],
  ["a link from the root", zip(manifest, link("a", "/etc/passwd")), "leads out of it"],
  [
    "a link that others stand in",
    zip(manifest, link("a", "src"), { name: "a/b" }),
    "is a folder and something else",
  ],
];

for (const [what, bytes, why] of refused)
  test(`refused: ${what}`, async () => {
    const words = await said(bytes);
    expect(words).toStartWith("badRequest: ");
    expect(words).toContain(why);
  });

const manifests: [more: object, why: string | null][] = [
  [{ require: { php: ">=8.1", "acme/kit": "^1.0 || dev-main", "acme/own": "self.version" } }, null],
  [{ require: [], extra: [], authors: [{ name: "Ann" }], bin: "bin/ui", license: "MIT" }, null],
  [
    { require: { "acme/kit": "latest" } },
    'what it says of "acme/kit" in require is no constraint that Composer can read: "latest"',
  ],
  [{ require: { "acme/kit": 1 } }, 'what it says of "acme/kit" in require is no text'],
  [{ require: "acme/kit" }, "its require is no map"],
  [{ conflict: ["acme/kit"] }, "its conflict is no map"],
  [{ autoload: "src" }, "its autoload is no map"],
  [{ type: 1 }, "its type is no text"],
  [{ authors: ["Ann"] }, "its authors has something else than maps"],
  [{ keywords: [1] }, "its keywords has something else than texts"],
  [{ suggest: { a: 1 } }, "its suggest has something else than texts"],
  [
    { extra: { "branch-alias": { "dev-main": 1 } } },
    "its branch-alias has something else than texts",
  ],
  [{ abandoned: "no" }, "its abandoned is neither true nor a package's name"],
  [{ name: "Acme" }, 'its name "Acme" is none that a package can have'],
  [{ name: 1 }, "its name 1 is none"],
  [{ version: 1 }, "its version is no text"],
];

for (const [more, why] of manifests)
  test(`composer.json with ${JSON.stringify(more)}`, async () => {
    const words = await said(archive({ more }));
    if (why === null) expect(words).toMatchObject({ name: "acme/ui" });
    else expect(words).toContain(`The composer.json cannot be used: ${why}`);
  });

test("what is another's to say is not told", async () => {
  const more = {
    dist: { type: "zip", url: "https://elsewhere.example.test/x.zip" },
    source: { type: "git", url: "x", reference: "y" },
    repositories: [{ type: "vcs", url: "x" }],
    config: { "secure-http": false },
    time: "2020-01-01",
    version_normalized: "9.9.9.9",
    "default-branch": true,
    "notification-url": "https://elsewhere.example.test/",
    description: "Kept",
  };
  const read = (await said(archive({ more }))) as { data: object };
  expect(Object.keys(read.data).sort()).toEqual(["autoload", "description"]);
});

test("a composer.json that is no JSON, no object, or too deep or large is refused", async () => {
  const of = (text: string) => said(zip({ name: "composer.json", text }));
  expect(await of("{")).toContain("it is no JSON");
  expect(await of("[]")).toContain("it is no JSON object");
  expect(await of(`{"name":"acme/ui","extra":${"[".repeat(200)}${"]".repeat(200)}}`)).toContain(
    "is nested deeper",
  );
  expect(await of(" ".repeat(3 * 2 ** 20))).toContain("is larger than");
});
