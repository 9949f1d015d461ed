import { expect, test } from "bun:test";
import type { RepositoryConfig } from "../config/resolve.ts";
import { formats } from "../formats/index.ts";
import { warningsOf } from "./warnings.ts";

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
