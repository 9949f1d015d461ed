// Each npm client's own audit, answered by an upstream, by feeds beside it, and by feeds alone with the cable cut; and the same report as from a registry.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeBucket, record, startBucket } from "../../src/advisories/testkit.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { withPrograms } from "./clients.ts";
import { type NpmPublisher, npmCall, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";

let upstream: FakeUpstream;
let server: ServerProcess;
let bucket: FakeBucket;
const home = tempFolder("audits-home");
const MODIFIED = "2026-01-01T00:00:00Z";
const FLAW = "GHSA-x7f2-q4m9-w3hp";

beforeAll(async () => {
  upstream = await startUpstream();
  bucket = startBucket("npm");
  const ranges = [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "9.0.0" }] }];
  const affected = [{ package: { ecosystem: "npm", name: "kelp" }, ranges }];
  const severity = { severity: "HIGH" };
  bucket.records.set(
    FLAW,
    record(FLAW, MODIFIED, { affected, summary: "leaks", database_specific: severity }),
  );
  const feeds = [{ name: "npm", url: bucket.url, ecosystems: ["npm"], every: "1s" }];
  server = await startProcess({ config: configText(upstream, { server: { feeds } }) });
  await waitFor(
    async () => (await bulk()).includes(FLAW),
    () => `no feed was read:\n${server.output()}`,
    60_000,
  );
}, 120_000);
afterAll(async () => {
  await server.stop();
  await upstream.stop();
  bucket.stop();
});

async function bulk(): Promise<string> {
  const address = `${server.url}/npm/-/npm/v1/security/advisories/bulk`;
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ kelp: ["1.0.0"] }),
  });
  return answer.text();
}

/** What `policy affected` tells of those who have it in a lock file. */
async function locked(): Promise<string> {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const where = ["--json", "--config", server.config, "--data", server.data];
  const command = [process.execPath, main, "policy", "affected", FLAW, ...where];
  const { output } = await run(command, { cwd: home });
  return output.includes('"lockedAt":1') ? output : "";
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
      const audit = (...more: string[]) =>
        runIn(folder, home, call([...AUDITS[client.name]!, ...more]));

      const both = await audit();
      expect(both.code).not.toBe(0);
      expect(both.output).toContain("kelp");
      expect(both.output).toContain("leaks");
      expect(both.output).toContain("ms-clock");
      // Who audits it has it in a lock file.
      await waitFor(
        async () => (await locked()).includes(FLAW),
        () => `nothing was written down of the audit:\n${server.output()}`,
        60_000,
      );
      await upstream.off();
      try {
        const alone = await audit();
        expect(alone.code).not.toBe(0);
        expect(alone.output).toContain("kelp");
      } finally {
        await upstream.on();
      }

      // The same as from a registry that knows all of it.
      const here = await audit("--json");
      upstream.npm.advisories.set("kelp", {
        range: "<9.0.0",
        title: "leaks",
        severity: "high",
        id: 1002,
        url: `https://github.com/advisories/${FLAW}`,
      });
      try {
        for (const [name, text] of Object.entries(client.files(upstream.urls.npm, "none")))
          writeFileSync(join(folder, name), text);
        const direct = await audit("--json");
        expect(here.code).toBe(direct.code);
        expect(told(here.stdout)).toEqual(told(direct.stdout));
        expect(told(direct.stdout)).toContainEqual(expect.stringContaining(FLAW));
      } finally {
        upstream.npm.advisories.delete("kelp");
      }
    }, 240_000);
  });

/** A report's lines, sorted: numbers of advisories, and scores where there is no vector, are each registry's own. */
function told(report: string): string[] {
  return report
    .replace(/"(?:id|ID|source|score)": ?[\d.]+|"\d+"(?=:)/g, '"own": 0')
    .split("\n")
    .map((line) => line.trim().replace(/,$/, ""))
    .filter(Boolean)
    .sort();
}
