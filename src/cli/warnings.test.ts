import { expect, test } from "bun:test";
import type { RepositoryConfig } from "../config/resolve.ts";
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
  expect(warningsOf(own, all, formats)).toEqual([]);
  expect(warningsOf(other, all, formats)).toEqual([
    {
      state: "warning",
      subject: "vendor",
      text: "asks its upstream for names that npm claims: acme-*",
    },
  ]);
  for (const silent of [{ offline: true }, { upstreams: [] }, { format: "pypi" }])
    expect(warningsOf({ ...other, ...silent } as RepositoryConfig, all, formats)).toEqual([]);
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
  ["accounts over TLS", { ...plain, tls: { ...secure, endsAt: 99 * 86_400_000 } }, true, 0],
  ["a certificate that ends soon", { ...plain, tls: { ...secure, endsAt: 86_400_000 } }, true, 1],
];
for (const [what, config, hasUsers, want] of tables)
  test(`${what}: ${want ? "warned of" : "nothing to warn of"}`, () => {
    expect(serverWarnings(config, 0, hasUsers)).toHaveLength(want);
  });
