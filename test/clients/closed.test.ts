// Where nobody reads without a name: the real go, Composer and apt are refused, are asked in the way that each knows, and install with a token from the file where
// each keeps its passwords. How npm's and Python's clients do that is tried in the tests of publishing.
import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../support/certificates.ts";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withVendor } from "./apt-scene.ts";
import { eachClient, withPrograms } from "./clients.ts";
import { scene } from "./composer-scene.ts";
import { Project } from "./job.ts";
import { withSumdb } from "./scene.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;
const access = { anonymous: "none" };

/** A token that may read, of a user of its own. */
async function readToken(server: ServerProcess): Promise<string> {
  const holdfast = async (...words: string[]) => {
    const command = [
      process.execPath,
      main,
      ...words,
      "--config",
      server.config,
      "--data",
      server.data,
    ];
    const { code, stdout, output } = await run(command, { cwd: server.data });
    expect([code, output]).toEqual([0, expect.anything()]);
    return stdout.trim();
  };
  await holdfast("user", "add", "ci", "--no-password");
  await holdfast("grant", "add", "user:ci", "read");
  return holdfast("token", "create", "ci", "--may", "read");
}

withPrograms(["composer"], () => {
  scene("composer: a token stands in auth.json", { access }, async ({ server, project }) => {
    const wants = project({ "reef/coral": "^1.0" });
    const refused = await wants.run("update");
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain("HTTP 401");
    const password = await readToken(server);
    const { host } = new URL(server.url);
    wants.write(
      "auth.json",
      JSON.stringify({ "http-basic": { [host]: { username: "ci", password } } }),
    );
    await wants.must("update");
    expect(wants.tree().size).toBeGreaterThan(0);
    wants.forget();
    await wants.must("install");
    expect(wants.tree().size).toBeGreaterThan(0);
  });
});

withPrograms(["apt", "gpg", "reprepro"], () => {
  test("apt: a token stands in auth.conf", async () => {
    await withVendor("reprepro", async ({ publisher, server, machine }) => {
      await publisher.publish([{ name: "shell", version: "1.0-1" }]);
      server.configure({ access });
      await server.restart();
      const one = machine();
      expect((await one.run("update")).output).toMatch(/401 +Unauthorized/);
      const token = await readToken(server);
      // Without a scheme it would be for https alone. apt_auth.conf(5)
      const path = one.write(
        "etc/auth.conf",
        `machine ${server.url}/vendor login ci password ${token}\n`,
      );
      chmodSync(path, 0o600);
      await one.update();
      expect([...(await one.download("shell")).keys()]).toEqual(["shell_1.0-1_all.deb"]);
    });
  }, 60_000);
});

eachClient(["go"], ({ driver, test }) => {
  test("a token stands in netrc, and is sent over TLS alone", async () => {
    const upstream = await startUpstream();
    const folder = tempFolder("closed");
    const { authority, pair } = makeCertificate(["127.0.0.1"], 90);
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const tls = {
      certificate: file("server.pem", pair.certificate),
      key: file("server.key", pair.key),
    };
    const config = JSON.parse(configText(upstream, { access }));
    const server = await startProcess({ config: JSON.stringify({ ...config, tls }), authority });
    const wants = ["example.test/hull"];
    const project = new Project(withSumdb(driver, upstream), `${server.url}/go`, wants);
    const trust = { SSL_CERT_FILE: file("authority.pem", authority) };
    try {
      const refused = await project.run(["mod", "tidy"], trust);
      expect(refused.code).not.toBe(0);
      expect(refused.output).toContain("401 Unauthorized");
      expect(refused.output).toContain("may not read");
      const token = await readToken(server);
      const netrc = file(
        "netrc",
        `machine ${new URL(server.url).host} login ci password ${token}\n`,
      );
      for (const args of driver.install(project))
        await project.must(args, { ...trust, NETRC: netrc });
      expect([...project.tree().keys()].some((name) => name.includes("hull@"))).toBe(true);
    } finally {
      project.remove();
      await server.stop();
      await upstream.stop();
      removeTemp(folder);
    }
  });
});
