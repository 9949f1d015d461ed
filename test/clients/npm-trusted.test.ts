// Real npm, pnpm and yarn publish from a CI job with no secret but the identity that the CI system gives it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CiIssuer, startCiIssuer } from "../support/ci-issuer.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withPrograms } from "./clients.ts";
import { npmCall, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";

let ci: CiIssuer;
let server: ServerProcess;
let home: string;
beforeAll(async () => {
  ci = await startCiIssuer();
  home = tempFolder("trusted-home");
  server = await startProcess({
    config: `
trustedPublishers:
  - { issuer: "${ci.url}", audiences: ["npm:127.0.0.1"], claims: { project_id: "42" }, repositories: [npm], packages: ["@reef/*"] }
repositories: { npm: { upstreams: [], offline: true, claims: ["@reef/*"] } }
`,
  });
});
afterAll(async () => {
  await server.stop();
  await ci.stop();
  removeTemp(home);
});

for (const client of npmPublishers.filter(({ name }) => ["npm-11", "npm", "pnpm"].includes(name)))
  withPrograms([client.name], () => {
    test(`${client.name} publishes as its job, and not as another project's`, async () => {
      const name = `@reef/trusted-${client.name}`;
      const folder = tempFolder(`trusted-${client.name}`);
      const publish = async (claims: Record<string, unknown>) => {
        writeNpmProject(folder, { name, version: "1.0.0" }, {});
        writeFileSync(join(folder, ".npmrc"), `registry=${server.url}/npm/\n`);
        const identity = await ci.token({ aud: "npm:127.0.0.1", ...claims });
        const env = { ...client.env, CI: "true", GITLAB_CI: "true", NPM_ID_TOKEN: identity };
        return runIn(folder, home, npmCall(client.name, client.publish, home, env));
      };
      const other = await publish({ project_id: "43" });
      expect(other.code).not.toBe(0);
      const own = await publish({});
      expect([own.code, own.output]).toEqual([0, expect.any(String)]);
      const shown = (await (
        await fetch(`${server.url}/npm/${name.replace("/", "%2f")}`)
      ).json()) as {
        versions: Record<string, { _npmUser: { name: string } }>;
      };
      expect(shown.versions["1.0.0"]!._npmUser.name).toContain("acme/widgets");
      removeTemp(folder);
    }, 60_000);
  });
