import { expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { globOf, readRoot } from "./root.ts";

const URL = "/p2/%package%.json";

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
  ["a list", [], /no JSON object/],
  ["a login page's JSON", { error: "log in" }, /neither metadata-url nor packages nor includes/],
  ["a metadata-url without a place for the name", { "metadata-url": "/p2/" }, /does not say where/],
  [
    "Composer 1's providers",
    { packages: [], "providers-url": "/p/%package%$%hash%.json", "provider-includes": {} },
    /only the form of Composer 1 \(providers-url\)/,
  ],
  [
    "Composer 1's lazy ones",
    { "providers-lazy-url": "/p/%package%.json" },
    /\(providers-lazy-url\)/,
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
