import { expect, test } from "bun:test";
import type { FollowConfig } from "../config/follow.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/resolve.ts";
import type { StoreConfig } from "../config/store.ts";
import { formats } from "../formats/index.ts";
import { takeIn } from "./difference.ts";

const before = loadConfig({ formats, flags: {}, env: {} });
const [first, ...rest] = before.repositories;

const table: [what: string, next: Partial<Config>, lines: string[]][] = [
  ["nothing", {}, ["Took the configuration in: nothing has changed"]],
  [
    "what repositories are",
    {
      repositories: [
        { ...first!, claims: ["@acme/*"] },
        ...rest.slice(1),
        { ...first!, name: "x" },
      ],
    },
    [`Took the configuration in: ${first!.name} changed, x added, ${rest[0]!.name} removed`],
  ],
  [
    "what concerns all of them",
    { publicUrl: "https://a.example.com", scrub: 0 },
    ["Took the configuration in: publicUrl changed, scrub changed"],
  ],
  [
    "what takes a restart",
    { data: "/other", cache: { memory: 1 } },
    [
      "Took the configuration in: nothing has changed",
      "data stays as it is: another one takes a restart",
      "cache stays as it is: another one takes a restart",
    ],
  ],
];
const store: StoreConfig = {
  ...{ endpoint: "https://s3.example.com", region: "us-east-1", bucket: "packages", prefix: "" },
  ...{ accessKey: "k", secretKey: "s", sessionToken: null, keySource: null, isPathStyle: true },
  ...{ ca: null, cache: 1, silenceMs: 1, redirect: null },
};
const follow: FollowConfig = {
  ...{ url: "https://a.example.com", key: "k", token: "t", timeoutMs: 1, everyMs: 1 },
  ...{ files: "all", accessForMs: null },
};

test("the secrets of what takes a restart are taken in, and nothing else of it", () => {
  const both = { ...before, store, follow };
  const next = {
    ...both,
    store: { ...store, accessKey: "k2", secretKey: "s2" },
    follow: { ...follow, token: "t2" },
  };
  expect(takeIn(both, next)).toEqual({
    config: next,
    lines: ["Took the configuration in: store changed, follow changed"],
  });
  const other = { ...both, store: { ...store, secretKey: "s2", bucket: "another" } };
  expect(takeIn(both, other)).toEqual({
    config: both,
    lines: [
      "Took the configuration in: nothing has changed",
      "store stays as it is: another one takes a restart",
    ],
  });
});

test("nothing is taken in where another one is followed, or nobody any more", () => {
  for (const next of [null, { ...follow, url: "https://b.example.com" }])
    expect(() => takeIn({ ...before, follow }, { ...before, follow: next, scrub: 5 })).toThrow(
      "takes a restart",
    );
  expect(() => takeIn(before, { ...before, follow })).toThrow("takes a restart");
});

for (const [what, change, lines] of table)
  test(`${what} is told`, () => {
    expect(takeIn(before, { ...before, ...change }).lines).toEqual(lines);
  });

test("what takes a restart stays, and all else is the new one's", () => {
  const next = { ...before, data: "/other", scrub: 5 };
  expect(takeIn(before, next).config).toEqual({ ...before, scrub: 5 });
});

test("a server that still listens beyond its machine does not trust whoever is on that machine", () => {
  const wide = loadConfig({ formats, flags: { listen: "0.0.0.0:1" }, env: {} });
  expect(takeIn(wide, before).config).toMatchObject({ listen: wide.listen });
  expect(takeIn(wide, before).config.access.isLocal).toBe(false);
  expect(takeIn(before, wide).config.access.isLocal).toBe(false);
});
