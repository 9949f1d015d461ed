// Real clients of npm publish private packages, change them and take them away, with tokens of this server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeAccounts } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import type { RunOptions } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withPrograms } from "./clients.ts";
import { npmCall, npmItself, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";

let upstream: FakeUpstream;
let server: ServerProcess;
let url: string;
let home: string;
let tokens: Record<"ann" | "ben" | "reading" | "other", string>;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startProcess({
    config: configText(upstream, {
      claims: { npm: ["@reef/*"] },
      access: { anonymous: "none" },
    }),
  });
  const all = { user: "ann", actions: ["admin" as const], repository: "npm" };
  const [ann, ben, reading, other] = await makeAccounts(server, [
    { ...all, password: "correct horse" },
    { user: "ben", actions: ["read"] },
    { ...all, scope: ["read"] },
    { user: "eve", actions: ["publish"], package: "@other/*" },
  ]);
  tokens = { ann: ann!, ben: ben!, reading: reading!, other: other! };
  await server.restart();
  url = `${server.url}/npm`;
  home = tempFolder("npm-home");
}, 60_000);
afterAll(async () => {
  await server.stop();
  await upstream.stop();
  removeTemp(home);
});

const get = async (path: string, token: string = tokens.ann) =>
  fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
const packument = async (name: string) =>
  // biome-ignore lint/suspicious/noExplicitAny: a packument as it comes
  (await (await get(`/${name.replace("/", "%2f")}`)).json()) as any;

for (const client of npmPublishers)
  withPrograms([client.name], () => {
    describe(client.name, () => {
      const name = `@reef/${client.name}`;
      const folder = tempFolder(`publish-${client.name}`);
      const run = (token: string, args: string[], more: Record<string, string> = {}) => {
        writeNpmProject(
          folder,
          {
            name,
            version,
            description: "A private one",
            bin: "./index.js",
            dependencies: { kelp: "^2.0.0" },
          },
          { ...client.files(url, token), ...more },
        );
        return runIn(folder, home, npmCall(client.name, args, home, client.env));
      };
      let version = "1.0.0";

      test("is refused with tokens that may not, and says why", async () => {
        if (client.prepare) {
          writeFileSync(join(folder, "yarn.lock"), ""); // else it belongs to a project above
          expect((await run(tokens.ann, client.prepare)).code).toBe(0);
        }
        for (const token of [tokens.ben, tokens.reading, tokens.other]) {
          const refused = await run(token, client.publish);
          expect(refused.code).not.toBe(0);
          expect(refused.output).toContain("may not publish");
        }
        expect((await get(`/${name.replace("/", "%2f")}`)).status).toBe(404);
      }, 60_000);

      test("publishes, and never with other bytes under the same version", async () => {
        const first = await run(tokens.ann, client.publish);
        expect([first.code, first.output]).toEqual([0, expect.any(String)]);
        const shown = await packument(name);
        expect(shown["dist-tags"]).toEqual({ latest: "1.0.0" });
        expect(shown.versions["1.0.0"]).toMatchObject({
          dependencies: { kelp: "^2.0.0" },
          bin: { [client.name]: "index.js" },
          _npmUser: { name: "ann" },
        });
        expect(shown.versions["1.0.0"].dist.tarball).toStartWith(`${url}/@reef/`);
        const other = await run(tokens.ann, client.publish, { "more.js": "1\n" });
        expect(other.code).not.toBe(0);
        expect(other.output).toContain("previously published version");
        expect(await packument(name)).toEqual(shown);
      }, 60_000);

      test("is installed, with what it needs from the upstream", async () => {
        const project = tempFolder(`install-${client.name}`);
        const wants = {
          name: "project",
          version: "1.0.0",
          private: true,
          dependencies: { [name]: "1.0.0" },
        };
        const own = client.prepare ? { "yarn.lock": "" } : {};
        writeNpmProject(project, wants, { ...client.files(url, tokens.ben), ...own });
        const result = await runIn(
          project,
          home,
          npmCall(client.name, client.install, home, client.env),
        );
        expect([result.code, result.output]).toEqual([0, expect.any(String)]);
        const installed = join(project, "node_modules", name, "package.json");
        expect(JSON.parse(readFileSync(installed, "utf8")).version).toBe("1.0.0");
        if (client.name !== "pnpm")
          expect(existsSync(join(project, "node_modules/kelp"))).toBe(true);
        removeTemp(project);
      }, 60_000);

      test("publishes a beta under its own tag", async () => {
        version = "1.1.0-beta.1";
        const result = await run(tokens.ann, [...client.publish, "--tag", "beta"]);
        expect([result.code, result.output]).toEqual([0, expect.any(String)]);
        expect((await packument(name))["dist-tags"]).toEqual({
          latest: "1.0.0",
          beta: "1.1.0-beta.1",
        });
        removeTemp(folder);
      }, 60_000);
    });
  });

for (const client of npmItself)
  withPrograms([client.name], () => {
    test(`${client.name}: publishes what it writes into a manifest by itself`, async () => {
      const name = `@reef/native-${client.name}`;
      const folder = tempFolder(`native-${client.name}`);
      const manifest = {
        name,
        version: "v1.0.0+build",
        directories: { bin: "./tools" },
        dependencies: { kelp: "reef/kelp#v1" },
        bundleDependencies: ["sand"],
      };
      mkdirSync(join(folder, "tools"), { recursive: true });
      const files = { "binding.gyp": "{}", "tools/cut.js": "", ...client.files(url, tokens.ann) };
      writeNpmProject(folder, manifest, files);
      const call = npmCall(client.name, ["publish", "--ignore-scripts"], home, client.env);
      const result = await runIn(folder, home, call);
      expect([result.code, result.output]).toEqual([0, expect.any(String)]);
      expect((await packument(name)).versions["1.0.0"]).toMatchObject({
        bin: { "cut.js": "tools/cut.js" },
        scripts: { install: "node-gyp rebuild" },
        gypfile: true,
      });
      removeTemp(folder);
    }, 60_000);

    test(`${client.name}: what npm does with a package after it is published`, async () => {
      const name = `@reef/life-${client.name}`;
      const folder = tempFolder(`life-${client.name}`);
      const npm = async (args: string[], token = tokens.ann) => {
        writeFileSync(join(folder, ".npmrc"), client.files(url, token)[".npmrc"]!);
        return runIn(folder, home, npmCall(client.name, args, home, client.env));
      };
      const must = async (args: string[], token?: string) => {
        const { code, output } = await npm(args, token);
        if (code !== 0) throw new Error(`npm ${args.join(" ")} ended with ${code}:\n${output}`);
        return output;
      };
      for (const version of ["1.0.0", "1.1.0", "2.0.0"]) {
        writeNpmProject(
          folder,
          { name, version, description: "Life of a coral", keywords: ["polyp"] },
          { "README.md": "# Coral\n\nIt grows on zooxanthellae.\n" },
        );
        await must(["publish"]);
      }
      expect(await must(["whoami"])).toContain("ann");
      expect(await must(["view", name, "version"])).toContain("2.0.0");
      await must(["dist-tag", "add", `${name}@1.1.0`, "stable"]);
      expect(await must(["dist-tag", "ls", name])).toContain("stable: 1.1.0");
      await must(["dist-tag", "rm", name, "stable"]);
      await must(["deprecate", `${name}@1.x`, "use 2"]);
      expect((await packument(name)).versions["1.1.0"].deprecated).toBe("use 2");
      expect(await must(["search", "zooxanthellae"])).toContain(name);
      await must(["owner", "add", "ben", name]);
      expect(await must(["owner", "ls", name])).toContain("ben");
      expect(await must(["access", "get", "status", name])).toContain("private");
      await must(["deprecate", `${name}@1.0.0`, "as ben"], tokens.ben);
      await must(["owner", "rm", "ben", name]);
      expect((await npm(["deprecate", `${name}@1.0.0`, "no more"], tokens.ben)).output).toContain(
        "may not publish",
      );
      expect((await npm(["unpublish", `${name}@1.0.0`], tokens.reading)).code).not.toBe(0);
      await must(["unpublish", `${name}@1.0.0`]);
      expect(Object.keys((await packument(name)).versions)).toEqual(["1.1.0", "2.0.0"]);
      writeNpmProject(folder, { name, version: "1.0.0" }, { "other.js": "1\n" });
      const again = await npm(["publish", "--tag", "old"]);
      expect(again.code).not.toBe(0);
      expect(again.output).toContain("previously published version");
      await must(["unpublish", name, "--force"]);
      expect((await npm(["view", name])).output).toMatch(/404|E404/);
      removeTemp(folder);
    }, 120_000);

    test(`${client.name}: logs in with a password, makes, lists and revokes tokens, logs out`, async () => {
      const folder = tempFolder(`login-${client.name}`);
      const config = join(folder, "npmrc");
      writeNpmProject(
        folder,
        { name: "project", version: "1.0.0" },
        { npmrc: `registry=${url}/\n` },
      );
      const password = [/password:/i, "correct horse"] as const;
      const npm = (args: string[], answers?: RunOptions["answers"]) => {
        const env = { ...client.env, npm_config_userconfig: config };
        return runIn(folder, home, { ...npmCall(client.name, args, home, env), answers });
      };
      const must = async (args: string[], answers?: RunOptions["answers"]) => {
        const result = await npm(args, answers);
        if (result.code !== 0) throw new Error(`npm ${args.join(" ")}: ${result.output}`);
        return result.stdout;
      };
      await must(["login", "--auth-type=legacy"], [[/username:/i, "ann"], password]);
      const own = /_authToken=(hf_\w+)/.exec(readFileSync(config, "utf8"))![1]!;
      expect(await must(["whoami"])).toContain("ann");
      expect(await must(["profile", "get"])).toContain("ann");
      const wish =
        client.name === "npm-10"
          ? ["--read-only"]
          : ["--name=build", "--packages-all", "--packages-and-scopes-permission=read-only"];
      const made = await must(["token", "create", ...wish], [password]);
      const secret = /hf_\w{49}/.exec(made)![0];
      expect((await get("/tide", secret)).status).toBe(200);
      const put = { method: "PUT", headers: { authorization: `Bearer ${secret}` }, body: "{}" };
      expect((await fetch(`${url}/@reef%2fmade`, put)).status).toBe(403);
      expect(await must(["token", "list"])).toContain(secret.slice(0, 6));
      await must(["token", "revoke", secret]);
      expect((await get("/-/whoami", secret)).status).toBe(401);
      const name = `@reef/native-${client.name}`;
      await must(["access", "set", "mfa=none", name]);
      expect((await npm(["access", "set", "mfa=publish", name])).output).toContain(
        "no second factor",
      );
      await must(["logout"]);
      expect((await get("/-/whoami", own)).status).toBe(401);
      for (const one of [own, secret]) expect(server.output()).not.toContain(one);
      removeTemp(folder);
    }, 60_000);
  });

test("no private name ever reached the upstream", () => {
  const asked = upstream.requests.map((one) => `${one.target} ${one.body ?? ""}`).join("\n");
  expect(asked).not.toContain("reef");
  expect(upstream.requests.length).toBeGreaterThan(0);
});
