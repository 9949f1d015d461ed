// A release that lost its provenance, or was built somewhere else, is kept from real clients; one that is as it was is not, once it is verified.
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inPep740 } from "../../src/formats/pypi/testdata/attestations.ts";
import { createAuthority, type Job, statementOf } from "../../src/proof/testdata/authority.ts";
import type { FakeUpstream } from "../support/fake-upstream/index.ts";
import type { ServerProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { eachClient } from "./clients.ts";
import type { Driver } from "./driver.ts";
import { Project } from "./job.ts";
import { withScene } from "./scene.ts";

const DAY = 86_400_000;
/** Older than what clients wait for by themselves, younger than the rule. */
const ago = (days: number) => new Date(Date.now() - days * DAY);
const authority = createAuthority();
const trustRoot = join(tempFolder("trust"), "trusted_root.json");
writeFileSync(trustRoot, JSON.stringify(authority.trustRoot));

const reef: Job = { repository: "https://github.com/reef/argonaut" };
const mallory: Job = { repository: "https://github.com/mallory/argonaut" };
const versions: [version: string, time: Date, builder: Job | null][] = [
  ["1.0.0", ago(90), reef],
  ["1.0.1", ago(5), reef],
  ["1.0.2", ago(4), null],
  ["1.0.3", ago(3), mallory],
];

const publish: Record<string, (upstream: FakeUpstream) => void> = {
  npm({ npm }) {
    for (const [version, time, builder] of versions)
      npm.publish({
        name: "argonaut",
        version,
        time,
        ...(builder && {
          attest: ({ purl, sha512 }) => [authority.attest(statementOf(purl, { sha512 }), builder)],
        }),
      });
  },
  pypi({ pypi }) {
    for (const [version, time, builder] of versions) {
      const attest = builder && {
        attest: ({ file, sha256 }: { file: string; sha256: string }) => [
          inPep740(authority.attest(statementOf(file, { sha256 }), builder)),
        ],
      };
      pypi.publish("argonaut", version, [], { ...attest }, time);
    }
  },
};

const server = {
  policy: [{ name: "trust", packages: ["pkg:npm/*", "pkg:pypi/*"], provenance: "30d" }],
};
const own = { npm: { trustRoot }, pypi: { trustRoot } };

async function explain(server: ServerProcess, purl: string): Promise<string> {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const where = ["--config", server.config, "--data", server.data];
  return (await run([process.execPath, main, "policy", "explain", purl, ...where], { cwd: "." }))
    .output;
}

/** Asks as clients do until what is young was looked at. */
async function verified(url: string, format: string): Promise<void> {
  const isNpm = format === "npm";
  const path = isNpm ? "argonaut" : "simple/argonaut/";
  const accept = isNpm ? "application/json" : "application/vnd.pypi.simple.v1+json";
  const text = async () => (await fetch(`${url}/${path}`, { headers: { accept } })).text();
  await waitFor(
    async () => !(await text()).includes("yet to be verified"),
    () => "The provenance was never looked at",
    20_000,
  );
}

async function refused(driver: Driver, url: string, want: string): Promise<string> {
  const project = new Project(driver, url, [want]);
  try {
    let output = "";
    for (const args of driver.install(project)) {
      const result = await project.run(args);
      output += result.output;
      if (result.code !== 0) return output;
    }
    throw new Error(`${want} was installed:\n${output}`);
  } finally {
    project.remove();
  }
}

eachClient(["npm-10", "npm", "pnpm", "yarn-4", "bun", "pip", "uv"], ({ driver, test }) => {
  const isNpm = driver.repository === "npm";
  const at = (version: string) => (isNpm ? `argonaut@${version}` : `argonaut==${version}`);
  const open = isNpm ? "argonaut@>=1.0.0" : "argonaut>=1.0.0";
  const purl = (version: string) => `pkg:${driver.repository}/argonaut@${version}`;

  test("the newest release that was built where the others were is taken", () =>
    withScene(driver, [open], { server, own }, async ({ upstream, server, project }) => {
      publish[driver.repository]!(upstream);
      await verified(project.url, driver.repository);
      await project.install();
      expect(project.read(driver.lock)).toContain("1.0.1");
      expect(project.read(driver.lock)).not.toMatch(/1\.0\.[23]/);

      const lost = await refused(driver, project.url, at("1.0.2"));
      const moved = await refused(driver, project.url, at("1.0.3"));
      if (driver.name === "npm" || driver.name === "npm-10") {
        expect(lost).toContain("it comes without provenance, which 1.0.1 had");
        expect(moved).toContain("it was built from https://github.com/mallory/argonaut");
      }
      expect(upstream.paths().filter((path) => /1\.0\.[23].*(whl|tgz)$/.test(path))).toEqual([]);

      expect(await explain(server, purl("1.0.1"))).toContain(
        "built from https://github.com/reef/argonaut by .github/workflows/release.yml at c0ffee",
      );
      expect(await explain(server, purl("1.0.2"))).toContain("provenance was lost: 1.0.1 had it");
      expect(await explain(server, purl("1.0.3"))).toContain(
        "it was built from https://github.com/mallory/argonaut, and 1.0.1 from https://github.com/reef/argonaut",
      );
    }));
});
