// Real clients install through nginx while the nodes behind it are killed one after the other: each tries again as it does by itself, and nobody notices.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AptRoot } from "../clients/apt-root.ts";
import { commandOf, eachClient, withPrograms } from "../clients/clients.ts";
import { ComposerProject } from "../clients/composer-project.ts";
import { Project } from "../clients/job.ts";
import { withSumdb } from "../clients/scene.ts";
import { type Cluster, REMEMBERED_MS, startCluster } from "../support/cluster.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { tempFolder } from "../support/temp.ts";

/** Nodes that die while one client is at work. */
const DEATHS = 3;

const wants = {
  npm: ["harbor-kit@^1.0.0", "@reef/anemone@^0.9.0", "tide@^1.0.0"],
  pypi: ["oyster", "inlet>=2", "Coral.Reef<3"],
  go: ["example.test/hull", "example.test/Capstan/Deck"],
};

withPrograms(["versitygw", "postgres", "nginx"], () => {
  let upstream: FakeUpstream;
  let cluster: Cluster;
  beforeAll(async () => {
    upstream = await startUpstream();
    cluster = await startCluster({
      config: configText(upstream, { access: { anonymous: "read" } }),
      gateway: commandOf("versitygw")[0]!,
    });
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await upstream?.stop();
  }, 60_000);

  /** Installs again and again, with nothing left of the time before, until so many nodes have died meanwhile. What it throws is thrown. */
  async function whileNodesDie(install: () => Promise<void>): Promise<void> {
    let isDone = false;
    let deaths = 0;
    const dying = (async () => {
      for (let nth = 0; !isDone && deaths < DEATHS; nth += 1) {
        const node = cluster.nodes[nth % cluster.nodes.length]!;
        process.kill(node.pid, "SIGKILL");
        deaths += 1;
        await node.restart();
        // nginx asks it again from then on: while another one dies, there is one that lives.
        await Bun.sleep(REMEMBERED_MS);
      }
    })();
    try {
      do await install();
      while (deaths < DEATHS);
    } finally {
      isDone = true;
      await dying;
    }
    expect(deaths).toBe(DEATHS);
  }

  eachClient(["npm", "pnpm", "yarn-4", "pip", "uv", "go"], ({ driver, test }) => {
    test("installs while nodes die", async () => {
      const url = `${cluster.url}/${driver.repository}`;
      const project = new Project(withSumdb(driver, upstream), url, [...wants[driver.repository]]);
      try {
        await project.install();
        const tree = project.tree();
        await whileNodesDie(async () => {
          project.forget();
          await project.installFrozen();
          expect(project.tree()).toEqual(tree);
        });
      } finally {
        project.remove();
      }
    }, 240_000);
  });

  withPrograms(["composer"], () =>
    test("composer: installs while nodes die", async () => {
      const project = new ComposerProject([`${cluster.url}/composer`], { "reef/coral": "*" });
      try {
        await project.must("update");
        await whileNodesDie(async () => {
          project.forget();
          await project.must("install");
          expect(project.has("vendor/reef/coral")).toBe(true);
        });
      } finally {
        project.remove();
      }
    }, 240_000),
  );

  withPrograms(["apt"], () =>
    test("apt: updates and fetches while nodes die", async () => {
      const key = join(tempFolder("key"), "vendor.asc");
      const given = await fetch(`${cluster.url}/debian/-/key.asc`);
      expect(given.status).toBe(200);
      writeFileSync(key, await given.text());
      const source = { url: `${cluster.url}/debian`, suite: "stable main", key };
      const machine = new AptRoot([source]);
      try {
        await machine.update();
        const first = await machine.download("hello");
        await whileNodesDie(async () => {
          machine.forget();
          await machine.update();
          expect(await machine.download("hello")).toEqual(first);
        });
      } finally {
        machine.remove();
      }
    }, 240_000),
  );
});
