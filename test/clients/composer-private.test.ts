// The real Composer with private packages: uploaded, several repositories side by side, tokens, and nobody else awake.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/core/grant.ts";
import { archive } from "../../src/formats/composer/testdata/archives.ts";
import table from "../../src/formats/composer/testdata/semver.json" with { type: "json" };
import { run } from "../support/run.ts";
import { withPrograms } from "./clients.ts";
import { openPrivateScene, type PrivateScene } from "./composer-private-scene.ts";
import type { ComposerProject } from "./composer-project.ts";

let scene: PrivateScene;

/** Two private repositories side by side, and the public packages in a third one. */
const organisations = {
  acme: { format: "composer", offline: true, upstreams: [] },
  zinc: { format: "composer", offline: true, upstreams: [] },
};
const BOTH = ["acme", "composer"];
const read: Action[] = ["read"];

beforeAll(async () => {
  scene = await openPrivateScene(organisations, [
    { user: "ann", repository: "acme", actions: ["read", "publish", "unpublish"] },
    { user: "ben", repository: "acme", actions: read },
    { user: "ben", repository: "composer", actions: read },
    { user: "cat", repository: "zinc", actions: read },
  ]);
}, 60_000);
afterAll(() => scene.stop());

const ann = () => scene.tokens[0]!;
const ben = () => scene.tokens[1]!;
const cat = () => scene.tokens[3]!;

/** As somebody's pipeline does. */
async function put(version: string, bytes: Uint8Array, name = "acme/ui"): Promise<number> {
  const answer = await fetch(`${scene.server.url}/acme/packages/upload/${name}/${version}`, {
    method: "PUT",
    headers: { authorization: `Basic ${btoa(`ann:${ann()}`)}` },
    body: new Uint8Array(bytes),
  });
  return answer.status;
}

const told = <T>(act: () => Promise<T>) => scene.told(act);
const holdfast = (...words: string[]) => scene.holdfast(...words);
const projectOf = (require: Record<string, string>, token: string | null = ben(), names = BOTH) =>
  scene.projectOf(require, token, ...names);
const locked = (project: ComposerProject, name: string) => project.locked().get(name);

withPrograms(["composer"], () => {
  test("its own parser says of versions, branches and constraints what is said here", async () => {
    const { versions, branches, constraints } = table;
    const asked = {
      versions: versions.map(([text]) => text),
      branches: branches.map(([text]) => text),
      constraints: [...constraints.read, ...constraints.refused],
    };
    const file = scene.path("semver.json");
    writeFileSync(file, JSON.stringify(asked));
    const script = `require 'Composer/Semver/autoload.php';
      $parser = new Composer\\Semver\\VersionParser;
      $try = function ($of) { try { return $of(); } catch (Exception $e) { return null; } };
      $asked = json_decode(file_get_contents($argv[1]), true);
      foreach ($asked['versions'] as &$text) $text = [$text, $try(fn() => $parser->normalize($text))];
      foreach ($asked['branches'] as &$name) $name = [$name, $try(function () use ($parser, $name) {
        $parser->parseConstraints($parser->normalizeBranch($name));
        return $parser->normalizeBranch($name);
      })];
      foreach ($asked['constraints'] as &$one) $one = (bool) $try(fn() => $parser->parseConstraints($one));
      echo json_encode($asked);`;
    const { stdout } = await run(["php", "-r", script, "--", file], { cwd: "." });
    expect(JSON.parse(stdout)).toEqual({
      versions,
      branches,
      constraints: [...constraints.read.map(() => true), ...constraints.refused.map(() => false)],
    });
  }, 30_000);

  test(
    "is installed with a token by who may read it, beside public packages, and by nobody else",
    () =>
      told(async () => {
        const ui = scene.write("ui.zip", archive({ name: "acme/ui", folder: "ui-1.0.0" }));
        const publish = ["publish", "composer", "acme/ui@1.0.0", ui, "--repository", "acme"];
        expect(await holdfast(...publish)).toContain(
          "acme/ui@1.0.0 (1.0.0.0/.zip) is published in acme.",
        );
        expect(await holdfast(...publish)).toContain("already, with the same bytes");
        const kit = { require: { "acme/ui": "^1.0", "reef/coral": "^1.0" } };
        expect(await put("1.0.0", archive({ name: "acme/kit", more: kit }), "acme/kit")).toBe(201);

        const project = await projectOf({});
        await project.must("require", "acme/kit:^1.0");
        const script = "require 'vendor/autoload.php'; echo Acme\\Ui\\Release::NAME;";
        expect((await run(["php", "-r", script], { cwd: project.dir })).stdout).toStartWith(
          "acme/ui",
        );
        expect(locked(project, "acme/ui")?.dist).toMatchObject({
          url: `${scene.server.url}/acme/dists/acme/ui/1.0.0.0/.zip`,
          shasum: expect.stringMatching(/^[0-9a-f]{40}$/),
        });
        expect(locked(project, "reef/coral")?.dist?.url).toStartWith(
          `${scene.server.url}/composer/dists/`,
        );
        expect(await project.must("search", "--only-name", "acme")).toContain("acme/ui");

        const stranger = await projectOf({ "acme/ui": "^1.0" }, null, ["acme"]);
        const unknown = await stranger.run("update");
        expect(unknown.code).not.toBe(0);
        expect(unknown.output).toContain("Who gives no name may not read the repository acme");
        expect(unknown.output).toContain("(HTTP 401)");
        const other = await projectOf({ "acme/ui": "^1.0" }, cat(), ["acme"]);
        const refused = await other.run("update");
        expect(refused.code).not.toBe(0);
        expect(refused.output).toContain("may not read");
        // Another organisation's packages are another's: the same token, another address.
        const empty = await projectOf({ "acme/ui": "^1.0" }, cat(), ["zinc"]);
        expect((await empty.run("update")).output).toContain("could not be found");
        expect(JSON.stringify(scene.upstream.requests)).not.toContain("acme");
      }),
    120_000,
  );

  test(
    "moves on as it is published, by stability, and goes back for lock files",
    () =>
      told(async () => {
        const project = await projectOf({ "acme/ui": "^1.0" });
        await project.must("update");
        expect(await put("1.1.0", archive({ name: "acme/ui", files: { news: "1.1" } }))).toBe(201);
        expect(
          await put("1.2.0-beta1", archive({ name: "acme/ui", files: { news: "beta" } })),
        ).toBe(201);
        await project.must("update");
        expect(locked(project, "acme/ui")?.version).toBe("1.1.0");
        expect(await put("1.1.0", archive({ name: "acme/ui", files: { news: "other" } }))).toBe(
          409,
        );
        await project.must("require", "acme/ui:^1.2@beta");
        expect(locked(project, "acme/ui")?.version).toBe("1.2.0-beta1");

        const first = archive({ name: "acme/ui", files: { news: "first" } });
        expect(await put("dev-main", first)).toBe(201);
        await project.must("require", "acme/ui:dev-main");
        const lock = project.read("composer.lock");
        expect(await put("dev-main", archive({ name: "acme/ui", files: { news: "second" } }))).toBe(
          201,
        );
        await project.must("update");
        expect(project.read("vendor/acme/ui/news")).toBe("second");
        project.write("composer.lock", lock);
        await project.must("install");
        expect(project.read("vendor/acme/ui/news")).toBe("first");
      }),
    120_000,
  );

  test(
    "warns of what is abandoned, and keeps what was taken back for lock files alone",
    () =>
      told(async () => {
        expect(await holdfast("abandon", "acme", "acme/ui", "acme/kit")).toContain(
          "abandoned for acme/kit",
        );
        const project = await projectOf({ "acme/ui": "^1.0" });
        const warned = await project.must("update");
        expect(warned).toContain(
          "Package acme/ui is abandoned, you should avoid using it. Use acme/kit instead.",
        );
        await holdfast("abandon", "acme", "acme/ui", "--back");
        expect(await project.must("update")).not.toContain("is abandoned");
        expect(locked(project, "acme/ui")?.version).toBe("1.1.0");

        const yank = `${scene.server.url}/-/api/v1/repositories/acme/packages/acme%2Fui/releases/1.1.0/yank`;
        const headers = {
          authorization: `Bearer ${ann()}`,
          "content-type": "application/json",
        };
        expect((await fetch(yank, { method: "PUT", headers, body: "{}" })).status).toBe(200);
        project.forget();
        await scene.setUp(project, ben(), ...BOTH);
        await project.must("install");
        await project.must("update");
        expect(locked(project, "acme/ui")?.version).toBe("1.0.0");
        expect((await fetch(yank, { method: "DELETE", headers })).status).toBe(200);

        await holdfast("unpublish", "acme", "acme/ui@1.0.0");
        project.forget();
        await scene.setUp(project, ben(), ...BOTH);
        expect((await project.run("install")).output).toContain("404");
        await holdfast("trash", "restore", "acme", "acme/ui@1.0.0");
        await project.must("install");

        await holdfast("promote", "acme/ui@1.0.0", "acme", "zinc");
        const elsewhere = await projectOf({ "acme/ui": "^1.0" }, cat(), ["zinc"]);
        await elsewhere.must("update");
        expect(elsewhere.tree()).toEqual(project.tree());
      }),
    120_000,
  );

  test(
    "is installed again with fresh caches while every other host is away",
    () =>
      told(async () => {
        const project = await projectOf({ "acme/kit": "^1.0" });
        await project.must("update");
        const tree = project.tree();
        await scene.upstream.off();
        await scene.server.restart(["--offline"]);
        project.forget();
        await scene.setUp(project, ben(), ...BOTH);
        await project.must("install");
        expect(project.tree()).toEqual(tree);
        project.forget();
        rmSync(join(project.dir, "composer.lock"));
        await scene.setUp(project, ben(), ...BOTH);
        await project.must("update");
        expect(project.tree()).toEqual(tree);
      }),
    120_000,
  );
});
