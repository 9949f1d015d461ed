// The real Composer with private packages: uploaded, several repositories side by side, tokens, and nobody else awake.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/core/grant.ts";
import { archive } from "../../src/formats/composer/testdata/archives.ts";
import { makeAccounts } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withBugs } from "./apt-scene.ts";
import { withPrograms } from "./clients.ts";
import { ComposerProject } from "./composer-project.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;

let upstream: FakeUpstream;
let server: ServerProcess;
let tokens: { ann: string; ben: string; cat: string };
const files = tempFolder("archives");
const projects: ComposerProject[] = [];

/** Two private repositories side by side, and the public packages in a third one. */
const organisations = {
  acme: { format: "composer", offline: true, upstreams: [] },
  zinc: { format: "composer", offline: true, upstreams: [] },
};

beforeAll(async () => {
  upstream = await startUpstream();
  const config = JSON.parse(
    configText(upstream, { access: { anonymous: "none" }, freshness: "0s" }),
  );
  Object.assign(config.repositories, organisations);
  server = await startProcess({ config: JSON.stringify(config) });
  const all: Action[] = ["read", "publish", "unpublish"];
  const reading = (user: string, repository: string) => ({
    user,
    repository,
    actions: ["read"] as Action[],
  });
  const [ann = "", ben = "", , cat = ""] = await makeAccounts(server.data, [
    { user: "ann", repository: "acme", actions: all },
    reading("ben", "acme"),
    reading("ben", "composer"),
    reading("cat", "zinc"),
  ]);
  tokens = { ann, ben, cat };
  await server.restart();
}, 60_000);
afterAll(async () => {
  for (const one of projects) one.remove();
  await server.stop();
  await upstream.stop();
  removeTemp(files);
});

/** `holdfast …` beside the running server. */
async function holdfast(...words: string[]): Promise<string> {
  const flags = [
    "--config",
    server.config,
    ...(words[0] === "setup" ? [] : ["--data", server.data]),
  ];
  const { code, output } = await run([process.execPath, main, ...words, ...flags], { cwd: files });
  if (code !== 0) throw new Error(`holdfast ${words.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

function write(name: string, bytes: Uint8Array): string {
  writeFileSync(join(files, name), bytes);
  return name;
}

/** As somebody's pipeline does. */
async function put(version: string, bytes: Uint8Array, name = "acme/ui"): Promise<number> {
  const answer = await fetch(`${server.url}/acme/packages/upload/${name}/${version}`, {
    method: "PUT",
    headers: { authorization: `Basic ${btoa(`ann:${tokens.ann}`)}` },
    body: new Uint8Array(bytes),
  });
  return answer.status;
}

/** Follows what `holdfast setup composer` says for these repositories. */
async function setUp(project: ComposerProject, token: string | null, ...repositories: string[]) {
  for (const repository of repositories) {
    const said = await holdfast(
      "setup",
      "composer",
      "--repository",
      repository,
      "--url",
      server.url,
    );
    const shell = said.slice(0, said.indexOf("composer.json\n"));
    for (const line of shell.split("\n").map((text) => text.replace(/^# (?=composer )/, ""))) {
      if (!line.startsWith("composer ") || (line.includes("TOKEN") && token === null)) continue;
      await project.must(
        ...line
          .replace("TOKEN", token ?? "")
          .split(" ")
          .slice(1),
      );
    }
  }
}

async function projectOf(
  require: Record<string, string>,
  token: string | null = tokens.ben,
  repositories = ["acme", "composer"],
): Promise<ComposerProject> {
  const project = new ComposerProject([], require);
  projects.push(project);
  await setUp(project, token, ...repositories);
  return project;
}

async function told<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw withBugs(error, server);
  }
}

const locked = (project: ComposerProject, name: string) => project.locked().get(name);

withPrograms(["composer"], () => {
  test(
    "is installed with a token by who may read it, beside public packages, and by nobody else",
    () =>
      told(async () => {
        const ui = write("ui.zip", archive({ name: "acme/ui", folder: "ui-1.0.0" }));
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
          url: `${server.url}/acme/dists/acme/ui/1.0.0.0/.zip`,
          shasum: expect.stringMatching(/^[0-9a-f]{40}$/),
        });
        expect(locked(project, "reef/coral")?.dist?.url).toStartWith(
          `${server.url}/composer/dists/`,
        );
        expect(await project.must("search", "--only-name", "acme")).toContain("acme/ui");

        const stranger = await projectOf({ "acme/ui": "^1.0" }, null, ["acme"]);
        const unknown = await stranger.run("update");
        expect(unknown.code).not.toBe(0);
        expect(unknown.output).toContain("Who gives no name may not read the repository acme");
        expect(unknown.output).toContain("(HTTP 401)");
        const other = await projectOf({ "acme/ui": "^1.0" }, tokens.cat, ["acme"]);
        const refused = await other.run("update");
        expect(refused.code).not.toBe(0);
        expect(refused.output).toContain("may not read");
        // Another organisation's packages are another's: the same token, another address.
        const empty = await projectOf({ "acme/ui": "^1.0" }, tokens.cat, ["zinc"]);
        expect((await empty.run("update")).output).toContain("could not be found");
        expect(JSON.stringify(upstream.requests)).not.toContain("acme");
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

        const yank = `${server.url}/-/api/v1/repositories/acme/packages/acme%2Fui/releases/1.1.0/yank`;
        const headers = {
          authorization: `Bearer ${tokens.ann}`,
          "content-type": "application/json",
        };
        expect((await fetch(yank, { method: "PUT", headers, body: "{}" })).status).toBe(200);
        project.forget();
        await setUp(project, tokens.ben, "acme", "composer");
        await project.must("install");
        await project.must("update");
        expect(locked(project, "acme/ui")?.version).toBe("1.0.0");
        expect((await fetch(yank, { method: "DELETE", headers })).status).toBe(200);

        await holdfast("unpublish", "acme", "acme/ui@1.0.0");
        project.forget();
        await setUp(project, tokens.ben, "acme", "composer");
        expect((await project.run("install")).output).toContain("404");
        await holdfast("trash", "restore", "acme", "acme/ui@1.0.0");
        await project.must("install");

        await holdfast("promote", "acme/ui@1.0.0", "acme", "zinc");
        const elsewhere = await projectOf({ "acme/ui": "^1.0" }, tokens.cat, ["zinc"]);
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
        await upstream.off();
        await server.restart(["--offline"]);
        project.forget();
        await setUp(project, tokens.ben, "acme", "composer");
        await project.must("install");
        expect(project.tree()).toEqual(tree);
        project.forget();
        rmSync(join(project.dir, "composer.lock"));
        await setUp(project, tokens.ben, "acme", "composer");
        await project.must("update");
        expect(project.tree()).toEqual(tree);
      }),
    120_000,
  );
});
