import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formats } from "../formats/index.ts";
import { ConfigError } from "./errors.ts";
import { loadConfig } from "./load.ts";

function load(yaml: string) {
  const file = join(mkdtempSync(join(tmpdir(), "holdfast-feeds-")), "holdfast.yaml");
  writeFileSync(file, yaml);
  return loadConfig({ file, formats, flags: {}, env: { TOKEN: "t0ken" } });
}

function mistakes(yaml: string): string[] {
  try {
    load(yaml);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.errors.map(({ path, message }) => `${path}: ${message}`);
  }
}

test("a feed is OSV's bucket, another one, a folder, or a registry's own answer", () => {
  const { feeds } = load(`feeds:
  - { name: osv }
  - { name: mirror, url: "https://osv.example.test/", ecosystems: [npm], every: 15m, tokenEnv: TOKEN }
  - { name: gap, directory: /srv/advisories }
  - { name: packagist, form: packagist, url: "https://php.example.test/api/" }
`);
  expect(feeds.map(({ name, ecosystems }) => [name, ecosystems])).toEqual([
    ["osv", ["npm", "PyPI", "Go", "Packagist", "Debian"]],
    ["mirror", ["npm"]],
    ["gap", []],
    ["packagist", []],
  ]);
  expect(feeds[1]).toMatchObject({
    everyMs: 900_000,
    from: { url: "https://osv.example.test/", token: "t0ken" },
  });
  expect(feeds[2]!.from).toEqual({ directory: "/srv/advisories" });
});

test("each mistake is told where it stands", () => {
  expect(
    mistakes(`feeds:
  - { name: osv, ecosystems: [nmp] }
  - { name: osv, url: "https://a.example.test/", directory: /srv }
  - { name: imported, form: packagist }
`),
  ).toEqual([
    expect.stringContaining(
      "feeds[0].ecosystems[0]: no format here is nmp to OSV; did you mean npm?",
    ),
    expect.stringContaining("feeds[1].name: another feed is called the same"),
    expect.stringContaining("feeds[1].directory: either a URL or a directory"),
    expect.stringContaining("feeds[2]: needs the url"),
    expect.stringContaining("feeds[2].name: this name is taken"),
  ]);
  expect(mistakes("feeds:\n  - { name: few, every: 0s }")).toEqual([
    expect.stringContaining("feeds[0].every: must be 1s at least"),
  ]);
});

test("a rule says what becomes of what is told, and of nothing else", () => {
  const rule = (text: string) => `policy:\n  - { name: r, packages: ["pkg:npm/*"], ${text} }\n`;
  const { repositories } = load(rule("advisories: { malicious: block, high: hold }"));
  expect(repositories.find(({ name }) => name === "npm")!.policy).toMatchObject([
    { advisories: { malicious: "block", high: "hold" } },
  ]);
  expect(mistakes(rule("advisories: {}"))[0]).toContain("says nothing");
  expect(mistakes(rule("advisories: { grave: block, high: hold }"))[0]).toContain("grave");
  expect(mistakes(rule("advisories: { high: allow }"))[0]).toContain("block");
  expect(mistakes(rule("exceptFixes: true, block: x"))[0]).toContain("exceptFixes");
  expect(load(rule("minimumAge: 3d, exceptFixes: true")).repositories).toBeDefined();
});
