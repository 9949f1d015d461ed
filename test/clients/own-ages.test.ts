// Clients that wait for versions to be old enough by a rule of their own find through Holdfast what they find directly.
import { expect } from "bun:test";
import type { FakeUpstream } from "../support/fake-upstream/index.ts";
import { eachClient } from "./clients.ts";
import type { Driver } from "./driver.ts";
import { type Job, Project } from "./job.ts";
import { withScene } from "./scene.ts";

const DAY = 86_400_000;
const DAYS = 10;

/** Files and variables that make the client wait for ten days. */
interface Rule {
  files?(files: Record<string, string>): Record<string, string>;
  env?(job: Job): Record<string, string>;
}

const npm: Rule = {
  files: (files) => ({ ".npmrc": `${files[".npmrc"]}min-release-age=${DAYS}\n` }),
};

const rules: Record<string, Rule> = {
  "npm-11": npm,
  npm,
  pnpm: { files: () => ({ "pnpm-workspace.yaml": `minimumReleaseAge: ${DAYS * 24 * 60}\n` }) },
  "yarn-4": {
    files: (files) => ({
      ".yarnrc.yml": `${files[".yarnrc.yml"]}npmMinimalAgeGate: ${DAYS}d\n`,
    }),
  },
  bun: {
    files: (files) => ({
      "bunfig.toml": `${files["bunfig.toml"]}minimumReleaseAge = ${DAYS * 24 * 60 * 60}\n`,
    }),
  },
  uv: { env: () => ({ UV_EXCLUDE_NEWER: `${DAYS} days` }) },
  pip: { env: () => ({ PIP_UPLOADED_PRIOR_TO: new Date(Date.now() - DAYS * DAY).toISOString() }) },
  poetry: { env: () => ({ POETRY_SOLVER_MIN_RELEASE_AGE: String(DAYS) }) },
};

interface World {
  wants: string[];
  /** What stands in the lock file of those who wait, and of those who do not. */
  old: string[];
  young: string[];
  publish(upstream: FakeUpstream, time: Date): void;
}

const worlds: Record<string, World> = {
  npm: {
    wants: ["clownfish@*", "kelp@^1.0.0", "plankton@~1.0.0"],
    old: ["clownfish 0.3.0", "kelp 1.2.0", "plankton 1.0.2", "tide 1.1.0"],
    young: ["clownfish 0.4.0", "kelp 1.3.0", "plankton 1.0.3", "tide 1.2.0"],
    publish({ npm }, time) {
      npm.publish({ name: "clownfish", version: "0.4.0", time });
      npm.publish({ name: "kelp", version: "1.3.0", dependencies: { tide: "^1.2.0" }, time });
      npm.publish({ name: "plankton", version: "1.0.3", time });
      npm.publish({ name: "tide", version: "1.2.0", time });
      npm.publish({ name: "tide", version: "2.0.0-beta.2", time });
      npm.tag("tide", "next", "2.0.0-beta.2");
    },
  },
  pypi: {
    wants: ["estuary<2", "brine"],
    old: ["abyss 1.2", "brine 2.1.0", "coral-reef 2.4", "estuary 1.0.1"],
    young: ["abyss 1.3", "brine 2.2.0", "estuary 1.1.0"],
    publish({ pypi }, time) {
      pypi.publish("estuary", "1.1.0", [], {}, time);
      pypi.publish("brine", "2.2.0", ["abyss>=1.3"], {}, time);
      pypi.publish("abyss", "1.3", [], {}, time);
    },
  },
};

/** `name version` of what stands in the lock file, in order. */
function locked(driver: Driver, text: string): string[] {
  const found = [...text.matchAll(LOCKED[driver.lock]!)].map(([, name, version]) =>
    `${name} ${version}`.toLowerCase().replace("coral.reef", "coral-reef"),
  );
  return [...new Set(found)].sort();
}

const LOCKED: Record<string, RegExp> = {
  "package-lock.json": /"node_modules\/([^"]+)": \{\s*"version": "([^"]+)"/g,
  "pnpm-lock.yaml": /^ {2}'?(@?[^@'\s]+)@([^':\s]+)'?:/gm,
  "yarn.lock": /^ {2}resolution: "(@?[^@"]+)@npm:([^"]+)"/gm,
  "bun.lock": /^ {4}"[^"]+": \["(@?[^@"]+)@([^"]+)"/gm,
  "uv.lock": /^name = "((?!project).*)"\nversion = "(.*)"$/gm,
  "poetry.lock": /^name = "(.*)"\nversion = "(.*)"$/gm,
  "locked.txt": /^(\S+)==(\S+)/gm,
};

eachClient(Object.keys(rules), ({ driver, test }) => {
  const rule = rules[driver.name]!;
  const { wants, old, young, publish } = worlds[driver.repository]!;
  const waiting: Driver = {
    ...driver,
    project(job, wanted) {
      const files = driver.project(job, wanted);
      return { ...files, ...rule.files?.(files) };
    },
    env: (job) => ({ ...driver.env(job), ...rule.env?.(job) }),
  };

  test("its own rule of an age finds what it finds directly, also from what is stored", () => {
    const cooldown = { name: "cooldown", packages: ["pkg:npm/*", "pkg:pypi/*"], minimumAge: "1d" };
    return withScene(waiting, wants, { server: { policy: [cooldown] } }, async (scene) => {
      const { upstream, server, project } = scene;
      publish(upstream, new Date(Date.now() - 3 * DAY));
      // What it resolves to is seen in the lock file: the first that is run writes it.
      const versions = async (of: Project) => {
        await of.must(driver.install(of)[0]!);
        if (driver.finish) of.write(driver.finish((name) => of.read(name)));
        return locked(driver, of.read(driver.lock));
      };
      // Without the rule it takes the young ones, so that it is the rule that is seen at work.
      const eager = new Project(driver, project.url, wants);
      expect(await versions(eager)).toEqual(expect.arrayContaining(young));
      const direct = new Project(waiting, upstream.urls[driver.repository], wants);
      const found = await versions(direct);
      expect(found).toEqual(expect.arrayContaining(old));
      expect(await versions(project)).toEqual(found);

      await upstream.off();
      await server.restart(["--offline"]);
      project.forget();
      project.forgetLock();
      project.write(waiting.project(project, wants));
      expect(await versions(project)).toEqual(found);
      for (const one of [eager, direct]) one.remove();
    });
  }, 300_000);
});
