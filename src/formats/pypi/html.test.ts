import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Problem } from "../../core/problem.ts";
import { readProjectHtml } from "./html.ts";

const read = (html: string, project = "six") =>
  readProjectHtml(html, project, `simple/${project}/`);
const head = (title: string, body = "") =>
  `<html><head><title>${title}</title></head><body><h1>${title}</h1>${body}</body></html>`;

const empty: [name: string, html: string][] = [
  ["the heading of the standard's pages", head("Links for six")],
  ["a name that is not normalised", head("Links for SIX").replace("SIX", "Six")],
  [
    "devpi's heading",
    head("root/pypi: links for six", '<form action="refresh"><input type="submit"></form>'),
  ],
  ["a folder listing", head("Index of /simple/six/", '<a href="../">../</a>')],
  ["the version of PEP 629", '<meta name="pypi:repository-version" content="1.0"><p>Nothing'],
  ["the older version", '<meta name="api-version" value="2"/>'],
];
for (const [name, html] of empty)
  test(`a project without files is told by ${name}`, () => expect(read(html).files).toEqual([]));

const strangers: [name: string, html: string][] = [
  [
    "a login page",
    head("Sign in", '<form><input name="user"><input type="PASSWORD" name="p"></form>'),
  ],
  [
    "a login page that borrows the heading",
    head("Links for six", '<input type="password"><a href="six-1.0.zip">six-1.0.zip</a>'),
  ],
  ["a captive portal", head("Welcome", '<a href="/accept?to=six">Accept the terms</a>')],
  ["a portal that offers its client", head("Welcome", '<a href="/vpn-client-5.0.exe">Client</a>')],
  ["another project's page", head("Links for seven")],
  ["another project's files", head("Packages", '<a href="seven-1.0.zip">seven-1.0.zip</a>')],
  ["an error page", "<h1>502 Bad Gateway</h1>"],
  ["a page for scripts", '<!doctype html><div id="app"></div><script src="/app.js"></script>'],
  ["half a page", `${head("Links for six").slice(0, -20)}<a href="six-1.0`],
  [
    "a newer standard",
    '<meta name="pypi:repository-version" content="2.0"><a href="six-1.0.zip">x</a>',
  ],
];
for (const [name, html] of strangers)
  test(`${name} is no project page`, () => expect(() => read(html)).toThrow(Problem));

test("a file named for the project is enough", () => {
  const page = read(
    '<a href="six-1.0.tar.gz">six</a><a href="odd_name-2.zip">odd</a><a href="/">up</a>',
  );
  expect(page.files.map(({ filename }) => filename)).toEqual(["six-1.0.tar.gz", "odd_name-2.zip"]);
});

test("an entry that cannot be used is left out and told; the rest stays", () => {
  const skipped: string[] = [];
  const page = readProjectHtml(
    head(
      "Links for six",
      `<a href="six-1.0.zip#sha256=abcd">x</a><a href="file:///six-1.1.zip">x</a><a href="six-1.2.zip#sha256=">x</a>
<a href=six-1.3.zip data-requires-python=>=3.6>x</a><a href="six-1.4.zip#sha256=None">x</a><a href="six-1.5.zip"">x</a><script>`,
    ),
    "six",
    "simple/six/",
    ({ what, why }) => skipped.push(`${what}: ${why}`),
  );
  expect(page.files.map(({ filename, hashes }) => [filename, hashes])).toEqual(
    ["1.2", "1.3", "1.4", "1.5"].map((version) => [`six-${version}.zip`, {}]),
  );
  expect(skipped).toEqual([
    "six-1.0.zip#sha256=abcd: The sha256 of six-1.0.zip is no sha256",
    "file:///six-1.1.zip: The URL of six-1.1.zip cannot be fetched",
  ]);
});

test("a hash of an unknown algorithm is none", () => {
  expect(read('<a href="six-1.0.zip#blake9=abcd">x</a>').files[0]?.hashes).toEqual({});
});

test("<base href> moves relative links", () => {
  const html =
    '<base href="https://files.example.test/d/"><base href="/no/"><a href="six-1.0.zip">x</a>';
  expect(read(html).files[0]?.location).toBe("https://files.example.test/d/six-1.0.zip");
});

test("every attribute of a private index is read", () => {
  const html = readFileSync(`${import.meta.dirname}/testdata/private.html`, "utf8");
  const page = readProjectHtml(html, "private-tool", "simple/private-tool/");
  expect(page.status).toEqual({ status: "deprecated", reason: "Use <b> instead" });
  expect(page.files.map(({ filename, location }) => [filename, location])).toEqual([
    ["private_tool-1.0-py3-none-any.whl", "+f/abc/private_tool-1.0-py3-none-any.whl"],
    ["private-tool-1.0.tar.gz", "/packages/private-tool-1.0.tar.gz?a=1&b=2"],
    [
      "private_tool-1.1+local-py3-none-any.whl",
      "https://files.example.test/private_tool-1.1%2Blocal-py3-none-any.whl",
    ],
    ["private-tool-1.2.zip", "../other/index/private-tool-1.2.zip"],
    ["private-tool-1.3.tar.bz2", "simple/private-tool/private-tool-1.3.tar.bz2"],
  ]);
  expect(page.files[0]).toMatchObject({
    hashes: { sha256: "a".repeat(64) },
    requiresPython: ">=3.9, <4",
    coreMetadata: { sha256: "b".repeat(64) },
    size: 1234,
    uploadTime: "2020-02-02T02:02:02Z",
    yanked: false,
    gpgSig: null,
  });
  expect(page.files[1]).toMatchObject({
    hashes: { md5: "e".repeat(32) },
    yanked: true,
    gpgSig: true,
  });
  expect(page.files[2]).toMatchObject({
    hashes: { sha1: "0123456789abcdef0123456789abcdef01234567" },
    yanked: `one 'bad' "day"`,
    coreMetadata: true,
  });
  expect(page.files[4]?.provenance).toBe("https://index.example.test/provenance/1.3");
});

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

test("no page makes the reader throw anything but a Problem", () => {
  const next = random(503);
  const pieces = [
    ..."<>\"'=/&#; -!a\0",
    "<a ",
    'href="',
    "href=",
    "six-1.0.zip",
    "#sha256=",
    "0".repeat(64),
    "data-yanked",
    "data-core-metadata=",
    "<!--",
    "-->",
    "<title>",
    "</title>",
    "Links for six",
    "<base href=",
    "http://",
    "%",
    "%2f",
    "<meta name=pypi:repository-version content=1.0>",
    "<script>",
    "</script>",
    "&#x",
  ];
  for (let round = 0; round < 20_000; round += 1) {
    let html = "";
    for (let length = next() * 25; length > 0; length -= 1)
      html += pieces[Math.floor(next() * pieces.length)];
    try {
      for (const { filename } of read(html).files) expect(filename).not.toMatch(/[/\\\0]/);
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
    }
  }
});

test("a base without end is no work for each link: the page is refused", () => {
  const anchors = '<a href="six-1.0.tar.gz">'.repeat(8_000);
  const page = `<base href="${"../".repeat(60_000)}">${anchors}`;
  expect(() => readProjectHtml(page, "six", "simple/six/")).toThrow("cannot be fetched");
});
