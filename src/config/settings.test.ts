import { afterAll, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../test/support/temp.ts";
import { formats } from "../formats/index.ts";
import { type LoadInput, loadConfig } from "./load.ts";
import { type Setting, settingsOf } from "./settings.ts";

const folder = tempFolder("settings");
mkdirSync(folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "token"), "s3cret-token\n");

function settings(text: string | null, more: Partial<LoadInput> = {}): Map<string, Setting> {
  const file = join(folder, "holdfast.yaml");
  if (text !== null) writeFileSync(file, text);
  const input = { formats, flags: {}, env: { PASS: "s3cret-pass" }, ...more };
  const config = loadConfig({ ...input, ...(text !== null && { file }) });
  return new Map(settingsOf(config, formats).map((one) => [one.path, one]));
}

const FILE = `# A company's server
listen: 127.0.0.1:4700
access:
  anonymous: read
policy:
  - name: cooldown
    packages: ["pkg:npm/*"]
    minimumAge: 7d
repositories:
  npm:
    claims: ["@acme/*",
      "acme-*"]
    quota: 10GiB
  own:
    format: npm
    upstreams:
      - url: https://packages.example.test/
        tokenFile: token
      - { url: https://other.example.test/, username: builds, passwordEnv: PASS }
  pypi: false
  go:
  composer:
    upstreams: [{ url: https://composer.example.test/ }]
  "1.odd": { format: npm, upstreams: [], hosted: {} }
`;

test("each setting that the file has is told with its line", () => {
  const all = settings(FILE);
  const at = (path: string) => {
    const { value, line, from } = all.get(path)!;
    return [value, line, from];
  };
  expect(at("listen")).toEqual(["127.0.0.1:4700", 2, null]);
  expect(at("policy[0].minimumAge")).toEqual(["7d", 8, null]);
  expect(at("policy[0].packages")).toEqual(["pkg:npm/*", 7, null]);
  expect(at("repositories.npm.claims")).toEqual(["@acme/*, acme-*", 11, null]);
  expect(at("repositories.npm.quota")).toEqual(["10GiB", 13, null]);
  expect(at("repositories.own.upstreams[1].username")).toEqual(["builds", 19, null]);
  expect(at('repositories["1.odd"].upstreams')).toEqual(["none", 24, null]);
});

test("what the file does not have is told as what it is: built in, a default, or what follows from something else", () => {
  const all = settings(FILE);
  const from = (path: string) => [all.get(path)!.line, all.get(path)!.from];
  expect(from("repositories.npm.format")).toEqual([null, "built in"]);
  expect(from("repositories.npm.upstreams[0].url")).toEqual([null, "built in"]);
  expect(from("repositories.npm.upstreams[0].timeout")).toEqual([null, "default"]);
  expect(from("repositories.composer.upstreams[0].hosts")).toEqual([null, "default"]);
  expect(from("repositories.go.sumdb.name")).toEqual([null, "built in"]);
  expect(from("repositories.npm.freshness")).toEqual([null, "default"]);
  expect(from("repositories.own.upstreams[0].timeout")).toEqual([null, "default"]);
  expect(from('repositories["1.odd"].hosted.trash')).toEqual([null, "default"]);
  expect(from('repositories["1.odd"].offline')).toEqual([null, "it has nobody to ask"]);
  expect(all.get("scrub")).toMatchObject({ repository: null, line: null, from: "default" });
  expect([...all.keys()].filter((path) => path.startsWith("repositories.pypi"))).toEqual([]);
});

test("secrets are never told, only where they are named", () => {
  const all = settings(FILE);
  expect(all.get("repositories.own.upstreams[0].token")).toMatchObject({ value: "***", line: 18 });
  expect(all.get("repositories.own.upstreams[1].password")).toMatchObject({
    value: "***",
    line: 19,
  });
  expect(JSON.stringify([...all])).not.toMatch(/s3cret/);
});

test("a flag and a variable are told in place of the line that they overrule", () => {
  const flags = { listen: "127.0.0.1:1", offline: true };
  const all = settings(FILE, { flags, env: { PASS: "x", HOLDFAST_DATA: "/srv/x" } });
  expect(all.get("listen")).toMatchObject({ value: "127.0.0.1:1", line: null, from: "--listen" });
  expect(all.get("data")).toMatchObject({ value: "/srv/x", from: "HOLDFAST_DATA" });
  expect(all.get("offline")).toMatchObject({ value: "true", from: "--offline" });
  const { from } = all.get("repositories.npm.offline")!;
  expect(from).toBe("offline of the server (--offline)");
});

test("without a file everything is built in or a default", () => {
  const lines = [...settings(null).values()].filter(({ line }) => line !== null);
  expect(lines).toEqual([]);
});

test("anchors and aliases stand where they are written", () => {
  const all = settings(`
repositories:
  npm: &both
    claims: &names ["@acme/*"]
  pypi:
    claims: *names
`);
  expect(all.get("repositories.npm.claims")!.line).toBe(4);
  expect(all.get("repositories.pypi.claims")!.line).toBe(6);
});
