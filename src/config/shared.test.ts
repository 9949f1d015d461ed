// Which settings servers on one catalog compare, and that neither a secret nor a path of one machine is in what they compare by.
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../test/support/temp.ts";
import { formats } from "../formats/index.ts";
import { loadConfig } from "./load.ts";
import { differing, sharedDigests } from "./shared.ts";

const folder = tempFolder("shared");
const ring = readFileSync(join(import.meta.dir, "keyrings/debian-archive.asc"), "utf8");
afterAll(() => rmSync(folder, { recursive: true }));

/** On a machine of its own: files of that name have this in them. */
function digests(text: string, machine = "one", secret = "s3cret-one", given = {}) {
  const home = join(folder, machine);
  mkdirSync(home, { recursive: true });
  const file = join(home, "holdfast.yaml");
  writeFileSync(file, text);
  writeFileSync(join(home, "token"), secret);
  writeFileSync(join(home, "ring.asc"), machine === "other-ring" ? `${ring}\n` : ring);
  return sharedDigests(loadConfig({ file, formats, flags: {}, env: {}, ...given }), formats);
}

const BASE = `access: { anonymous: read }
repositories:
  npm:
    claims: ["@acme/*"]
    upstreams: [{ url: "https://one.example.test/", tokenFile: token }]
  debian: { keyring: ring.asc }
`;
const differ = (one: string, other: string) => differing(digests(one), digests(other, "two"));

const alike: [name: string, text: string][] = [
  ["the same in another folder", BASE],
  ["another address", `listen: 0.0.0.0:4700\n${BASE}`],
  ["another folder of data, and another log", `data: /srv/two\nlogs: { style: json }\n${BASE}`],
  ["another cache, and a proxy", `cache: { memory: 1MiB }\ntrustedProxies: [10.0.0.1]\n${BASE}`],
  ["an address of one repository", BASE.replace("npm:", "npm:\n    listen: 127.0.0.1:4873")],
  [
    "another order of keys",
    BASE.replace('    claims: ["@acme/*"]\n', "").replace(
      "  debian",
      '    claims: ["@acme/*"]\n  debian',
    ),
  ],
];
for (const [name, text] of alike)
  test(`${name} is alike`, () => expect(differ(BASE, text)).toEqual([]));

const different: [name: string, text: string, keys: string[]][] = [
  ["claims", BASE.replace("@acme/*", "@other/*"), ["repositories"]],
  ["an upstream", BASE.replace("one.example", "two.example"), ["repositories"]],
  [
    "a repository more",
    BASE.concat("  more: { format: npm, upstreams: [] }\n"),
    ["repositories", "offline"],
  ],
  ["access", BASE.replace("anonymous: read", "anonymous: none"), ["access"]],
  [
    "a rule",
    `policy: [{ name: cooldown, packages: ["pkg:npm/*"], minimumAge: 7d }]\n${BASE}`,
    ["policy"],
  ],
  ["where it is for clients", `publicUrl: https://packages.example.test\n${BASE}`, ["publicUrl"]],
  ["alarms", `alarms: { errorRate: 9% }\n${BASE}`, ["alarms"]],
  ["offline", `offline: true\n${BASE}`, ["offline"]],
  ["without a secret", BASE.replace(", tokenFile: token", ""), ["repositories"]],
];
for (const [name, text, keys] of different)
  test(`${name}: ${keys.join(" and ")}`, () => expect(differ(BASE, text)).toEqual(keys));

test("a file is compared by what is in it", () =>
  expect(differing(digests(BASE), digests(BASE, "other-ring"))).toEqual(["repositories"]));

test("a repository and a team may be called as an option for a file is", () => {
  const named = (claim: string, member: string) =>
    `${BASE}  ca: { format: npm, upstreams: [], claims: ["${claim}"] }\n`.replace(
      "anonymous: read",
      `anonymous: read, teams: { ca: [${member}] }`,
    );
  expect(differ(named("@one/*", "ann"), named("@two/*", "ann"))).toEqual(["repositories"]);
  expect(differ(named("@one/*", "ann"), named("@one/*", "ben"))).toEqual(["access"]);
});

test("a secret is in no digest: another one is alike", () =>
  expect(digests(BASE, "three", "s3cret-other")).toEqual(digests(BASE)));

test("who is let in without a name, where only the address says so, is told", () => {
  const silent = BASE.replace("access: { anonymous: read }\n", "");
  expect(differ(silent, `listen: 0.0.0.0:4653\n${silent}`)).toEqual(["access"]);
});

test("what an older server does not compare is no difference", () => {
  const { access: _, ...older } = digests(BASE);
  expect(differing(digests(BASE), older)).toEqual([]);
  expect(differing(older, digests(BASE))).toEqual([]);
});
