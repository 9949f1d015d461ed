import { expect, test } from "bun:test";
import { options, placeInstead } from "./options.ts";

const parsed = options.parse({
  instead: [
    {
      of: "https://api.example.test/repos/{owner}/{name}/zipball/{commit}",
      fetch: "https://files.example.test/{owner}/{name}/zip/{commit}",
    },
    {
      of: "https://api.example.test/tar/{name}",
      fetch: "https://files.example.test/{name}/{name}.tar",
    },
  ],
});

const places: [url: string, want: string | null][] = [
  [
    "https://api.example.test/repos/a/b/zipball/c0ffee",
    "https://files.example.test/a/b/zip/c0ffee",
  ],
  ["https://api.example.test/tar/x", "https://files.example.test/x/x.tar"],
  ["https://api.example.test/repos/a/b/tarball/c0ffee", null],
  ["https://api.example.test/repos/a/b/zipball/c0ffee/more", null],
  ["https://api.example.test/repos//b/zipball/c0ffee", null],
  ["https://other.example.test/repos/a/b/zipball/c0ffee", null],
  ["http://api.example.test/repos/a/b/zipball/c0ffee", null],
];

for (const [url, want] of places)
  test(`${url} is fetched ${want === null ? "there" : `at ${want}`}`, () =>
    expect(placeInstead(url, parsed)).toBe(want));

test("no host is made up of what a document says", () => {
  const bad = [{ of: "https://api.example.test/{x}", fetch: "https://{x}.example.test/" }];
  expect(options.safeParse({ instead: bad }).success).toBe(false);
  expect(options.safeParse({ instead: [{ of: "/x", fetch: "https://x.test/" }] }).success).toBe(
    false,
  );
  expect(options.parse({})).toEqual({ instead: [], checkouts: true });
});
