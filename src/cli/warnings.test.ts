import { expect, test } from "bun:test";
import type { RepositoryConfig } from "../config/resolve.ts";
import { noRules } from "../core/access.ts";
import { formats } from "../formats/index.ts";
import { serverWarnings, warningsOf } from "./warnings.ts";

const repository = (name: string, claims: string[], more: Partial<RepositoryConfig> = {}) =>
  ({
    name,
    format: "npm",
    options: {},
    claims,
    offline: false,
    upstreams: [{ url: "https://packages.example.test/" }],
    ...more,
  }) as unknown as RepositoryConfig;

test("a repository that would tell its upstream what another of its format claims is warned of", () => {
  const own = repository("npm", ["@acme/*", "acme-*"]);
  const other = repository("vendor", ["@acme/*"]);
  const all = [own, other];
  expect(warningsOf(own, { repositories: all, access: noRules }, formats)).toEqual([]);
  expect(warningsOf(other, { repositories: all, access: noRules }, formats)).toEqual([
    {
      state: "warning",
      subject: "vendor",
      text: "asks its upstream for names that npm claims: acme-*",
    },
  ]);
  for (const silent of [{ offline: true }, { upstreams: [] }, { format: "pypi" }])
    expect(
      warningsOf(
        { ...other, ...silent } as RepositoryConfig,
        { repositories: all, access: noRules },
        formats,
      ),
    ).toEqual([]);
});

test("what a repository is built on is no other one's, and that its readers may read that is warned of where grants tell them apart", () => {
  const base = repository("release", ["@acme/*"], { upstreams: [], bases: [] });
  const top = repository("npm", [], { bases: [{ repository: "release", before: 0 }] });
  const all = [base, top];
  const granting = (...repositories: string[]) => ({
    repositories: all,
    access: {
      ...noRules,
      grants: [
        {
          holder: "everyone",
          actions: ["read" as const],
          repositories,
          packages: null,
          source: "",
        },
      ],
    },
  });
  expect(warningsOf(top, granting("npm", "release"), formats)).toEqual([]);
  expect(warningsOf(base, granting("release"), formats)).toEqual([]);
  expect(warningsOf(top, granting("npm"), formats)).toEqual([
    {
      state: "warning",
      subject: "npm",
      text: "is built on release: whoever may read npm may read what is published there, also where a grant names npm alone",
    },
  ]);
});

const plain = {
  tls: null,
  access: { anonymous: null, teams: {}, grants: [], isLocal: false },
  publicUrl: null,
  trustedProxies: [],
};
const secure = {
  files: { certificate: "", key: "" },
  pair: { certificate: "", key: "" },
  names: "",
};
const tables: [
  what: string,
  config: Parameters<typeof serverWarnings>[0],
  hasUsers: boolean,
  want: number,
][] = [
  ["accounts over plain HTTP", plain, true, 1],
  ["no accounts", plain, false, 0],
  [
    "accounts on this machine alone",
    { ...plain, access: { ...plain.access, isLocal: true } },
    true,
    0,
  ],
  ["accounts behind a proxy", { ...plain, trustedProxies: ["10.0.0.1"] }, true, 0],
  [
    "accounts at a public address with TLS",
    { ...plain, publicUrl: "https://a.example.com" },
    true,
    0,
  ],
  [
    "accounts at a public address without",
    { ...plain, publicUrl: "http://a.example.com" },
    true,
    1,
  ],
  [
    "a proxy on this machine, and not a word on who reads",
    { ...plain, trustedProxies: ["127.0.0.1"], access: { ...plain.access, isLocal: true } },
    false,
    1,
  ],
  [
    "a proxy on this machine, and who reads is said",
    {
      ...plain,
      publicUrl: "https://a.example.com",
      access: { ...plain.access, isLocal: true, anonymous: [] },
    },
    false,
    0,
  ],
  ["accounts over TLS", { ...plain, tls: { ...secure, endsAt: 99 * 86_400_000 } }, true, 0],
  ["a certificate that ends soon", { ...plain, tls: { ...secure, endsAt: 86_400_000 } }, true, 1],
];
for (const [what, config, hasUsers, want] of tables)
  test(`${what}: ${want ? "warned of" : "nothing to warn of"}`, () => {
    expect(serverWarnings(config, 0, hasUsers)).toHaveLength(want);
  });
