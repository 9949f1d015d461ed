// Lookup files of indices made by apt-ftparchive (golden), odd and hostile stanzas, and searching in large ones.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Problem } from "../../core/problem.ts";
import { findFile, listFolder } from "./files.ts";
import { isHead, leftOutOf } from "./lookup-file.ts";
import { run, stored } from "./testkit.ts";

const fixture = (name: string) =>
  readFileSync(`${import.meta.dirname}/testdata/index/${name}`, "utf8");
const SHA256 = "ab".repeat(32);

async function lookup(text: string, index = "main/binary-amd64/Packages", folder = "") {
  const { output } = await run("files", { index, folder }, [text]);
  return output.toString();
}

function stanza(fields: Record<string, string>): string {
  const all = { Package: "a", Version: "1", Architecture: "all", Filename: "a.deb", ...fields };
  const lines = Object.entries({ Size: "7", SHA256, ...all }).filter(([, value]) => value);
  return `${lines.map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n`;
}

test("Packages", async () => {
  expect(await lookup(fixture("Packages"))).toBe(fixture("Packages.lookup"));
  const { result } = await run("files", { index: "binary-amd64/Packages", folder: "" }, [
    fixture("Packages"),
  ]);
  expect(result).toEqual({ files: 4, bytes: 544 + 550 + 548 + 558 });
});

test("Sources", async () => {
  expect(await lookup(fixture("Sources"), "main/source/Sources")).toBe(fixture("Sources.lookup"));
});

test("compressed ones, by their name", async () => {
  const { output } = await run("files", { index: "main/source/Sources.gz", folder: "" }, [
    gzipSync(fixture("Sources")),
  ]);
  expect(output.toString()).toBe(fixture("Sources.lookup"));
});

const row = (path: string, digest = SHA256, rest = "7\ta\t1\tall") =>
  `${path}\t${digest}\t${rest}\n`;

const table: [what: string, text: string, want: string][] = [
  ["nothing", "", ""],
  ["a flat path", stanza({ Filename: "./a.deb" }), row("a.deb")],
  ["doubled slashes", stanza({ Filename: "pool//a/./a.deb" }), row("pool/a/a.deb")],
  ["a hash in upper case", stanza({ SHA256: SHA256.toUpperCase() }), row("a.deb")],
  [
    "only SHA-512",
    stanza({ SHA256: "", SHA512: "00".repeat(64) }),
    row("a.deb", `sha512-${"A".repeat(86)}==`),
  ],
  [
    "only SHA-1 and MD5",
    stanza({ SHA256: "", SHA1: "00".repeat(20), MD5sum: "00".repeat(16) }),
    row("a.deb", `sha1-${"A".repeat(27)}=`),
  ],
  [
    "only MD5",
    stanza({ SHA256: "", MD5sum: "00".repeat(16) }),
    row("a.deb", `md5-${"A".repeat(22)}==`),
  ],
  ["no hash", stanza({ SHA256: "" }), ""],
  ["a hash that is none", stanza({ SHA256: "x".repeat(64) }), ""],
  ["no size", stanza({ Size: "" }), ""],
  ["a size that is none", stanza({ Size: "-1" }), ""],
  ["no file, as in a status file", stanza({ Filename: "" }), ""],
  ["no version", stanza({ Version: "", Architecture: "" }), row("a.deb", SHA256, "7\ta\t\t")],
  [
    "bytes decide the order, not letters",
    ["b.deb", "a/x.deb", "a-b.deb", "a.deb", "ä.deb", "B.deb"]
      .map((Filename) => stanza({ Filename }))
      .join(""),
    ["B.deb", "a-b.deb", "a.deb", "a/x.deb", "b.deb", "ä.deb"].map((path) => row(path)).join(""),
  ],
  [
    "the later of two with one path",
    stanza({}) + stanza({ Filename: "./a.deb", Version: "2", SHA256: "cd".repeat(32) }),
    row("a.deb", "cd".repeat(32), "7\ta\t2\tall"),
  ],
  ["a tab in a version", stanza({ Version: "1\t2" }), row("a.deb", SHA256, "7\ta\t1 2\tall")],
];

for (const [what, text, want] of table)
  test(what, async () => expect(await lookup(text)).toBe(want));

test("paths of a flat repository stand in its folder", async () => {
  expect(await lookup(stanza({ Filename: "./a.deb" }), "Packages", "ubuntu/x86_64")).toBe(
    row("ubuntu/x86_64/a.deb"),
  );
});

test("sources without a folder, and with weak hashes only", async () => {
  const text = `Package: a\nVersion: 1\nFiles:\n ${"00".repeat(16)} 7 a_1.dsc\n\n`;
  expect(await lookup(text, "Sources", "flat")).toBe(
    row("flat/a_1.dsc", `md5-${"A".repeat(22)}==`, "7\ta\t1\tsource"),
  );
});

/** What a lookup file tells of what it leaves out, and its other lines. */
async function leftOut(text: string, index = "Packages") {
  const output = Buffer.from(await lookup(text, index));
  const rest = output.subarray(output.indexOf("\n") + 1).toString();
  return { ...(await leftOutOf(stored(output)))!, rest };
}

for (const Filename of ["../a.deb", "pool/../../a.deb", "a\\..\\b.deb", "pool/"])
  test(`the path ${Filename} is left out, told with the name of its package`, async () => {
    const text = stanza({ Package: "evil", Filename }) + stanza({});
    const why = `its file is ${JSON.stringify(Filename)}`;
    expect(await leftOut(text)).toEqual({
      count: 1,
      entries: [{ what: "evil", why }],
      rest: row("a.deb"),
    });
  });

for (const Filename of ["/a.deb", "./a.deb", "//a.deb", ".//./a.deb"])
  test(`the path ${Filename} is that of a.deb`, async () =>
    expect(await lookup(stanza({ Filename }))).toBe(row("a.deb")));

for (const [directory, file] of [
  ["..", "a.dsc"],
  ["pool", "../a.dsc"],
  ["pool", ".."],
])
  test(`the source file ${directory} ${file} is left out`, async () => {
    const text = `Package: evil\nDirectory: ${directory}\nChecksums-Sha256:\n ${SHA256} 7 ${file}\n`;
    expect(await leftOut(text, "Sources")).toMatchObject({ entries: [{ what: "evil" }], rest: "" });
  });

test("a broken stanza among many is left out and told", async () => {
  const text = `${stanza({ Filename: "a.deb" })}Package: b\nno colon\n\n${stanza({ Filename: "c.deb" })}`;
  expect(await leftOut(text)).toEqual({
    count: 1,
    entries: [{ what: "a stanza", why: 'paragraph 2 has the line "no colon"' }],
    rest: row("a.deb") + row("c.deb"),
  });
});

test("what is left out is found under no path and in no folder", async () => {
  const output = Buffer.from(await lookup(`no colon\n\n${stanza({})}`));
  const file = stored(output);
  expect(await findFile(file, "")).toBeNull();
  expect((await listFolder(file, "", 10)).map(({ name }) => name)).toEqual(["a.deb"]);
});

test("a page in place of an index is refused", async () => {
  for (const index of ["Packages", "Packages.gz", "Packages.xz", "Sources"])
    expect(await lookup("<html>Log in</html>", index).catch((error) => error)).toHaveProperty(
      "kind",
      "malformed",
    );
});

// A path without its first letter sorts after the whole: who starts to read in the middle of a line notices.
const many: string[] = [];
for (let n = 0; n < 4000; n++) {
  const name = `p${(n * 7919) % 4000}`;
  many.push(`az/main/${name.slice(0, 2)}/${name}/${name}_1.0_all.deb`);
  if (n % 10 === 0) many.push(`az/main/${name.slice(0, 2)}/${name}/${name}-${"x".repeat(n)}.deb`);
}
many.push("top.deb", "az/main/p0.deb", "az/ä/a.deb", "az-other/a.deb");
const large = run("files", { index: "Packages", folder: "" }, [
  many.map((Filename, at) => stanza({ Package: `n${at}`, Filename, Size: String(at) })).join(""),
]).then(({ output }) => stored(output));

test("every file is found, with few reads", async () => {
  const file = await large;
  for (const [at, path] of many.entries()) {
    if (at % 13 && at < many.length - 4) continue;
    const entry = await findFile(file, path);
    expect(entry).toEqual({
      path,
      integrity: expect.stringMatching(/^sha256-/),
      sha256: SHA256,
      size: at,
      package: `n${at}`,
      version: "1",
      architecture: "all",
    });
  }
  file.reads = 0;
  await findFile(file, many[0]!);
  expect(file.reads).toBeLessThan(20);
});

test("what is not there is not found", async () => {
  const file = await large;
  for (const path of [
    "",
    "\0",
    "a",
    "az",
    "az/main",
    "az/main/p0",
    "top.de",
    "top.debb",
    "zz",
    "ä",
  ])
    expect(await findFile(file, path)).toBe(null);
  expect(await findFile(stored(Buffer.alloc(0)), "a")).toBe(null);
});

test("folders list their children, without reading what is below", async () => {
  const file = await large;
  for (const prefix of [
    "",
    "az",
    "az/",
    "az/main",
    "az/main/p1",
    "az/main/p1/p10",
    "az/ä",
    "none",
  ]) {
    const folder = prefix && `${prefix.replace(/\/$/, "")}/`;
    const below = many
      .filter((path) => path.startsWith(folder))
      .map((path) => path.slice(folder.length));
    const want = new Set(below.map((path) => path.replace(/\/.*/, "/")));
    file.reads = 0;
    const found = await listFolder(file, prefix, 10_000);
    expect(found.map(({ name, isFolder }) => name + (isFolder ? "/" : "")).sort()).toEqual(
      [...want].sort(),
    );
    for (const { name, isFolder, entry } of found)
      expect(entry?.path).toBe(isFolder ? undefined : folder + name);
    if (folder === "" || folder === "az/") expect(file.reads).toBeLessThan(80);
  }
  expect((await listFolder(file, "az/main/p1", 5)).length).toBe(5);
});

test("random stanzas give lines or a Problem", async () => {
  const pieces = [
    "Package: a",
    "Filename: ",
    "Filename: a.deb\n",
    `SHA256: ${SHA256}\n`,
    "a.deb",
    "\n",
    "\n\n",
    `SHA256: ${SHA256}`,
    "Size: 7",
    " ",
    "..",
    "/",
    "é",
    "\0",
    ":",
  ];
  let state = 61;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const outcomes = new Set<string>();
  for (let turn = 0; turn < 2000; turn++) {
    let text = "Package: a\nSize: 7\n";
    for (let count = next(14); count > 0; count--) text += pieces[next(pieces.length)];
    const result = await lookup(text, next(2) ? "Packages" : "Sources").catch((error) => error);
    if (result instanceof Error) expect(result).toBeInstanceOf(Problem);
    else
      for (const line of result.split("\n").slice(0, -1))
        if (!isHead(line)) expect(line.split("\t").length).toBe(6);
    outcomes.add(result instanceof Error ? "refused" : result ? "lines" : "none");
  }
  expect([...outcomes].sort()).toEqual(["lines", "none", "refused"]);
});

test("a source of very many files", async () => {
  const lines = Array.from({ length: 300_000 }, (_, at) => ` ${SHA256} 1 f${at}`);
  const text = `Package: a\nVersion: 1\nDirectory: d\nChecksums-Sha256:\n${lines.join("\n")}\n`;
  const { result } = await run("files", { index: "main/source/Sources", folder: "" }, [text]);
  expect(result).toEqual({ files: 300_000, bytes: 300_000 });
});
