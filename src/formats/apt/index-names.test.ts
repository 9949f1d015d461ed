// What paths of indices say, by tables, and fuzz: a clean path never leads out.
import { expect, test } from "bun:test";
import { cleanPath, type IndexKind, indexName, isDiff, namesFiles } from "./index-names.ts";

type Row = [
  path: string,
  kind: IndexKind,
  component: string | null,
  architecture: string | null,
  compression: string,
];

const table: Row[] = [
  ["main/binary-amd64/Packages.xz", "packages", "main", "amd64", "xz"],
  ["main/binary-all/Packages", "packages", "main", "all", ""],
  ["updates/main/binary-amd64/Packages.gz", "packages", "updates/main", "amd64", "gz"],
  ["binary-amd64/Packages.gz", "packages", null, "amd64", "gz"],
  ["Packages.bz2", "packages", null, null, "bz2"],
  ["x86_64/Packages", "packages", null, null, ""],
  ["main/debian-installer/binary-arm64/Packages.xz", "installer-packages", "main", "arm64", "xz"],
  ["main/source/Sources.xz", "sources", "main", "source", "xz"],
  ["Sources.gz", "sources", null, "source", "gz"],
  ["main/Contents-amd64.gz", "contents", "main", "amd64", "gz"],
  ["Contents-i386", "contents", null, "i386", ""],
  ["main/Contents-udeb-amd64.gz", "contents", "main", "amd64", "gz"],
  ["main/Contents-source.gz", "contents", "main", "source", "gz"],
  ["main/i18n/Translation-en.bz2", "translation", "main", null, "bz2"],
  ["main/i18n/Index", "translation", "main", null, ""],
  ["main/dep11/Components-amd64.yml.xz", "dep11", "main", "amd64", "xz"],
  ["main/dep11/icons-64x64.tar.gz", "dep11", "main", null, "gz"],
  ["main/cnf/Commands-amd64.xz", "commands", "main", "amd64", "xz"],
  ["main/binary-amd64/Release", "release", "main", "amd64", ""],
  ["main/debian-installer/binary-amd64/Release", "release", "main", "amd64", ""],
  ["main/source/Release", "release", "main", "source", ""],
  ["main/binary-amd64/Packages.diff/Index", "diff", "main", "amd64", ""],
  ["main/binary-amd64/Packages.diff/T-2026-01-01-0000.00-F-x.gz", "diff", "main", "amd64", "gz"],
  ["main/Contents-amd64.diff/Index", "diff", "main", "amd64", ""],
  ["main/source/Sources.diff/Index", "diff", "main", "source", ""],
  ["main/installer-amd64/current/images/SHA256SUMS", "other", null, null, ""],
  ["Release", "other", null, null, ""],
  ["main/binary-amd64/Packages.sig", "other", null, null, ""],
];

for (const [path, kind, component, architecture, compression] of table)
  test(path, () => {
    const name = indexName(path);
    expect(name).toMatchObject({ path, kind, component, architecture, compression });
    expect(name.plain + (compression && `.${compression}`)).toBe(path);
    expect(isDiff(path)).toBe(kind === "diff");
    expect(namesFiles(path)).toBe(["packages", "installer-packages", "sources"].includes(kind));
  });

test("the language of a translation", () => {
  expect(indexName("main/i18n/Translation-pt_BR.xz").language).toBe("pt_BR");
  expect(indexName("main/i18n/Translation-en.diff/Index")).toMatchObject({
    kind: "diff",
    language: "en",
  });
  expect(indexName("main/binary-amd64/Packages").language).toBe(null);
});

const paths: [path: string, want: string | null][] = [
  ["main/binary-amd64/Packages", "main/binary-amd64/Packages"],
  ["./Packages", "Packages"],
  [".//a/./b//c.deb", "a/b/c.deb"],
  ["a b/c+~%3a.deb", "a b/c+~%3a.deb"],
  ["...", "..."],
  ["a/..b/c", "a/..b/c"],
  ["pool/ä.deb", "pool/ä.deb"],
  ["", null],
  [".", null],
  ["./", null],
  ["a/", null],
  ["a/.", null],
  ["/etc/passwd", "etc/passwd"],
  ["//x", "x"],
  ["../x", null],
  ["a/../../x", null],
  ["a/..", null],
  ["a\\..\\b", null],
  ["a\tb", null],
  ["a\nb", null],
  ["a\0b", null],
  ["a\x7fb", null],
];

for (const [path, want] of paths)
  test(`cleanPath(${JSON.stringify(path)})`, () => expect(cleanPath(path)).toBe(want));

test("random paths never lead out, and are clean once they are clean", () => {
  const pieces = [
    "a",
    "/",
    "..",
    ".",
    "\\",
    "\0",
    "é",
    "%2e",
    " ",
    "Packages",
    ".gz",
    ".diff",
    "\n",
    "binary-x",
  ];
  let state = 29;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  let cleaned = 0;
  for (let turn = 0; turn < 5000; turn++) {
    let path = "";
    for (let count = next(9); count > 0; count--) path += pieces[next(pieces.length)];
    expect(indexName(path).path).toBe(path);
    const clean = cleanPath(path);
    if (clean === null) continue;
    cleaned++;
    expect(new URL(`http://x.test/root/${encodeURI(clean)}`).pathname).toStartWith("/root/");
    expect(cleanPath(clean)).toBe(clean);
  }
  expect(cleaned).toBeGreaterThan(500);
});
