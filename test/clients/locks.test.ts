// Lock files that were made elsewhere: with the public registry's addresses, with another host's, with none.
import { expect } from "bun:test";
import { builtInRepositories } from "../../src/config/upstreams.ts";
import { eachClient } from "./clients.ts";
import { Project } from "./job.ts";
import { withScene } from "./scene.ts";

const wants = ["harbor-kit@^1.0.0", "@reef/coral@^1.0.0"];
const publicRegistry = builtInRepositories["npm"]!.upstreams[0]!.url;

/** Puts another registry's address in place of ours, wherever the lock file has it. */
function moveLock(project: Project, to: string): void {
  const text = project.read(project.driver.lock);
  const moved = text.replaceAll(`${project.url}/`, to);
  expect(moved).not.toBe(text);
  project.write({ [project.driver.lock]: moved });
}

eachClient(["npm-10", "npm-11", "npm"], ({ driver, test }) => {
  const flavours: [title: string, env: Record<string, string>, to: string | null][] = [
    ["the public registry's addresses", {}, publicRegistry],
    [
      "another host's addresses",
      { npm_config_replace_registry_host: "always" },
      "http://registry.example.test/",
    ],
    ["no addresses", { npm_config_omit_lockfile_registry_resolved: "true" }, null],
  ];
  for (const [title, env, to] of flavours)
    test(`installs from a lock file with ${title}`, () =>
      withScene(driver, wants, {}, async ({ upstream, server, project }) => {
        // npm 10 with "always" would rewrite our own addresses too, and double their prefix.
        await project.must(["install", "--no-audit", "--no-fund"], to ? {} : env);
        const first = project.tree();
        if (to) moveLock(project, to);
        else expect(project.read(driver.lock)).not.toContain('"resolved"');
        await upstream.off();
        await server.restart(["--offline"]);
        project.forget();
        await project.installFrozen(env);
        expect(project.tree()).toEqual(first);
      }));
});

type Move = (lock: string, from: string, to: string) => string;

/** What some clients' lock files need so that they lead to us; those of the others hold no addresses. */
const elsewhere: Record<string, Move> = {
  // Yarn 1 asks the addresses in its lock file whatever is configured: they are changed there, once.
  "yarn-1": (lock, from, to) => lock.replaceAll(from, to),
  // Bun writes addresses of other registries, and none of the public one: as from there.
  bun: (lock, from) => lock.replaceAll(new RegExp(`"${from}[^"]*"`, "g"), '""'),
};

eachClient(["pnpm", "yarn-4", "bun", "yarn-1"], ({ driver, test }) => {
  test("installs from a lock file that was made at another registry", () =>
    withScene(driver, wants, {}, async ({ upstream, server, project }) => {
      const direct = new Project(driver, upstream.urls.npm, wants);
      await direct.install();
      const lock = direct.read(driver.lock);
      const moved = elsewhere[driver.name]?.(lock, upstream.urls.npm, project.url) ?? lock;
      upstream.requests.length = 0;
      project.write({ [driver.lock]: moved });
      await project.installFrozen();
      expect(project.tree()).toEqual(direct.tree());
      expect(project.read(driver.lock)).toBe(moved);
      direct.remove();

      // Everything went through Holdfast: it has every file, and each was fetched once.
      const tarballs = upstream.paths().filter((path) => path.endsWith(".tgz"));
      expect(tarballs.length).toBe(new Set(tarballs).size);
      expect(server.files().length).toBe(tarballs.length);
    }));
});

eachClient(["pnpm", "yarn-4"], ({ driver, test }) => {
  test("writes a lock file without addresses, since ours are where it expects them", () =>
    withScene(driver, wants, {}, async ({ project }) => {
      await project.install();
      expect(project.read(driver.lock)).toContain("@reef/coral");
      expect(project.read(driver.lock)).not.toContain("127.0.0.1");
    }));
});
