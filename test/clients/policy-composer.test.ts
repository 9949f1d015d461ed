// What is young or bad is kept from Composer: it takes an older version, its lock file goes on working, and it is told why.
import { expect, test } from "bun:test";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { withPrograms } from "./clients.ts";
import { ComposerProject } from "./composer-project.ts";

const DAY = 86_400_000;
const policy = [
  {
    name: "incident-10",
    packages: ["pkg:composer/harbour/rope"],
    versions: "1.1.0",
    block: "mines coins",
  },
  { name: "cooldown", packages: ["pkg:composer/*"], minimumAge: "5d" },
];
const HELD = "reef/coral 1.2.0 is held by the rule cooldown until";
const BLOCKED = "harbour/rope 1.1.0 is blocked by the rule incident-10: mines coins";

withPrograms(["composer"], () => {
  test("an older version is taken while the newest is held; a lock file works on; it matures by the clock", async () => {
    const upstream = await startUpstream();
    // A lock file of before the rules.
    const config = configText(upstream, { freshness: "0s" });
    const server = await startProcess({ config, hasClock: true });
    const urls = [`${server.url}/composer`];
    const project = new ComposerProject(urls, { "reef/coral": "^1.0" });
    const pinned = new ComposerProject(urls, { "reef/coral": "1.2.0" });
    const bad = new ComposerProject(urls, { "harbour/rope": "1.1.0" });
    const exactly = new ComposerProject(urls, { "harbour/rope": "1.1.0" });
    try {
      await project.must("update");
      await bad.must("update");
      upstream.composer.packages.publish("reef/coral", "1.2.0");
      await pinned.must("update");
      expect(pinned.locked().get("reef/coral")?.version).toBe("1.2.0");

      server.configure({ policy });
      await server.restart();
      pinned.forget();
      await pinned.must("install");
      expect(pinned.read("vendor/reef/coral/src/Release.php")).toContain("reef/coral 1.2.0");
      const said = await project.must("update");
      expect(project.locked().get("reef/coral")?.version).toBe("1.1.0");
      expect(said).toContain(HELD);

      bad.forget();
      const refused = await bad.run("install");
      expect(refused.code).not.toBe(0);
      expect(refused.output).toContain(BLOCKED);
      const absent = await exactly.run("update");
      expect(absent.code).not.toBe(0);
      expect(absent.output).toContain(BLOCKED);

      server.advance(5 * DAY);
      // Composer keeps what it read, and asks by its date.
      await project.must("update");
      expect(project.locked().get("reef/coral")?.version).toBe("1.2.0");
    } finally {
      for (const one of [project, pinned, bad, exactly]) one.remove();
      await server.stop();
      await upstream.stop();
    }
  }, 120_000);
});
