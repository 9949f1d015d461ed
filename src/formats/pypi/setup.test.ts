import { expect, test } from "bun:test";
import { PypiOptions } from "./options.ts";
import { snippets } from "./setup.ts";

const text = (url: string, client: string) =>
  snippets(url)
    .filter((snippet) => snippet.client === client)
    .map((snippet) => snippet.text)
    .join("");

test("every client is pointed at the simple index", () => {
  for (const client of ["pip", "uv", "poetry", "pdm"])
    expect(text("https://packages.example.test/pypi/", client)).toContain(
      "https://packages.example.test/pypi/simple/",
    );
});

test("who publishes is pointed at the upload API", () => {
  expect(text("https://packages.example.test/pypi/", "twine")).toContain(
    "repository = https://packages.example.test/pypi/legacy/\n",
  );
});

const trust: [url: string, want: string | null][] = [
  ["https://packages.example.test/pypi", null],
  ["http://localhost:4653/pypi", null],
  ["http://127.0.0.1:4653/pypi", null],
  ["http://[::1]:4653/pypi", null],
  ["http://packages.example.test:4653/pypi", "trusted-host = packages.example.test:4653\n"],
  ["http://localhost.example.test/pypi", "trusted-host = localhost.example.test\n"],
];
for (const [url, want] of trust)
  test(`pip and ${url}`, () => {
    const pip = text(url, "pip");
    if (want === null) expect(pip).not.toContain("trusted-host");
    else expect(pip).toContain(want);
  });

test("simplePath is a relative folder", () => {
  expect(PypiOptions.parse({})).toEqual({ simplePath: "simple/", projects: "upstream" });
  for (const simplePath of ["", "+simple/", "api/pypi/simple/"])
    expect(PypiOptions.parse({ simplePath })).toMatchObject({ simplePath });
  for (const simplePath of ["simple", "/simple/", "../", "a/../", "./", "a//", "a?/", "a/%2f/"])
    expect(() => PypiOptions.parse({ simplePath })).toThrow();
  expect(() => PypiOptions.parse({ simplepath: "simple/" })).toThrow();
});
