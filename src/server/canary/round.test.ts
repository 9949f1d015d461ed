import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createRepository } from "../../cache/repository.ts";
import type { RepositoryConfig } from "../../config/resolve.ts";
import { formats } from "../../formats/index.ts";
import { type Layout, openLayout } from "../../store/layout.ts";
import { type RoundDeps, runRound } from "./round.ts";

let root: string;
let layout: Layout;
beforeEach(() => {
  root = tempFolder("canary");
  layout = openLayout(root);
});
afterEach(() => removeTemp(root));

const settingsOf = (format: string, more: Partial<RepositoryConfig> = {}): RepositoryConfig => ({
  name: "main",
  format,
  upstreams: [],
  bases: [],
  claims: [],
  freshnessMs: 60_000,
  quota: null,
  offline: false,
  listen: null,
  sources: [],
  hookSecret: null,
  hosted: { trashMs: 0, replace: false, quota: null, quotaPerUser: null, fileLimit: 1 << 20 },
  policy: [],
  options: formats
    .find(({ name }) => name === format)!
    .options.parse(format === "apt" ? { unverified: true } : {}),
  written: {},
  ...more,
});

const round = (settings: RepositoryConfig, more: Partial<RoundDeps> = {}) =>
  runRound([settings], {
    layout,
    formats,
    now: Date.now,
    limitMs: 20_000,
    signal: new AbortController().signal,
    ...more,
  });

/** What is red. */
async function red(settings: RepositoryConfig, more: Partial<RoundDeps> = {}) {
  const results = await round(settings, more);
  return results.flatMap(({ canary, why }) => (why === null ? [] : [`${canary}: ${why}`]));
}

for (const { name, canary } of formats)
  describe.skipIf(!canary)(name, () => {
    test("all is green, and nothing is left", async () => {
      expect(await red(settingsOf(name))).toEqual([]);
      expect((await round(settingsOf(name))).length).toBe(5);
      expect(
        readdirSync(root, { recursive: true }).filter((file) => /canary/.test(String(file))),
      ).toEqual([]);
    });
  });
