// Each client's own audit, answered by an upstream, by feeds beside it, and by feeds alone with the cable cut.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeBucket, record, startBucket } from "../../src/advisories/testkit.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { type NpmPublisher, npmCall, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";

let upstream: FakeUpstream;
let server: ServerProcess;
const buckets: FakeBucket[] = [];
const home = tempFolder("audits-home");
const MODIFIED = "2026-01-01T00:00:00Z";
const FLAW = "GHSA-x7f2-q4m9-w3hp";

function affected(ecosystem: string, name: string, fixed: string) {
  const type = ecosystem === "PyPI" ? "ECOSYSTEM" : "SEMVER";
  const ranges = [{ type, events: [{ introduced: "0" }, { fixed }] }];
  return [{ package: { ecosystem, name }, ranges }];
}

beforeAll(async () => {
  upstream = await startUpstream();
  const feeds = ["npm", "PyPI"].map((ecosystem) => {
    const bucket = startBucket(ecosystem);
    buckets.push(bucket);
    const own =
      ecosystem === "npm" ? affected("npm", "kelp", "9.0.0") : affected("PyPI", "estuary", "9");
    const changes = { affected: own, summary: "leaks", database_specific: { severity: "HIGH" } };
    bucket.records.set(FLAW, record(FLAW, MODIFIED, changes));
    return { name: ecosystem.toLowerCase(), url: bucket.url, ecosystems: [ecosystem], every: "1s" };
  });
  server = await startProcess({ config: configText(upstream, { server: { feeds } }) });
  await waitFor(
    async () => (await osv()).status === 200,
    () => `no feed was read:\n${server.output()}`,
    60_000,
  );
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
  for (const bucket of buckets) bucket.stop();
});

function osv() {
  const body = JSON.stringify({
    package: { ecosystem: "PyPI", name: "estuary" },
    version: "1.0.1",
  });
  return fetch(`${server.url}/pypi/-/osv/v1/query`, { method: "POST", body });
}

/** What asks for an audit, and what its output names the finding by. */
const AUDITS: Partial<Record<NpmPublisher["name"], string[]>> = {
  "npm-10": ["audit"],
  "npm-11": ["audit"],
  npm: ["audit"],
  pnpm: ["audit"],
  "yarn-4": ["npm", "audit", "--recursive"],
  bun: ["audit"],
};

// Yarn 1 asks an address that is written into it.
for (const client of npmPublishers.filter(({ name }) => AUDITS[name]))
  withPrograms([client.name], () => {
    test(`${client.name}: its audit tells what the upstream and the feeds know, and what the feeds know while the upstream is away`, async () => {
      const folder = join(tempFolder(`audits-${client.name}`), "app");
      const dependencies = { kelp: "1.0.0", "ms-clock": "2.1.2" };
      const manifest = { name: "app", version: "1.0.0", dependencies };
      writeNpmProject(folder, manifest, client.files(`${server.url}/npm`, "none"));
      const call = (args: string[]) => npmCall(client.name, args, home, client.env);
      const install = client.install.filter((word) => word !== "--no-lockfile");
      const installed = await runIn(folder, home, call(install));
      expect([installed.code, installed.output]).toEqual([0, expect.anything()]);
      const audit = () => runIn(folder, home, call(AUDITS[client.name]!));

      const both = await audit();
      expect(both.code).not.toBe(0);
      expect(both.output).toContain("kelp");
      expect(both.output).toContain("leaks");
      expect(both.output).toContain("ms-clock");
      await upstream.off();
      try {
        const alone = await audit();
        expect(alone.code).not.toBe(0);
        expect(alone.output).toContain("kelp");
      } finally {
        await upstream.on();
      }
    }, 240_000);
  });

withPrograms(["uv"], () => {
  test("uv: its audit tells what feeds know, also while the upstream is away", async () => {
    const folder = join(tempFolder("audits-uv"), "app");
    mkdirSync(folder, { recursive: true });
    const lines = ["[project]", 'name = "app"', 'version = "1"', 'requires-python = ">=3.9"'];
    writeFileSync(
      join(folder, "pyproject.toml"),
      [...lines, 'dependencies = ["estuary==1.0.1"]', ""].join("\n"),
    );
    const words = ["audit", "--preview", "--service-url", `${server.url}/pypi/-/osv/`];
    const env = {
      UV_DEFAULT_INDEX: `${server.url}/pypi/simple/`,
      UV_CACHE_DIR: join(home, "uv"),
      UV_NO_PYTHON_DOWNLOADS: "1",
    };
    const audit = (more: string[]) =>
      runIn(folder, home, { command: [...commandOf("uv"), ...words, ...more], env });
    const found = await audit([]);
    expect([found.code, found.output]).toEqual([1, expect.stringContaining(FLAW)]);
    await upstream.off();
    try {
      expect((await audit(["--frozen"])).output).toContain(FLAW);
    } finally {
      await upstream.on();
    }
  }, 240_000);
});
