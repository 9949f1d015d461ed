// The real Composer with packages that are made from code: tags, branches, a moved tag, a code host that is gone.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeRepository, type TestRepository } from "../../src/git/testkit.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withPrograms } from "./clients.ts";
import { openPrivateScene, type PrivateScene } from "./composer-private-scene.ts";
import type { ComposerProject } from "./composer-project.ts";

const hosts = tempFolder("code-host");
let scene: PrivateScene;
let ui: TestRepository;
let mono: TestRepository;

const manifest = (name: string, more: object = {}) => JSON.stringify({ name, ...more });

beforeAll(async () => {
  ui = makeRepository(join(hosts, "ui"));
  mono = makeRepository(join(hosts, "mono"));
  const sources = [
    { names: "acme/*", git: `file://${hosts}/{1}` },
    { names: "mono/*", git: `file://${hosts}/mono`, folder: "packages/{1}" },
  ];
  scene = await openPrivateScene({ acme: { format: "composer", upstreams: [], sources } }, [
    { user: "ben", repository: "acme", actions: ["read"] },
  ]);
}, 60_000);
afterAll(async () => {
  await scene.stop();
  removeTemp(hosts);
});

const projectOf = (require: Record<string, string>) =>
  scene.projectOf(require, scene.tokens[0]!, "acme");
const locked = (project: ComposerProject, name: string) => project.locked().get(name);
const refresh = () => scene.holdfast("sources", "refresh", "acme");
const kinds = () => scene.server.events().map(({ kind, package: name }) => `${kind} ${name}`);

withPrograms(["composer"], () => {
  test(
    "tags and branches are versions, archives hold what belongs into them, and a moved tag stays what it was",
    () =>
      scene.told(async () => {
        const exclude = {
          archive: { exclude: ["/docs"] },
          extra: { "branch-alias": { "dev-main": "1.x-dev" } },
        };
        ui.commit({ "composer.json": "{ not json", news: "broken" });
        ui.tag("v0.9.0");
        const first = ui.commit({
          "composer.json": manifest("acme/ui", exclude),
          ".gitattributes": "/tests export-ignore\n",
          "tests/test.php": "<?php",
          "docs/read": "me",
          "bin/tool": "#!/bin/sh\n",
          link: "-> bin/tool",
          away: "-> /etc/passwd",
          news: "1.0",
        });
        ui.git("update-index", "--chmod=+x", "bin/tool");
        ui.git("commit", "--quiet", "--amend", "--no-edit");
        ui.tag("v1.0.0");
        ui.git("branch", "feature/leaf");
        ui.git("branch", "1.x");

        const project = await projectOf({ "acme/ui": "^1.0" });
        await project.must("update");
        expect(locked(project, "acme/ui")?.version).toBe("v1.0.0");
        expect([...project.tree().keys()].filter((path) => !path.includes(".git")).sort()).toEqual([
          "acme/ui/bin/tool",
          "acme/ui/composer.json",
          "acme/ui/link",
          "acme/ui/news",
        ]);
        expect(project.tree().get("acme/ui/bin/tool")).toStartWith("755 ");
        const reference = locked(project, "acme/ui")?.dist?.reference;
        expect(reference).toBe(ui.git("rev-parse", "v1.0.0"));
        expect(reference).not.toBe(first);
        expect(kinds()).toEqual(["skipped acme/ui"]);

        const main = ui.commit({ news: "2.0" });
        ui.tag("v1.0.0");
        ui.tag("v1.1.0");
        await refresh();
        await project.must("update");
        expect(locked(project, "acme/ui")).toMatchObject({
          version: "v1.1.0",
          dist: { reference: main },
        });
        expect(kinds()).toEqual(["skipped acme/ui", "tampered acme/ui"]);
        const old = await projectOf({ "acme/ui": "1.0.0" });
        await old.must("update");
        expect(locked(old, "acme/ui")?.dist?.reference).toBe(reference!);
        expect(old.read("vendor/acme/ui/news")).toBe("1.0");

        const leaf = await projectOf({ "acme/ui": "dev-feature/leaf" });
        await leaf.must("update");
        expect(leaf.read("vendor/acme/ui/news")).toBe("1.0");
        const numeric = await projectOf({ "acme/ui": "1.x-dev as 1.5" });
        expect((await numeric.must("show", "--all", "acme/ui")).replace(/\s+/g, " ")).toContain(
          "1.x-dev",
        );
      }),
    180_000,
  );

  test(
    "a branch moves, and lock files that name what it was at install that",
    () =>
      scene.told(async () => {
        const project = await projectOf({ "acme/ui": "dev-main" });
        await project.must("update");
        const lock = project.read("composer.lock");
        ui.commit({ news: "3.0" });
        await refresh();
        await project.must("update");
        expect(project.read("vendor/acme/ui/news")).toBe("3.0");
        project.write("composer.lock", lock);
        project.forget();
        await scene.setUp(project, scene.tokens[0]!, "acme");
        await project.must("install");
        expect(project.read("vendor/acme/ui/news")).toBe("2.0");
      }),
    180_000,
  );

  test(
    "packages are folders of one code where that says so",
    () =>
      scene.told(async () => {
        mono.commit({
          "composer.json": manifest("mono/all"),
          "packages/oak/composer.json": manifest("mono/oak", {
            require: { "mono/elm": "self.version" },
          }),
          "packages/oak/leaf": "oak",
          "packages/elm/composer.json": manifest("mono/elm"),
          "packages/elm/leaf": "elm",
          "packages/other/composer.json": manifest("mono/another"),
        });
        mono.tag("2.0.0");
        const project = await projectOf({ "mono/oak": "^2.0" });
        await project.must("update");
        expect([...project.tree().keys()].sort()).toEqual([
          "mono/elm/composer.json",
          "mono/elm/leaf",
          "mono/oak/composer.json",
          "mono/oak/leaf",
        ]);
        const wrong = await projectOf({ "mono/other": "*" });
        expect((await wrong.run("update")).output).toContain("could not be found");
      }),
    180_000,
  );

  test(
    "an archive has a checksum from when it was made, and no lock of before or after is the worse for it",
    () =>
      scene.told(async () => {
        const oak = makeRepository(join(hosts, "oak"));
        oak.commit({ "composer.json": manifest("acme/oak"), leaf: "green" });
        oak.tag("1.0.0");
        const again = async (project: ComposerProject) => {
          project.forget();
          await scene.setUp(project, scene.tokens[0]!, "acme");
        };
        const project = await projectOf({ "acme/oak": "^1.0" });
        await project.must("update");
        const before = project.read("composer.lock");
        const { shasum: none, ...dist } = locked(project, "acme/oak")!.dist!;
        expect(none).toBeUndefined();
        await again(project);
        expect(await project.must("update")).toContain("Nothing to modify in lock file");
        const { shasum, ...same } = locked(project, "acme/oak")!.dist!;
        expect([shasum, same]).toEqual([expect.stringMatching(/^[0-9a-f]{40}$/), dist]);
        const after = project.read("composer.lock");
        for (const lock of [before, after]) {
          await again(project);
          project.write("composer.lock", lock);
          await project.must("install");
          expect(project.read("vendor/acme/oak/leaf")).toBe("green");
        }
        await again(project);
        project.write("composer.lock", after.replace(shasum, "0".repeat(40)));
        expect((await project.run("install")).output).toContain("checksum verification");
      }),
    180_000,
  );

  test(
    "what was seen is installed again with fresh caches while the code host is gone, and what was not is no 'not found'",
    () =>
      scene.told(async () => {
        const project = await projectOf({ "acme/ui": "^1.0", "mono/oak": "^2.0" });
        await project.must("update");
        const tree = project.tree();
        renameSync(join(hosts, "ui"), join(hosts, "away-ui"));
        renameSync(join(hosts, "mono"), join(hosts, "away-mono"));
        await scene.upstream.off();
        await scene.server.restart();
        project.forget();
        rmSync(join(project.dir, "composer.lock"));
        await scene.setUp(project, scene.tokens[0]!, "acme");
        await project.must("update");
        expect(project.tree()).toEqual(tree);
        // Also without the mirrors: what was installed once is published.
        await scene.server.pause();
        rmSync(join(scene.server.data, "git"), { recursive: true });
        await scene.server.restart(["--offline"]);
        project.forget();
        await scene.setUp(project, scene.tokens[0]!, "acme");
        await project.must("install");
        expect(project.tree()).toEqual(tree);
        const never = await projectOf({ "acme/never": "*" });
        const { output } = await never.run("update");
        expect(output).toContain("offline");
      }),
    180_000,
  );
});
