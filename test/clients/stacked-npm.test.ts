// Every client of npm over TLS, with two repositories built on one another: it publishes into each, installs through the upper one, takes back, and is refused.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../support/temp.ts";
import { withPrograms } from "./clients.ts";
import {
  type NpmPublisher,
  npmCall,
  npmItself,
  npmPublishers,
  writeNpmProject,
} from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";
import { openStacked, type Stacked } from "./stacked-scene.ts";

type Name = NpmPublisher["name"];

let scene: Stacked;
beforeAll(async () => {
  scene = await openStacked("npm");
}, 120_000);
afterAll(() => scene.stop());

/** Where clients are told of an authority: npm and yarn 1, pnpm and bun, yarn 4. */
const trust = (ca: string) => ({
  npm_config_cafile: ca,
  NODE_EXTRA_CA_CERTS: ca,
  YARN_HTTPS_CA_FILE_PATH: ca,
});

/** What each says by itself when it has no token. */
const unknown: Record<Name, RegExp> = {
  "npm-10": /ENEEDAUTH|E401/,
  "npm-11": /ENEEDAUTH|E401/,
  npm: /ENEEDAUTH|E401/,
  pnpm: /401 Unauthorized/,
  "yarn-1": /No token found/,
  "yarn-4": /No authentication configured/,
  bun: /missing authentication/,
};

/** Which of them take back by themselves; for the others npm does. */
const takesBack = (name: Name) => name.startsWith("npm") || name === "pnpm";

function project(client: NpmPublisher) {
  const folder = tempFolder(`stacked-${client.name}`);
  // Homes of its own each time: nothing comes from a cache.
  const home = tempFolder(`home-${client.name}`);
  return {
    folder,
    write(where: string, token: string, manifest: Record<string, unknown>) {
      writeNpmProject(folder, manifest, client.files(`${scene.url}/${where}`, token));
      // Else it belongs to a project above.
      if (client.prepare) writeFileSync(join(folder, "yarn.lock"), "", { flag: "a" });
    },
    run: (args: string[]) =>
      runIn(folder, home, npmCall(client.name, args, home, { ...client.env, ...trust(scene.ca) })),
    async must(args: string[]) {
      const { code, output } = await this.run(args);
      if (code !== 0) throw new Error(`${client.name} ${args.join(" ")}: ${code}\n${output}`);
      return output;
    },
  };
}

const versions = async (name: string, where = "npm") => {
  const answer = await scene.get(`/${where}/${name.replace("/", "%2f")}`);
  if (!answer.ok) return answer.status;
  return Object.keys(((await answer.json()) as { versions: object }).versions);
};

for (const client of npmPublishers)
  withPrograms([client.name], () => {
    describe(client.name, () => {
      const own = `@shoal/${client.name}`;
      const base = `@deep/${client.name}`;
      const projects = new Map<string, ReturnType<typeof project>>();
      const publishing = async (where: string, token: string, name: string, version: string) => {
        const at = projects.get(name) ?? project(client);
        if (!projects.has(name) && client.prepare) {
          at.write(where, scene.tokens.ann, { name, version });
          await at.must(client.prepare);
        }
        projects.set(name, at);
        at.write(where, token, { name, version });
        return at.run(client.publish);
      };

      test("is refused without a token, with each that may not, and where a name is another repository's", async () => {
        const nobody = await publishing("npm", "", own, "1.0.0");
        expect([nobody.code, nobody.output]).toEqual([
          expect.any(Number),
          expect.stringMatching(unknown[client.name]),
        ]);
        expect(nobody.code).not.toBe(0);
        for (const token of Object.values(scene.tokens.wrong)) {
          const refused = await publishing("npm", token, own, "1.0.0");
          expect(refused.output).toContain("may not publish");
          expect(refused.code).not.toBe(0);
        }
        const shadowing = await publishing("npm", scene.tokens.ann, base, "1.0.0");
        expect(shadowing.output).toContain("npm-base");
        expect(shadowing.code).not.toBe(0);
        expect([await versions(own), await versions(base)]).toEqual([404, 404]);
      }, 120_000);

      test("publishes into both, and installs through the upper one", async () => {
        for (const [where, name, version] of [
          ["npm", own, "1.0.0"],
          ["npm", own, "1.1.0"],
          ["npm-base", base, "1.0.0"],
        ] as const) {
          const { code, output } = await publishing(where, scene.tokens.ann, name, version);
          expect([code, output]).toEqual([0, expect.any(String)]);
        }
        const at = project(client);
        at.write("npm", scene.tokens.ben, {
          name: "project",
          version: "1.0.0",
          dependencies: { [own]: "1.1.0", [base]: "1.0.0", tide: "1.1.0" },
        });
        await at.must(client.install);
        const installed = (name: string) =>
          JSON.parse(readFileSync(join(at.folder, "node_modules", name, "package.json"), "utf8"))
            .version;
        expect([own, base, "tide"].map(installed)).toEqual(["1.1.0", "1.0.0", "1.1.0"]);
        if (client.name === "yarn-1") return; // its audit can be told of no authority
        const before = scene.upstream.requests.length;
        await at.must(client.name === "yarn-4" ? ["npm", "audit"] : ["audit"]);
        expect(scene.upstream.requests.length).toBeGreaterThan(before);
      }, 120_000);

      test("deprecates and unpublishes; then the version before is installed", async () => {
        const tool = takesBack(client.name) ? client : npmItself[0]!;
        const at = project(tool);
        at.write("npm", scene.tokens.wrong["leaked, for reading"], { name: own, version: "1.0.0" });
        expect((await at.run(["unpublish", `${own}@1.1.0`])).code).not.toBe(0);
        expect(await versions(own)).toEqual(["1.0.0", "1.1.0"]);
        at.write("npm", scene.tokens.ann, { name: own, version: "1.0.0" });
        await at.must(["deprecate", `${own}@1.0.0`, "use another"]);
        await at.must(["unpublish", `${own}@1.1.0`]);
        expect(await versions(own)).toEqual(["1.0.0"]);
        const after = project(client);
        after.write("npm", scene.tokens.ben, {
          name: "project",
          version: "1.0.0",
          dependencies: { [own]: "^1.0.0" },
        });
        await after.must(client.install);
        const manifest = join(after.folder, "node_modules", own, "package.json");
        expect(JSON.parse(readFileSync(manifest, "utf8")).version).toBe("1.0.0");
        expect(existsSync(join(after.folder, "node_modules", base))).toBe(false);
      }, 120_000);
    });
  });

test("a CI job publishes what its project is trusted with, and another project gets no token for it", async () => {
  expect((await scene.exchange("43", "npm", "@shoal/job")).status).toBe(403);
  const client = npmPublishers.find(({ name }) => name === "bun")!;
  const at = project(client);
  at.write("npm", scene.tokens.job, { name: "@shoal/job", version: "1.0.0" });
  await at.must(client.publish);
  expect(await versions("@shoal/job")).toEqual(["1.0.0"]);
}, 120_000);

withPrograms(["npm"], () => {
  test("no private name ever reached an upstream: in install, audit, search, attestations, on any path", async () => {
    const at = project(npmItself.at(-1)!);
    at.write("npm", scene.tokens.ann, { name: "@shoal/quiet", version: "1.0.0" });
    await at.must(["publish"]);
    at.write("npm", scene.tokens.ben, { name: "project", version: "1.0.0" });
    expect(await at.must(["search", "@shoal/quiet", "--json"])).toContain("@shoal/quiet");
    await at.must(["view", "@shoal/quiet"]);
    const below = ["@deep/npm", "@deep/nothing"];
    for (const where of ["npm", "npm-base"])
      for (const name of where === "npm" ? [...below, "@shoal/quiet", "@shoal/nothing"] : below)
        for (const path of [
          name,
          name.replace("/", "%2f"),
          `${name}/latest`,
          `${name}/9.9.9`,
          `${name}/-/${name.split("/")[1]}-9.9.9.tgz`,
          `-/package/${name.replace("/", "%2f")}/dist-tags`,
          `-/package/${name.replace("/", "%2f")}/collaborators`,
          `-/npm/v1/attestations/${name.replace("/", "%2f")}@1.0.0`,
          `-/v1/search?text=${encodeURIComponent(name)}`,
        ])
          await (await scene.get(`/${where}/${path}`)).arrayBuffer();
    await (await scene.get("/npm/tide")).arrayBuffer();
    for (const form of ["advisories/bulk", "audits", "audits/quick"]) {
      const name = "@deep/nothing";
      const tree = {
        requires: { [name]: "1.0.0" },
        dependencies: { [name]: { version: "1.0.0" } },
      };
      const body = JSON.stringify(
        form === "advisories/bulk" ? { [name]: ["1.0.0"], tide: ["1.0.0"] } : tree,
      );
      const init = { method: "POST", body, headers: { "content-type": "application/json" } };
      await (
        await scene.get(`/npm/-/npm/v1/security/${form}`, scene.tokens.ben, init)
      ).arrayBuffer();
    }
    expect(scene.leaks()).toEqual([]);
    expect(scene.upstream.requests.some(({ target }) => target.includes("tide"))).toBe(true);
    expect(scene.upstream.requests.some(({ target }) => target.includes("advisories"))).toBe(true);
  }, 120_000);
});
