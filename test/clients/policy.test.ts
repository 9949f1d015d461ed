// What is young or bad is kept from real clients: they take an older version, their lock files keep working, and a refusal says why.
import { expect } from "bun:test";
import type { FakeUpstream } from "../support/fake-upstream/index.ts";
import type { ServerProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { eachClient } from "./clients.ts";
import type { Driver } from "./driver.ts";
import { Project } from "./job.ts";
import { withScene } from "./scene.ts";

const DAY = 86_400_000;
const policy = [
  {
    name: "incident-7",
    packages: ["pkg:npm/clownfish"],
    versions: "0.2.0",
    block: "steals tokens",
  },
  {
    name: "incident-8",
    packages: ["pkg:pypi/Coral.Reef"],
    versions: ">=3",
    block: "steals tokens",
  },
  { name: "cooldown", packages: ["pkg:npm/*", "pkg:pypi/*"], minimumAge: "5d" },
];

interface Case {
  /** What is held, and what is there in place of it. */
  package: string;
  young: string;
  old: string;
  open: string;
  exactly: string;
  blocked: string;
  publish(upstream: FakeUpstream): void;
}

/** Older than what clients wait for by themselves, younger than the rule. */
const time = new Date(Date.now() - 3 * DAY);
const cases: Record<string, Case> = {
  npm: {
    package: "clownfish",
    young: "0.4.0",
    old: "0.3.0",
    open: "clownfish@>=0.1.0",
    exactly: "clownfish@0.4.0",
    blocked: "clownfish@0.2.0",
    publish: ({ npm }) => npm.publish({ name: "clownfish", version: "0.4.0", time }),
  },
  pypi: {
    package: "estuary",
    young: "1.1.0",
    old: "1.0.1",
    open: "estuary<2",
    exactly: "estuary==1.1.0",
    blocked: "coral-reef==3.0",
    publish: ({ pypi }) => pypi.publish("estuary", "1.1.0", [], {}, time),
  },
};

/** What clients print of a refusal, beside that they refuse: the others show a status or their own words. */
const SAID: Record<string, { held: string; blocked: string }> = {
  "npm-10": { held: "held by the rule cooldown", blocked: "blocked by the rule incident-7" },
  npm: { held: "held by the rule cooldown", blocked: "blocked by the rule incident-7" },
};

async function holdfast(server: ServerProcess, ...args: string[]): Promise<string> {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const where = ["--config", server.config, "--data", server.data];
  const { code, output } = await run([process.execPath, main, ...args, ...where], { cwd: "." });
  if (code !== 0) throw new Error(`holdfast ${args.join(" ")} ended with ${code}: ${output}`);
  return output;
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

eachClient(
  ["npm-10", "npm", "pnpm", "yarn-1", "yarn-4", "bun", "pip-machine", "pip", "uv", "poetry"],
  ({ driver, test }) => {
    const one = cases[driver.repository]!;

    test("an older version is taken while the newest is held; a lock file that has it works on", () =>
      withScene(driver, [one.open], { server: { policy } }, async (scene) => {
        const { upstream, server, project } = scene;
        one.publish(upstream);
        await project.install();
        expect(project.read(driver.lock)).toContain(one.old);
        expect(project.read(driver.lock)).not.toContain(one.young);
        const purl = `pkg:${driver.repository}/${one.package}@${one.young}`;

        await holdfast(server, "waiver", "add", purl, "--reason", "we need the fix");
        const pinned = new Project(driver, project.url, [one.exactly]);
        await pinned.install();
        expect(pinned.read(driver.lock)).toContain(one.young);
        const id = (await holdfast(server, "waiver", "list")).split(" ")[0]!;
        await holdfast(server, "waiver", "remove", id);
        pinned.forget();
        await pinned.installFrozen();
        pinned.remove();
        expect(await holdfast(server, "policy", "held")).toContain(`${purl} `);
      }));

    test("what is held or blocked is refused where it alone would do", () =>
      withScene(driver, [one.open], { server: { policy } }, async ({ upstream, project }) => {
        one.publish(upstream);
        const held = await refused(driver, project.url, one.exactly);
        const blocked = await refused(driver, project.url, one.blocked);
        const said = SAID[driver.name];
        if (said) expect(held).toContain(said.held);
        if (said) expect(blocked).toContain(said.blocked);
        expect(
          upstream.paths().filter((path) => path.includes(one.young) && /(whl|tgz)$/.test(path)),
        ).toEqual([]);
      }));
  },
);
