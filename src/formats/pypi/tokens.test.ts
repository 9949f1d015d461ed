import { expect, test } from "bun:test";
import { escapeHtml } from "../../core/html.ts";
import { Problem } from "../../core/problem.ts";
import { tokens, unescapeHtml } from "./tokens.ts";

/** Tokens in a line: `<a href="x">` as `a[href=x]`, text in quotes. */
function short(html: string): string {
  return [...tokens(html)]
    .map((token) => {
      if (token.kind === "text") return JSON.stringify(token.text);
      if (token.kind === "end") return `/${token.name}`;
      return `${token.name}[${[...token.attributes].map(([name, value]) => `${name}=${value}`).join(" ")}]`;
    })
    .join(" ");
}

const pages: [html: string, want: string][] = [
  ['<a href="x">y</a>', 'a[href=x] "y" /a'],
  ["<A HREF='x'>", "a[href=x]"],
  ["<a href=x/y?z=1>", "a[href=x/y?z=1]"],
  ["<a data-yanked>", "a[data-yanked=]"],
  ['<a data-yanked href = "x" />', "a[data-yanked= href=x]"],
  ['<a href="x" href="y">', "a[href=x]"],
  ["<br/><br />", "br[] br[]"],
  ['<a title="a > b">', "a[title=a > b]"],
  ['<a data-requires-python="&gt;=3.6">', "a[data-requires-python=>=3.6]"],
  ["<!doctype html><!-- <a href=x> --><?php x ?>", ""],
  ["1 < 2 &amp; 3", '"1 " "<" " 2 & 3"'],
  ["<script>'<a href=x>'</SCRIPT >", "script[] /script"],
  ["<title>a <b> &lt;</title>", 'title[] "a <b> <" /title'],
  // What browsers recover from.
  ["<script>x <a href=y>", "script[] /script"],
  ["<script>x</scripts><a></script x>y", 'script[] /script "y"'],
  ['<a "b">', 'a["b"=]'],
  ["<a b=>c", 'a[b=] "c"'],
  ["<a =>", "a[==]"],
  ['<a href="x""title="y">', 'a[href=x "title=y]'],
  ['<a href="x" data-requires-python=>=3.6>y</a>', 'a[href=x data-requires-python=] "=3.6>y" /a'],
  ["<a href=x data-requires-python=<4>", "a[href=x data-requires-python=<4]"],
  ["<a href=x<y>z", 'a[href=x<y] "z"'],
  ["<!--><a href=x><!---><b>", "a[href=x] b[]"],
  ["<!-- x --!><b>", "b[]"],
  ["</><b></ x><i>", "b[] i[]"],
  ["<noscript><a href=x></noscript>", "noscript[] a[href=x] /noscript"],
  ["text", '"text"'],
  ["", ""],
];
for (const [html, want] of pages)
  test(`tokens(${JSON.stringify(html)})`, () => expect(short(html)).toBe(want));

const broken = ["<a", '<a href="x', "<!-- x", "<!doctype", "<!-- x -->  <!-- y", '<a href="x'];
for (const html of broken)
  test(`tokens(${JSON.stringify(html)}) is malformed`, () =>
    expect(() => [...tokens(html)]).toThrow(Problem));

const references: [text: string, want: string][] = [
  ["&amp;lt;", "&lt;"],
  ["&#62;&#x3e;&#X3E;", ">>>"],
  ["&#62", ">"],
  ["&quot;&apos;&nbsp;", "\"'\u00a0"],
  ["&copy; &amp &unknown;", "&copy; &amp &unknown;"],
  ["&#0;&#xd800;&#x110000;", "\ufffd\ufffd\ufffd"],
  ["?a=1&b=2", "?a=1&b=2"],
];
for (const [text, want] of references)
  test(`unescapeHtml(${text})`, () => expect(unescapeHtml(text)).toBe(want));

test("escapeHtml() is undone by unescapeHtml() and leaves nothing to a browser", () => {
  const text = `<script>"it's" & &amp; 'x'</script>`;
  expect(escapeHtml(text)).not.toMatch(/[<>"']/);
  expect(unescapeHtml(escapeHtml(text))).toBe(text);
});

test("no page takes more than linear time", () => {
  const long = 200_000;
  for (const html of ["<", "<a ", "&#", "<!--", "<a href=", "<title>", "<a b='", " /"])
    try {
      for (const token of tokens(html.repeat(long))) expect(token).toBeDefined();
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
    }
});
