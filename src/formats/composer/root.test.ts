import { expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { documents, rootRef } from "./documents.ts";
import { globOf, readRoot } from "./root.ts";
import { jsonSource } from "./testdata/repository.ts";

const URL = "/p2/%package%.json";
const SHA256 = "0123456789abcdef".repeat(4);

test("the form of Composer 2, as public registries have it", () => {
  const root = readRoot({
    packages: [],
    "metadata-url": "https://meta.example.test/p2/%package%.json",
    "notify-batch": "https://composer.example.test/downloads/",
    "providers-url": "/p/%package%$%hash%.json",
    "provider-includes": { "p/provider-latest$%hash%.json": { sha256: "00" } },
    search: "/search.json?q=%query%&type=%type%",
    list: "/packages/list.json",
    "providers-api": "/providers/%package%.json",
    "security-advisories": { metadata: true, "api-url": "https://api.example.test/" },
    filter: { metadata: true, lists: { malware: { enabled: true } }, "summary-url": "/s.json" },
    mirrors: [
      { "dist-url": "/dists/%package%", preferred: true },
      { "dist-url": "https://second.example.test/%package%" },
      { "git-url": "https://git.example.test/%package%" },
      "nonsense",
    ],
    warning: "You are using an outdated version of Composer",
    "warning-versions": "<1.99",
    whatever: 1,
  });
  expect(root).toMatchObject({
    metadataUrl: "https://meta.example.test/p2/%package%.json",
    includes: [],
    available: null,
    search: "/search.json?q=%query%&type=%type%",
    list: "/packages/list.json",
    providers: "/providers/%package%.json",
    advisories: { metadata: true, apiUrl: "https://api.example.test/" },
    filter: {
      fields: { metadata: true, lists: { malware: { enabled: true } } },
      summaryUrl: "/s.json",
      apiUrl: null,
    },
    mirrors: { preferred: ["/dists/%package%"], others: ["https://second.example.test/%package%"] },
    notices: {
      warning: "You are using an outdated version of Composer",
      "warning-versions": "<1.99",
    },
  });
  expect(root.inline.size).toBe(0);
});

test("packages in the document itself and in includes, which may be moved with every build", () => {
  const sha1 = "0123456789012345678901234567890123456789";
  const root = readRoot({
    packages: { "Dock/Crane": {}, "../x": {}, "dock/winch": [] },
    includes: { [`include/all$${sha1}.json`]: { sha1: sha1.toUpperCase() }, "more.json": null },
  });
  expect([...root.inline]).toEqual(["dock/crane", "dock/winch"]);
  expect(root.includes).toEqual([
    { key: "include/all$.json", path: `include/all%24${sha1}.json`, sha1, sha256: null },
    { key: "more.json", path: "more.json", sha1: null, sha256: null },
  ]);
});

test("includes are none of ours where there is a metadata-url", () => {
  const root = readRoot({
    "metadata-url": URL,
    packages: { "a/b": {} },
    includes: { "x.json": {} },
  });
  expect(root.includes).toEqual([]);
  expect([...root.inline]).toEqual(["a/b"]);
});

test("what the upstream says that it has", () => {
  const { available } = readRoot({
    "metadata-url": URL,
    "available-packages": ["Dock/Crane", "dock/winch", 7],
    "available-package-patterns": ["harbour/*", "reef/c*l"],
  });
  for (const name of ["dock/crane", "harbour/rope", "reef/coral", "reef/cl"])
    expect(available?.has(name)).toBe(true);
  for (const name of ["dock/hoist", "harbour", "reef/corals", "xharbour/rope"])
    expect(available?.has(name)).toBe(false);
});

test("globOf comes back from patterns that are made to hold it up", () => {
  expect(globOf("a.*[x")("a.b[x")).toBe(true);
  expect(globOf("*".repeat(60))("anything")).toBe(true);
  expect(globOf("*")("a/b")).toBe(true);
  expect(globOf(`${"*a".repeat(200)}*z`)("a".repeat(400))).toBe(false);
});

test("globOf takes a star for any text, and the ends of a name for its ends", () => {
  const matches = (pattern: string) =>
    ["", "a", "aa", "ab", "aba", "a/b", "Ab"].filter((text) => globOf(pattern)(text));
  expect(matches("a")).toEqual(["a"]);
  expect(matches("a*")).toEqual(["a", "aa", "ab", "aba", "a/b", "Ab"]);
  expect(matches("a*a")).toEqual(["aa", "aba"]);
  expect(matches("*b")).toEqual(["ab", "a/b", "Ab"]);
  expect(matches("*b*a*")).toEqual(["aba"]);
  expect(matches("A*/B")).toEqual(["a/b"]);
});

const refused: [what: string, document: unknown, message: RegExp][] = [
  ["a text", "packages", /no JSON object/],
  ["nothing", null, /no JSON object/],
  ["a list of something else", ["x"], /something else/],
  ["packages that are none", { packages: "none" }, /no list/],
  ["a login page's JSON", { error: "log in" }, /neither metadata-url nor packages nor includes/],
  ["a metadata-url without a place for the name", { "metadata-url": "/p2/" }, /does not say where/],
  [
    "a list of packages without their place",
    { packages: [], "provider-includes": { "p/all$%hash%.json": { sha256: SHA256 } } },
    /provider-includes without a providers-url, which is not read/,
  ],
  ["places without the digest", { "providers-url": "/p/%package%.json" }, /without %hash%/],
  ["places without the name", { "providers-lazy-url": "/p/all.json" }, /without %package%/],
  [
    "a list without its digest",
    { "providers-url": "/%package%$%hash%", "provider-includes": { "all$%hash%.json": {} } },
    /without its SHA-256/,
  ],
  [
    "a list from above",
    {
      "providers-url": "/%package%$%hash%",
      "provider-includes": { "../all$%hash%.json": { sha256: SHA256 } },
    },
    /elsewhere/,
  ],
  [
    "an include of another host",
    { includes: { "https://x.example.test/a.json": {} } },
    /elsewhere/,
  ],
  ["an include from above", { includes: { "../a.json": {} } }, /elsewhere/],
  ["an include from the host's root", { includes: { "/a.json": {} } }, /elsewhere/],
];

for (const [what, document, message] of refused)
  test(`${what} is refused`, () => {
    try {
      readRoot(document);
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      expect(error).toMatchObject({ kind: "malformed", message: expect.stringMatching(message) });
      return;
    }
    throw new Error("It was not refused");
  });

test("the forms of Composer 1, where there is no other one", () => {
  const lists = {
    packages: { "a/b": [] },
    "providers-url": "/p/%package%$%hash%.json",
    "provider-includes": { "p/latest$%hash%.json": { sha256: SHA256.toUpperCase() } },
    providers: { "Reef/Coral": { sha256: SHA256 }, "reef/polyp": {}, "../x": { sha256: SHA256 } },
  };
  const root = readRoot(lists);
  expect([...root.inline]).toEqual(["a/b"]);
  expect(root.composer1).toEqual({
    listedUrl: "/p/%package%$%hash%.json",
    lazyUrl: null,
    listed: new Map([["reef/coral", SHA256]]),
    listings: [{ key: "p/latest$%hash%.json", path: `p/latest%24${SHA256}.json`, sha256: SHA256 }],
  });
  expect(readRoot({ "providers-lazy-url": "/p/%package%.json" }).composer1).toMatchObject({
    listedUrl: null,
    lazyUrl: "/p/%package%.json",
  });
  for (const other of [{ "metadata-url": URL }, { includes: { "all.json": {} } }])
    expect(readRoot({ ...lists, ...other }).composer1).toBeNull();
});

test("the oldest form has no more than packages", async () => {
  const versions = { "1.0.0": { name: "reef/coral", version: "1.0.0" } };
  for (const document of [{ "Reef/Coral": { versions } }, [{ versions }], { any: { versions } }])
    expect(await documents.root.facts(jsonSource(document), rootRef)).toEqual([]);
  expect([...readRoot({ "Reef/Coral": { versions } }).inline]).toEqual(["reef/coral"]);
  expect([...readRoot([{ versions }]).inline]).toEqual(["reef/coral"]);
});

test("what PHP writes for nothing is nothing", () => {
  for (const document of [[], {}, { packages: null }, { packages: [], includes: null }]) {
    const root = readRoot(document);
    expect([root.inline.size, root.includes.length, root.composer1]).toEqual([0, 0, null]);
  }
  const root = readRoot({
    "metadata-url": URL,
    packages: null,
    "available-packages": null,
    "available-package-patterns": [],
    mirrors: null,
    filter: [],
    "security-advisories": null,
  });
  expect(root).toMatchObject({ available: null, filter: null, advisories: null });
});

test("an empty repository is one", () => {
  expect(readRoot({ packages: [] }).inline.size).toBe(0);
  expect(readRoot({ packages: {} }).metadataUrl).toBeNull();
});

test("a packages.json that nests too deeply to be passed on is none", () => {
  let deep: unknown = [];
  for (let depth = 0; depth < 200_000; depth++) deep = [deep];
  const url = "/p2/%package%.json";
  expect(() => readRoot({ packages: [], "metadata-url": url, warnings: deep })).toThrow("deeply");
});
