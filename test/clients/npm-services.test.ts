// What real clients of npm ask beside packages, of a server with private ones: who they are, advisories, signatures, stars. No private name gets out.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publishDocument } from "../../src/formats/npm/testdata/tarball.ts";
import { makeAccounts } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { freePort, type ServerProcess, startProcess } from "../support/process.ts";
import type { Result } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withPrograms } from "./clients.ts";
import {
  type NpmPublisher,
  npmCall,
  npmItself,
  npmPublishers,
  writeNpmProject,
} from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";

const NAME = "@abyss/angler";

let upstream: FakeUpstream;
let server: ServerProcess;
let url: string;
let home: string;
let token: string;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startProcess({
    config: configText(upstream, {
      claims: { npm: ["@abyss/*"] },
      access: { anonymous: "none" },
    }),
  });
  const ann = { user: "ann", actions: ["admin" as const], password: "correct horse" };
  [token] = (await makeAccounts(server, [ann])) as [string];
  await server.restart();
  url = `${server.url}/npm`;
  home = tempFolder("npm-services");
  const document = publishDocument({
    name: NAME,
    more: { description: "It has a lamp", dependencies: { kelp: "^2.0.0" } },
  });
  const answer = await fetch(`${url}/${NAME.replace("/", "%2f")}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(document),
  });
  expect(answer.status).toBe(201);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await upstream.stop();
  removeTemp(home);
});

/** A project that needs the private package. */
function projectOf(client: NpmPublisher): string {
  const folder = tempFolder(`services-${client.name}`);
  const manifest = { name: "project", version: "1.0.0", dependencies: { [NAME]: "1.0.0" } };
  const lock = client.name.startsWith("yarn") ? { "yarn.lock": "" } : {};
  writeNpmProject(folder, manifest, { ...client.files(url, token), ...lock });
  return folder;
}

const call = (client: NpmPublisher, folder: string, args: string[]): Promise<Result> =>
  runIn(folder, home, npmCall(client.name, args, home, client.env));

const seen = ({ code, output }: Result) => [code, output];

/** As a browser does it: log in, and say yes to the client. */
async function approve(page: string): Promise<void> {
  const post = (path: string, fields: Record<string, string>, cookie = "") =>
    fetch(new URL(path, server.url), {
      method: "POST",
      redirect: "manual",
      headers: { origin: server.url, cookie },
      body: new URLSearchParams(fields),
    });
  const path = new URL(page).pathname;
  const login = await post("/-/login", { name: "ann", password: "correct horse", next: path });
  expect([login.status, login.headers.get("location")]).toEqual([303, path]);
  const cookie = /^[^;]+/.exec(login.headers.get("set-cookie") ?? "")![0];
  expect((await post(path, { answer: "yes" }, cookie)).status).toBe(200);
}

const whoAmI: Partial<Record<NpmPublisher["name"], string[]>> = {
  npm: ["whoami"],
  pnpm: ["whoami"],
  "yarn-4": ["npm", "whoami"],
  bun: ["pm", "whoami"],
};
for (const client of npmPublishers) {
  const args = whoAmI[client.name];
  if (args)
    withPrograms([client.name], () => {
      test(`${client.name} is told who it is`, async () => {
        const folder = projectOf(client);
        expect(seen(await call(client, folder, args))).toEqual([
          0,
          expect.stringMatching(/\bann\b/),
        ]);
        removeTemp(folder);
      }, 60_000);
    });
}

for (const client of npmItself)
  withPrograms([client.name], () => {
    test(`${client.name} logs in through a page that somebody says yes on`, async () => {
      const folder = tempFolder(`web-${client.name}`);
      writeNpmProject(folder, { name: "project", version: "1.0.0" }, {});
      const config = join(folder, "npmrc");
      writeFileSync(config, `registry=${url}/\n`);
      const env = {
        ...client.env,
        npm_config_userconfig: config,
        npm_config_update_notifier: "false",
      };
      const login = npmCall(client.name, ["login", "--auth-type=web"], home, env);
      let approved: Promise<void> | null = null;
      const result = await runIn(folder, home, login, (output) => {
        const page = /https?:\/\/\S+\/-\/login\/\S+/.exec(output);
        if (page) approved ??= approve(page[0]);
      });
      await approved;
      expect(seen(result)).toEqual([0, expect.any(String)]);
      const secret = /_authToken=(hf_\w+)/.exec(readFileSync(config, "utf8"))![1]!;
      const me = await runIn(folder, home, npmCall(client.name, ["whoami"], home, env));
      expect(me.output).toContain("ann");
      expect(server.output()).not.toContain(secret);
      removeTemp(folder);
    }, 60_000);
  });

for (const client of npmItself)
  withPrograms([client.name], () => {
    test(`${client.name} is asked for name and password at a port of the repository's own`, async () => {
      const port = await freePort();
      const npm = { upstreams: [], offline: true, listen: `127.0.0.1:${port}` };
      const own = await startProcess({ config: JSON.stringify({ repositories: { npm } }) });
      try {
        await makeAccounts(own, [{ user: "ann", actions: ["read"], password: "correct horse" }]);
        await own.restart();
        const folder = tempFolder(`own-port-${client.name}`);
        const config = join(folder, "npmrc");
        writeNpmProject(folder, { name: "project", version: "1.0.0" }, {});
        writeFileSync(config, `registry=http://127.0.0.1:${port}/\n`);
        const env = { ...client.env, npm_config_userconfig: config };
        const login = npmCall(client.name, ["login"], home, env);
        const answers = [
          [/username:/i, "ann"],
          [/password:/i, "correct horse"],
        ] as const;
        expect(seen(await runIn(folder, home, { ...login, answers }))).toEqual([
          0,
          expect.any(String),
        ]);
        const me = await runIn(folder, home, npmCall(client.name, ["whoami"], home, env));
        expect(me.output).toContain("ann");
        removeTemp(folder);
      } finally {
        await own.stop();
      }
    }, 60_000);
  });

for (const client of npmItself)
  withPrograms([client.name], () => {
    test(`${client.name} asks for advisories of what it installed, finds and shows the private package`, async () => {
      const folder = projectOf(client);
      expect(seen(await call(client, folder, ["install", "--no-fund"]))).toEqual([
        0,
        expect.any(String),
      ]);
      const audit = await call(client, folder, ["audit", "--json"]);
      expect(JSON.parse(audit.stdout)).toHaveProperty("metadata");
      const found = await call(client, folder, ["search", NAME, "--json"]);
      expect(JSON.parse(found.stdout)).toMatchObject([{ name: NAME }]);
      expect((await call(client, folder, ["view", NAME, "description"])).output).toContain("lamp");
      removeTemp(folder);
    }, 60_000);
  });

for (const client of npmItself.filter(({ name }) => name !== "npm"))
  withPrograms([client.name], () => {
    test(`${client.name} stars a package, lists what is starred, and takes the star away`, async () => {
      const folder = projectOf(client);
      for (const [args, words] of [
        [["star", NAME], NAME],
        [["stars", "ann"], NAME],
        [["unstar", NAME], NAME],
      ] as const)
        expect(seen(await call(client, folder, [...args]))).toEqual([
          0,
          expect.stringContaining(words),
        ]);
      expect((await call(client, folder, ["stars", "ann"])).stdout).not.toContain(NAME);
      removeTemp(folder);
    }, 60_000);
  });

for (const client of npmPublishers.filter(({ name }) => name === "pnpm"))
  withPrograms([client.name], () => {
    test("pnpm finds the server's own signature beside the upstream's", async () => {
      const folder = projectOf(client);
      expect(seen(await call(client, folder, client.install))).toEqual([0, expect.any(String)]);
      const result = await call(client, folder, ["audit", "signatures"]);
      const all = /audited (\d+) packages\s+\1 packages have verified registry signatures/;
      expect(seen(result)).toEqual([0, expect.stringMatching(all)]);
      await call(client, folder, ["audit"]);
      removeTemp(folder);
    }, 60_000);
  });

test("attestations of a private package are asked of nobody, and no private name got out", async () => {
  const headers = { authorization: `Bearer ${token}` };
  const place = `${url}/-/npm/v1/attestations/${NAME.replace("/", "%2f")}@1.0.0`;
  expect((await fetch(place, { headers })).status).toBe(404);
  const asked = upstream.requests.map(({ target, body }) => `${target} ${body ?? ""}`).join("\n");
  expect(asked).not.toMatch(/abyss|angler/i);
});
