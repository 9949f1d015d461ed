// `holdfast policy held|explain|test` for packages of every format, beside a running server.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formats } from "../src/formats/index.ts";
import { configText } from "./support/config.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { run } from "./support/run.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { tempFolder } from "./support/temp.ts";

const main = new URL("../src/main.ts", import.meta.url).pathname;
const home = tempFolder("policy-commands");

interface Release {
  purl: string;
  /** As a rule may name it. */
  rule: string;
  /** What is fetched of it, the file last. */
  paths(upstream: FakeUpstream): string[];
}

const releases: Record<string, Release> = {
  npm: {
    purl: "pkg:npm/%40reef/coral@1.4.2",
    rule: "pkg:npm/@reef/*",
    paths: () => ["/npm/@reef%2fcoral", "/npm/@reef/coral/-/coral-1.4.2.tgz"],
  },
  pypi: {
    purl: "pkg:pypi/estuary@1.0.1",
    rule: "pkg:pypi/Estuary",
    paths: () => ["/pypi/simple/estuary/", "/pypi/files/estuary/estuary-1.0.1-py3-none-any.whl"],
  },
  go: {
    purl: "pkg:golang/example.test/anchor@v1.1.0",
    rule: "pkg:golang/example.test/anchor",
    paths: () => ["/go/example.test/anchor/@v/list", "/go/example.test/anchor/@v/v1.1.0.zip"],
  },
  composer: {
    // One that a document of many packages names.
    purl: "pkg:composer/dock/crane@1.1.0",
    rule: "pkg:composer/dock/crane",
    paths: ({ composer }) => [
      "/satis/p2/dock/crane.json",
      `/satis/dists/dock/crane/1.1.0.0/${composer.reference("dock/crane", "1.1.0")}.zip`,
    ],
  },
  apt: {
    purl: "pkg:deb/hello@2.10-3",
    rule: "pkg:deb/debian/hello",
    paths: () => [
      "/debian/dists/stable/InRelease",
      "/debian/dists/stable/main/binary-amd64/Packages.xz",
      "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
    ],
  },
};

let upstream: FakeUpstream;
let server: TestServer;
const config = join(home, "next.yaml");

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
  for (const { paths } of Object.values(releases))
    for (const path of paths(upstream)) {
      const response = await fetch(`${server.url}${path}`);
      await response.arrayBuffer();
      expect(`${path} ${response.status}`).toBe(`${path} 200`);
    }
  const policy = Object.entries(releases).map(([name, { rule }]) => ({
    name: `bad-${name}`,
    packages: [rule],
    block: "bad",
  }));
  writeFileSync(config, configText(upstream, { server: { policy } }));
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

const holdfast = (...args: string[]) =>
  run([process.execPath, main, ...args, "--config", config, "--data", server.data], { cwd: "." });

test("there is a release of every format", () =>
  expect(Object.keys(releases).sort()).toEqual(formats.map(({ name }) => name).sort()));

test("policy test tells which fetches the rules would have refused, of every format", async () => {
  const { code, output } = await holdfast("policy", "test", config);
  expect(code).toBe(1);
  for (const { purl } of Object.values(releases)) expect(output).toContain(purl);
});

test("policy held lists what is blocked of all that is known here, of every format", async () => {
  const { code, output } = await holdfast("policy", "held");
  expect(code).toBe(0);
  for (const [name, { purl }] of Object.entries(releases))
    expect(output).toMatch(new RegExp(`${purl.replace(/[.]/g, "\\.")} .*bad-${name}`));
});

for (const [name, { purl }] of Object.entries(releases))
  test(`policy explain ${purl}`, async () => {
    const { code, output } = await holdfast("policy", "explain", purl);
    expect(output).toContain(`blocked by the rule bad-${name}`);
    expect(code).toBe(1);
  });
