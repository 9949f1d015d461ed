// Every real client against Holdfast, in front of a fake upstream that is honest, then away, then lying.
import { expect } from "bun:test";
import { waitFor } from "../support/wait.ts";
import { eachClient } from "./clients.ts";
import type { Project } from "./job.ts";
import { withScene } from "./scene.ts";

/** What is installed, which file the upstream then alters, and the package that it belongs to. */
const projects = {
  npm: {
    wants: ["harbor-kit@^1.0.0", "@reef/anemone@^0.9.0", "tide@^1.0.0"],
    least: 25,
    victim: "seal",
    file: "*/seal-7.0.0.tgz",
  },
  pypi: {
    wants: ["oyster", "inlet>=2", "Coral.Reef<3"],
    least: 12,
    victim: "fjord",
    file: "*/fjord-1.26.0-py3-none-any.whl*",
  },
  go: {
    wants: ["example.test/hull", "example.test/Capstan/Deck"],
    least: 8,
    victim: "example.test/keel",
    file: "*/keel/@v/v1.0.0.zip",
  },
} as const;

/** A release is a package.json, a METADATA or a module's folder. */
function releases(project: Project): number {
  const marks = { npm: /(^|\/)package\.json$/, pypi: /METADATA$/, go: /LICENSE$/ };
  return [...project.tree().keys()].filter((name) => marks[project.driver.repository].test(name))
    .length;
}

eachClient(null, ({ driver, test }) => {
  const { wants, least, victim, file } = projects[driver.repository];

  test("installs; then from its lock file, with fresh caches, while the upstream is away", () =>
    withScene(driver, wants, {}, async ({ upstream, server, project }) => {
      await project.install();
      const first = project.tree();
      expect(releases(project)).toBeGreaterThanOrEqual(least);
      const lock = project.read(driver.lock);

      await upstream.off();
      await server.restart(["--offline"]);
      project.forget();
      await project.installFrozen();
      expect(project.tree()).toEqual(first);
      expect(project.read(driver.lock)).toBe(lock);

      // And without the lock file: the same documents give the same tree.
      project.forget();
      project.forgetLock();
      await project.install();
      expect(project.tree()).toEqual(first);
    }));

  test("never installs a flipped byte, and installs once the upstream is honest", () =>
    withScene(driver, wants, {}, async ({ upstream, server, project }) => {
      // pnpm tries a tarball again twice, after 10 and 60 seconds, whatever the status but 401, 403 and 404.
      if (driver.name === "pnpm") project.write({ "pnpm-workspace.yaml": "fetchRetries: 0\n" });
      upstream.fault(file, "flip");
      for (const args of driver.install(project)) {
        const result = await project.run(args);
        if (result.code !== 0) break;
      }
      const installed = [...project.tree().keys()].filter(
        (name) => name.includes(`${victim}/`) || name.includes(`${victim}@`),
      );
      expect(installed).toEqual([]);
      await waitFor(
        () => server.events().some((event) => event.package === victim),
        () => `no event about ${victim}`,
      );

      // A refused file is not fetched again for a while; a restart forgets that.
      upstream.clear();
      await server.restart();
      project.forget();
      project.forgetLock();
      await project.install();
      expect(releases(project)).toBeGreaterThanOrEqual(least);
    }));

  test("gets the first bytes after the upstream republished a version with others", () =>
    withScene(driver, wants, { freshness: "0s" }, async ({ upstream, server, project }) => {
      await project.install();
      const first = project.tree();
      upstream.npm.republish("seal", "7.0.0");
      upstream.pypi.republish("fjord", "fjord-1.26.0-py3-none-any.whl");
      upstream.go.republish("example.test/keel", "v1.0.0");
      upstream.go.republishMod("example.test/keel", "v1.0.0");

      project.forget();
      project.forgetLock();
      await project.install();
      expect(project.tree()).toEqual(first);
      if (driver.repository === "go") return; // its proxy names no hashes that could differ
      await waitFor(
        () =>
          server.events().some((event) => event.kind === "tampered" && event.package === victim),
        () => `no tampered event about ${victim}`,
      );
    }));
});
