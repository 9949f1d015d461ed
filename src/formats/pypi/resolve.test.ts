import { expect, test } from "bun:test";
import { besides, resolveLocation } from "./resolve.ts";

const links: [href: string, want: string | null][] = [
  ["https://files.example.test/a/b.whl#sha256=00", "https://files.example.test/a/b.whl"],
  ["//files.example.test/b.whl", "https://files.example.test/b.whl"],
  ["b.whl", "simple/six/b.whl"],
  ["../../packages/b.whl?x=1#y", "packages/b.whl?x=1"],
  ["../../../../other/b.whl", "../../other/b.whl"],
  [`${"../".repeat(40)}b.whl`, "/b.whl"],
  ["/packages/b.whl", "/packages/b.whl"],
  ["\\packages\\b.whl", "/packages/b.whl"],
  [" b%2Bc.whl\n", "simple/six/b%2Bc.whl"],
  ["javascript:alert(1)", null],
  ["file:///etc/passwd", null],
  ["ftp://files.example.test/b.whl", null],
  ["http://[", null],
];
for (const [href, want] of links)
  test(`resolveLocation(${JSON.stringify(href.slice(0, 40))})`, () =>
    expect(resolveLocation(href, "simple/six/")).toBe(want));

test("resolveLocation() follows <base href>", () => {
  const base = "https://files.example.test/root/";
  expect(resolveLocation("b.whl", "simple/six/", base)).toBe(`${base}b.whl`);
  expect(resolveLocation("b.whl", "simple/six/", "/root/")).toBe("/root/b.whl");
  expect(resolveLocation("b.whl", "simple/six/", "../../x/")).toBe("x/b.whl");
  expect(resolveLocation("b.whl", "simple/six/", "http://[")).toBe("simple/six/b.whl");
});

test("links of a page that redirects led to are relative to where it was found", () => {
  const page = "https://mirror.example.test:8080/root/+simple/six/";
  const links = {
    "b.whl": `${page}b.whl`,
    "../../+f/b.whl": "https://mirror.example.test:8080/root/+f/b.whl",
    "/+f/b.whl": "https://mirror.example.test:8080/+f/b.whl",
    "https://files.example.test/b.whl": "https://files.example.test/b.whl",
  };
  for (const [href, want] of Object.entries(links)) expect(resolveLocation(href, page)).toBe(want);
  expect(resolveLocation("b.whl", page, "/x/")).toBe("https://mirror.example.test:8080/x/b.whl");
});

test("a location means the same again", () => {
  for (const [, want] of links) if (want !== null) expect(resolveLocation(want, "")).toBe(want);
});

test("besides() appends to the path", () => {
  expect(besides("a/b.whl", ".metadata")).toBe("a/b.whl.metadata");
  expect(besides("a/b.whl?x=1", ".metadata")).toBe("a/b.whl.metadata?x=1");
});
