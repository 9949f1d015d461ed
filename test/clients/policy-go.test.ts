// What is young or bad is kept from the go command: it takes an older version, its go.sum goes on working, and a refusal says why.
import { expect } from "bun:test";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { eachClient } from "./clients.ts";
import { Project } from "./job.ts";
import { withSumdb } from "./scene.ts";

const DAY = 86_400_000;
const MODULE = "example.test/anchor";
const policy = [
  {
    name: "incident-9",
    packages: [`pkg:golang/${MODULE}`],
    versions: "v1.0.0",
    block: "phones home",
  },
  { name: "cooldown", packages: ["pkg:golang/*"], minimumAge: "5d" },
];

eachClient(["go"], ({ driver, test }) => {
  test("an older version is taken while the newest is held; go.sum works on; it matures by the clock", async () => {
    const upstream = await startUpstream();
    const config = configText(upstream, { server: { policy } });
    const server = await startProcess({ config, hasClock: true });
    const client = withSumdb(driver, upstream);
    const url = `${server.url}/go`;
    const project = new Project(client, url, [MODULE]);
    const pinned = new Project(client, url, [MODULE]);
    try {
      upstream.go.publish(MODULE, "v1.1.9", [], {}, new Date(Date.now() - DAY));
      await project.must(["get", MODULE]);
      expect(project.read("go.mod")).toContain(`${MODULE} v1.1.0`);
      const { output: known } = await project.must(["list", "-m", "-versions", MODULE]);
      expect(known).toContain("v1.1.0");
      expect(known).not.toContain("v1.1.9");
      expect(known).not.toContain("v1.0.0");

      const held = await project.run(["mod", "download", `${MODULE}@v1.1.9`]);
      expect(held.code).not.toBe(0);
      expect(held.output).toContain(`${MODULE} v1.1.9 is held by the rule cooldown until`);
      for (const args of [
        ["get", `${MODULE}@v1.0.0`],
        ["mod", "download", `${MODULE}@v1.0.0`],
      ]) {
        const blocked = await project.run(args);
        expect(blocked.code).not.toBe(0);
        expect(blocked.output).toContain(
          `${MODULE} v1.0.0 is blocked by the rule incident-9: phones home`,
        );
      }

      // The rule comes later than the lock file: what is here goes on being sent.
      server.configure({ policy: [] });
      await server.restart();
      await pinned.must(["get", `${MODULE}@v1.1.9`]);
      await pinned.must(["mod", "download"]);
      server.configure({ policy });
      await server.restart();
      pinned.forget();
      await pinned.installFrozen();

      server.advance(5 * DAY);
      await project.must(["get", `${MODULE}@latest`]);
      expect(project.read("go.mod")).toContain(`${MODULE} v1.1.9`);
    } finally {
      project.remove();
      pinned.remove();
      await server.stop();
      await upstream.stop();
    }
  });
});
