import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { formats } from "../formats/index.ts";
import { createSignerKey, openSigner } from "../proof/signer.ts";
import { ConfigError } from "./errors.ts";
import { loadConfig } from "./load.ts";
import type { Config } from "./resolve.ts";

const folder = tempFolder("follow-config");
afterAll(() => removeTemp(folder));
writeFileSync(join(folder, "token"), "hf_secret\n");
const key = openSigner(createSignerKey("primary.example.test"))!.verifier;
const follow = { url: "https://primary.example.test/", key, tokenFile: "token" };

/** What is made of a file, or every mistake in it. */
function load(value: unknown): Config | string[] {
  const file = join(folder, "holdfast.yaml");
  writeFileSync(file, JSON.stringify(value));
  try {
    return loadConfig({ file, formats, flags: {}, env: {} });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.errors.map(({ path, message }) => `${path}: ${message}`);
  }
}

test("a follower has the primary's repositories by their names, and no upstream but it", () => {
  const config = load({ follow, repositories: { own: { format: "npm" }, go: false } }) as Config;
  const { url, token, everyMs, files, accessForMs } = config.follow!;
  expect({ url, token, everyMs, files, accessForMs }).toEqual({
    url: "https://primary.example.test",
    token: "hf_secret",
    everyMs: 2000,
    files: "all",
    accessForMs: null,
  });
  const upstreams = config.repositories.map(({ name, upstreams: some, offline }) => [
    name,
    some.map((one) => `${one.url} ${one.token}`),
    offline,
  ]);
  expect(upstreams).toEqual(
    ["npm", "pypi", "composer", "debian", "debian-security", "own"].map((name) => [
      name,
      [`https://primary.example.test/${name}/ hf_secret`],
      false,
    ]),
  );
});

test("what is the primary's to say is not said here", () => {
  const told = load({
    follow,
    access: { anonymous: "read" },
    repositories: { npm: { upstreams: [], claims: ["@acme/*"], hosted: {} } },
  }) as string[];
  expect(told.toSorted()).toEqual([
    "access: who may do what is what the primary says: leave it out where there is `follow`",
    "repositories.npm.claims: the primary says whose a name is: leave it out where there is `follow`",
    "repositories.npm.hosted: nothing is published here: leave it out where there is `follow`",
    "repositories.npm.upstreams: the primary is its only upstream: leave it out where there is `follow`",
  ]);
});

test("a follower has neither a database nor a bucket: it is one server with all on its own disk", () => {
  const told = load({
    follow,
    database: "postgres://holdfast@db.example.test/holdfast",
    store: "s3://packages/holdfast",
  }) as string[];
  expect(told.filter((one) => one.includes("follow"))).toEqual([
    "database: a server that follows is a single one, with all on its own disk: leave it out where there is `follow`",
    "store: a server that follows is a single one, with all on its own disk: leave it out where there is `follow`",
  ]);
});

const wrong: [what: string, follow: unknown, told: RegExp][] = [
  ["no token", { ...follow, tokenFile: undefined }, /^follow: needs tokenFile or tokenEnv/],
  ["no such file", { ...follow, tokenFile: "none" }, /^follow.tokenFile: cannot read/],
  ["a key that is none", { ...follow, key: "x" }, /^follow.key: expected the key of a log/],
  ["no URL", { ...follow, url: "primary" }, /^follow.url: /],
  [
    "a repository that is not there",
    { ...follow, files: ["nmp"] },
    /^follow.files\[0\]: there is no repository nmp/,
  ],
  ["no time", { ...follow, accessFor: "0s" }, /^follow.accessFor: must be longer than 0s/],
];
for (const [what, value, told] of wrong)
  test(`${what} is told where it stands`, () => {
    expect(load({ follow: value })).toEqual([expect.stringMatching(told)]);
  });
