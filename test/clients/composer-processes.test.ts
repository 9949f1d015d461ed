// The real Composer against a server of two processes: it opens many connections, which both of them answer, and gets of the two what it gets of one.
import { expect } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { linesOf } from "../support/processes.ts";
import { waitFor } from "../support/wait.ts";
import { withPrograms } from "./clients.ts";
import type { ComposerProject } from "./composer-project.ts";
import { events, type Scene, scene } from "./composer-scene.ts";

/** Of eleven archives. */
const wants = { "harbour/kit": "^1.0", "isle/palm": "dev-feature/leaf", "isle/shell": "^1.0" };
const PATIENCE_MS = 30_000;

/** Which processes answered what begins so. */
function answeredBy({ server }: Scene, path: string): number[] {
  const lines = linesOf(server).filter(({ msg }) => String(msg).startsWith(`GET ${path}`));
  return [...new Set(lines.map((line) => Number(line["process"] ?? 1)))].sort();
}

/** What the code host was asked for, each as often as it was. */
const archives = ({ upstream }: Scene) =>
  upstream.requests
    .filter(({ method, target }) => method === "GET" && !/\.json(\?|$)/.test(target))
    .map(({ target }) => target);

/** With caches and lock files that know nothing. */
async function anew(projects: readonly ComposerProject[]): Promise<void> {
  for (const project of projects) {
    project.forget();
    rmSync(join(project.dir, "composer.lock"), { force: true });
  }
  await Promise.all(projects.map((project) => project.must("update")));
}

withPrograms(["composer"], () => {
  scene(
    "two who install at once get the same of both processes, and each archive is fetched once",
    { freshness: "0s", server: { processes: 2 } },
    async (on) => {
      const { upstream, server } = on;
      const projects = [on.project(wants), on.project(wants)];
      await anew(projects);
      const [first, second] = projects.map((project) => project.tree());
      expect(first!.size).toBeGreaterThanOrEqual(40);
      expect(second).toEqual(first!);
      const asked = archives(on);
      expect(asked.length).toBeGreaterThanOrEqual(11);
      expect(asked.toSorted()).toEqual([...new Set(asked)].sort());

      // Which process a connection leads to is the system's to say: until both have given documents and archives.
      const isAnswered = async () => {
        await anew(projects);
        return ["/composer/p2/", "/composer/dists/"].every(
          (path) => answeredBy(on, path).length === 2,
        );
      };
      await waitFor(isAnswered, () => "all is answered by one process", PATIENCE_MS);
      expect(archives(on)).toEqual(asked);
      for (const project of projects) expect(project.tree()).toEqual(first!);
      expect(events(server)).toEqual([]);

      // A tag that is moved: both go on with the commit that the first one saw.
      upstream.composer.packages.retag("reef/coral", "1.1.0");
      await anew(projects);
      await waitFor(
        () => events(server).includes("tampered reef/coral"),
        () => `events are only: ${events(server).join(", ")}`,
        PATIENCE_MS,
      );
      await anew(projects);
      for (const project of projects) expect(project.tree()).toEqual(first!);
      expect(archives(on)).toEqual(asked);

      // And what is new at one is so at the other.
      upstream.composer.packages.publish("reef/coral", "1.2.0");
      await anew(projects);
      for (const project of projects) {
        expect(project.locked().get("reef/coral")?.version).toBe("1.2.0");
        expect(project.read("vendor/reef/coral/src/Release.php")).toContain("reef/coral 1.2.0");
      }
      expect(new Set(archives(on)).size).toBe(archives(on).length);
      expect(archives(on).length).toBeGreaterThan(asked.length);
    },
  );

  scene(
    "what both have is installed of either while the upstream is away, with checksums of every archive",
    { server: { processes: 2 } },
    async (on) => {
      const projects = [on.project(wants), on.project(wants)];
      await anew(projects);
      const first = projects[0]!.tree();
      await on.upstream.off();
      await on.server.restart(["--offline"]);
      await anew(projects);
      for (const project of projects) {
        expect(project.tree()).toEqual(first);
        for (const { name, dist } of project.locked().values())
          if (dist)
            expect([name, dist.shasum]).toEqual([name, expect.stringMatching(/^[0-9a-f]{40}$/)]);
      }
    },
  );
});
