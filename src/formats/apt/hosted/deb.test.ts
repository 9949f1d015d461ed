// What is taken for a package, and what is said of what is not.
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { ar, build } from "../../../../test/support/fake-upstream/apt-packages.ts";
import { tarGz } from "../../../../test/support/fake-upstream/archives.ts";
import { readChanges } from "./changes.ts";
import { pathsOf, readDeb } from "./deb.ts";
import { readDsc, sourceStanza } from "./dsc.ts";
import { debFile, debStanza, poolFolder } from "./place.ts";

function file(bytes: Uint8Array) {
  return {
    size: bytes.length,
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
}

const CONTROL = {
  Package: "shell",
  Version: "1:2.0-1",
  Architecture: "amd64",
  Maintainer: "Ann <ann@example.test>",
  Description: "the shell\n It is long.\n .\n And longer.",
};
const control = (changes: Record<string, string | null> = {}) =>
  Object.entries({ ...CONTROL, ...changes })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");

const data = tarGz({ "./usr/share/shell/text": "text", "./usr/bin/shell": "program" });
const deb = (text: string, members: Record<string, Buffer> = {}) =>
  ar({
    "debian-binary": Buffer.from("2.0\n"),
    "control.tar.gz": tarGz({ "./control": text, "./postinst": "#!/bin/sh\n" }),
    "data.tar.gz": data,
    ...members,
  });
const read = (bytes: Uint8Array) => readDeb(file(bytes), "shell.deb");
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    ({ kind, message }) => `${kind}: ${message}`,
  );

test("a paragraph keeps what the package says, and gets what only the repository can", async () => {
  const text = control({
    Source: "shells (2.0)",
    "X-Own": "kept",
    Filename: "elsewhere",
    Status: "install ok",
  });
  const found = await read(deb(text));
  expect([found.source, debFile(found), poolFolder("main", found.source)]).toEqual([
    "shells",
    "shell_2.0-1_amd64.deb",
    "pool/main/s/shells",
  ]);
  const digests = { md5: "m", sha1: "s", sha256: "d", size: 5 };
  expect(debStanza(found, "pool/x.deb", digests)).toBe(
    [
      "Package: shell",
      "Version: 1:2.0-1",
      "Architecture: amd64",
      "Maintainer: Ann <ann@example.test>",
      "Source: shells (2.0)",
      "X-Own: kept",
      "Filename: pool/x.deb",
      "Size: 5",
      "MD5sum: m",
      "SHA1: s",
      "SHA256: d",
      "Description: the shell",
      " It is long.",
      " .",
      " And longer.",
      "",
    ].join("\n"),
  );
});

test("packages are read in each compression, with the names of their files", async () => {
  const { bytes } = build({ name: "shell", version: "1.0" }, null);
  expect(await pathsOf(file(bytes), "x")).toEqual(["usr/share/doc/shell/README"]);
  const packed = deb(control(), { "data.tar.gz": data, _gpgorigin: Buffer.from("x") });
  expect((await read(packed)).package).toBe("shell");
  const zst = ar({
    "debian-binary": Buffer.from("2.0\n"),
    "control.tar.zst": zstdCompressSync(gunzipSync(tarGz({ control: control() }))),
    "data.tar.zst": zstdCompressSync(gunzipSync(data)),
  });
  expect((await read(zst)).package).toBe("shell");
  expect(await pathsOf(file(zst), "x")).toEqual(["usr/share/shell/text", "usr/bin/shell"]);
});

describe("what is no package that clients could use is refused with words", () => {
  const bomb = gzipSync(Buffer.alloc(40 * 2 ** 20));
  for (const [what, bytes, words] of [
    ["a page", Buffer.from("<html>"), "Not a usable ar archive"],
    ["another archive", ar({ "a.txt": Buffer.from("a") }), "it is no Debian package"],
    [
      "another format",
      deb(control(), { "debian-binary": Buffer.from("3.0\n") }),
      "a format that is not 2",
    ],
    [
      "no data",
      ar({
        "debian-binary": Buffer.from("2.0\n"),
        "control.tar.gz": tarGz({ control: control() }),
      }),
      "control.tar and data.tar",
    ],
    [
      "no control",
      deb(control(), { "control.tar.gz": tarGz({ other: "x" }) }),
      "it has no control",
    ],
    [
      "a control that is larger than any",
      deb(control(), { "control.tar.gz": bomb }),
      "control.tar.gz",
    ],
    [
      "a control that is cut",
      deb(control(), { "control.tar.gz": tarGz({ control: control() }).subarray(0, 40) }),
      "control.tar.gz",
    ],
    ["no version", deb(control({ Version: null })), "it has no Version"],
    ["no description", deb(control({ Description: null })), "it has no Description"],
    ["a version that is none", deb(control({ Version: "v1" })), 'its Version is "v1"'],
    ["a name that leads out", deb(control({ Package: "../shell" })), "its Package is"],
    ["a source that leads out", deb(control({ Source: "../../etc" })), "its Source is"],
    [
      "an architecture that leads out",
      deb(control({ Architecture: "a/b" })),
      "its Architecture is",
    ],
    ["two paragraphs", deb(`${control()}\nPackage: other\n`), "more than one paragraph"],
    ["a field twice", deb(`${control()}version: 2\n`), "the field version twice"],
    ["a line that is none", deb(`${control()}nonsense\n`), 'it has the line "nonsense"'],
    ["control characters", deb(control({ Section: "a\0b" })), "it has a control character"],
    [
      "no UTF-8",
      deb(control(), { "control.tar.gz": tarGz({ control: Buffer.from([0xff, 0xfe]) }) }),
      "its control is not UTF-8",
    ],
  ] as const)
    test(what, async () => {
      const said = await failure(read(Buffer.from(bytes)));
      expect(said).toStartWith("badRequest: shell.deb cannot be published: ");
      expect(said).toContain(words);
    });
});

const sha = (text: string) => createHash("sha256").update(text).digest("hex");
const dsc = (lines: string, name = "shell") =>
  Buffer.from(
    `Format: 3.0 (quilt)\nSource: ${name}\nVersion: 1.0-1\nMaintainer: Ann <a@b.test>\nChecksums-Sha256:\n${lines}\n`,
  );

test("a source package names its files, and its paragraph the .dsc as well", () => {
  const found = readDsc(dsc(` ${sha("o")} 1 shell_1.0.orig.tar.gz`), "shell.dsc");
  expect(found.files).toEqual([{ name: "shell_1.0.orig.tar.gz", size: 1, digest: sha("o") }]);
  const digests = new Map([
    ["shell_1.0.orig.tar.gz", { md5: "a", sha1: "b", sha256: "c", size: 1 }],
    ["shell_1.0-1.dsc", { md5: "d", sha1: "e", sha256: "f", size: 2 }],
  ]);
  const text = sourceStanza(found, "pool/main/s/shell", digests);
  expect(text).toStartWith("Package: shell\nFormat: 3.0 (quilt)\nVersion: 1.0-1\n");
  expect(text).toEndWith(
    "Directory: pool/main/s/shell\nFiles:\n a 1 shell_1.0.orig.tar.gz\n d 2 shell_1.0-1.dsc\nChecksums-Sha1:\n b 1 shell_1.0.orig.tar.gz\n e 2 shell_1.0-1.dsc\nChecksums-Sha256:\n c 1 shell_1.0.orig.tar.gz\n f 2 shell_1.0-1.dsc\n",
  );
});

describe("what a .dsc or a .changes must not say", () => {
  const changes = (text: string) => readChanges(Buffer.from(text), "x.changes");
  for (const [what, act, words] of [
    [
      "a file in another folder",
      () => readDsc(dsc(` ${sha("o")} 1 ../shell_1.tar.gz`), "x"),
      "it lists",
    ],
    [
      "a file of another package",
      () => readDsc(dsc(` ${sha("o")} 1 other_1.tar.gz`), "x"),
      "no file of shell",
    ],
    [
      "a file twice",
      () => readDsc(dsc(` ${sha("o")} 1 shell_1.tar.gz\n ${sha("o")} 1 shell_1.tar.gz`), "x"),
      "twice",
    ],
    ["no file", () => readDsc(dsc(""), "x"), "no Checksums-Sha256"],
    [
      "a name that leads out",
      () => readDsc(dsc(` ${sha("o")} 1 a_1.tar.gz`, "../a"), "x"),
      "its Source is",
    ],
    ["two suites", () => changes("Distribution: a b\nFiles:\n"), "several suites"],
    ["no suite", () => changes("Files:\n"), "no Distribution"],
    [
      "a file without SHA-256",
      () =>
        changes(
          `Distribution: a\nChecksums-Sha256:\n ${sha("o")} 1 b.deb\nFiles:\n ${"0".repeat(32)} 1 misc optional a.deb\n`,
        ),
      "no SHA-256 of a.deb",
    ],
    [
      "weak sums alone",
      () =>
        changes(
          `Distribution: a\nChecksums-Sha256:\n ${"0".repeat(32)} 1 a.deb\nFiles:\n ${"0".repeat(32)} 1 misc optional a.deb\n`,
        ),
      "Checksums-Sha256 are none",
    ],
  ] as const)
    test(what, () => {
      expect(act).toThrow(words);
    });
});

test("a .changes tells the component of each file by its section", () => {
  const text = `Distribution: stable\nChecksums-Sha256:\n ${sha("a")} 1 a.deb\n ${sha("b")} 1 b.deb\nFiles:\n ${"0".repeat(32)} 1 contrib/net optional a.deb\n ${"0".repeat(32)} 1 net optional b.deb\n`;
  expect(readChanges(Buffer.from(text), "x")).toMatchObject({
    suite: "stable",
    files: [
      { name: "a.deb", component: "contrib" },
      { name: "b.deb", component: null },
    ],
  });
});
