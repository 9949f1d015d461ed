// Three people install a version with real clients, then a feed tells that it is malware: within its next reading it is refused on every path, the clients say
// why, and exactly the three tokens are named.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { makeCertificate } from "../support/certificates.ts";
import type { Result } from "../support/run.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { openScene, type Scene, VICTIMS } from "./advisories-scene.ts";
import { AptRoot } from "./apt-root.ts";
import { commandOf, eachClient, withPrograms } from "./clients.ts";
import { ComposerProject } from "./composer-project.ts";
import { Project } from "./job.ts";
import { npmCall, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";
import { withSumdb } from "./scene.ts";

let scene: Scene;
const home = tempFolder("advisories-home");
beforeAll(async () => {
  scene = await openScene();
}, 120_000);
afterAll(() => scene.stop());

for (const client of npmPublishers.filter(({ name }) => ["npm", "pnpm", "bun"].includes(name)))
  withPrograms([client.name], () => {
    /** Of its own, so that each client has a version that is revoked under it. */
    const version = { npm: "0.3.0", pnpm: "0.2.0", bun: "0.1.0" }[client.name as "npm"];
    test(`${client.name}: who has it is told, and nobody gets it any more`, async () => {
      const installs = async (token: string, at: string): Promise<Result> => {
        const folder = join(tempFolder(`advisories-${client.name}`), at);
        const manifest = { name: "app", version: "1.0.0", dependencies: { clownfish: version } };
        writeNpmProject(folder, manifest, client.files(`${scene.server.url}/npm`, token));
        const own = tempFolder("advisories-home"); // nothing comes from a cache
        return runIn(folder, own, npmCall(client.name, client.install, own, client.env));
      };
      for (const [at, user] of VICTIMS.entries())
        expect([await installs(scene.tokens[at]!, user)]).toMatchObject([{ code: 0 }]);
      const path = `/npm/clownfish/-/clownfish-${version}.tgz`;
      const id = `MAL-2026-${client.name}`;
      await scene.tell(id, "npm", "clownfish", version);
      expect(await scene.statuses(path)).toEqual([403, 403, 403, 403]);
      const late = await installs(scene.tokens[3]!, "eve");
      expect(late.code).not.toBe(0);
      if (client.name === "npm") expect(late.output).toContain(id);
      expect(await scene.named(id)).toEqual(VICTIMS);
      expect(await scene.holdfast("advisories", "show", id)).toContain(
        `pkg:npm/clownfish@${version}`,
      );
      expect(await scene.holdfast("policy", "affected", id, "--csv")).toContain(",ann,");
    }, 240_000);
  });

withPrograms(["pip"], () => {
  test("pip: who has it is told, and nobody gets it any more", async () => {
    const installs = (token: string, user: string) => {
      const { host } = new URL(scene.server.url);
      const index = `http://${user}:${token}@${host}/pypi/simple/`;
      const target = join(tempFolder("advisories-pip"), "target");
      const words = [
        "install",
        "--no-deps",
        "--no-cache-dir",
        "--target",
        target,
        "-i",
        index,
        "estuary==1.0.1",
      ];
      return runIn(home, home, { command: [...commandOf("pip"), ...words], env: {} });
    };
    for (const [at, user] of VICTIMS.entries())
      expect([await installs(scene.tokens[at]!, user)]).toMatchObject([{ code: 0 }]);
    await scene.tell("MAL-2026-9", "PyPI", "estuary", "1.0.1");
    expect(await scene.statuses("/pypi/files/estuary/estuary-1.0.1-py3-none-any.whl")).toEqual([
      403, 403, 403, 403,
    ]);
    expect((await installs(scene.tokens[3]!, "eve")).code).not.toBe(0);
    expect(await scene.named("MAL-2026-9")).toEqual(VICTIMS);
    expect(await scene.named("pkg:pypi/estuary@1.0.1")).toEqual(VICTIMS);
  }, 240_000);
});

/** The server behind a proxy that has a certificate. */
async function withTls(url: string) {
  const { authority, pair } = makeCertificate(["127.0.0.1"], 90);
  const file = join(home, "authority.pem");
  await Bun.write(file, authority);
  const front = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: pair.certificate, key: pair.key },
    fetch({ url: asked, method, headers }) {
      headers.set("accept-encoding", "identity");
      const { pathname, search } = new URL(asked);
      return fetch(url + pathname + search, { method, headers, redirect: "manual" });
    },
  });
  return { host: `127.0.0.1:${front.port}`, authority: file, stop: () => void front.stop(true) };
}

eachClient(["go"], ({ driver, test }) => {
  test("who has it is told, and nobody gets it any more", async () => {
    const MODULE = "example.test/anchor";
    const { upstream, server, tokens } = scene;
    const client = withSumdb(driver, upstream);
    const front = await withTls(server.url); // the go command passes no token to an address without it
    const gets = async (at: number): Promise<Result> => {
      const user = [...VICTIMS, "eve"][at];
      const url = `https://${user}:${tokens[at]}@${front.host}/go`;
      const project = new Project(client, url, []);
      try {
        const words = ["mod", "download", `${MODULE}@v1.1.0`];
        return await project.run(words, { SSL_CERT_FILE: front.authority });
      } finally {
        project.remove();
      }
    };
    for (const at of VICTIMS.keys()) expect([await gets(at)]).toMatchObject([{ code: 0 }]);
    await scene.tell("MAL-2026-GO", "Go", MODULE, "1.1.0");
    for (const end of ["zip", "mod", "info"])
      expect(await scene.statuses(`/go/${MODULE}/@v/v1.1.0.${end}`)).toEqual([403, 403, 403, 403]);
    const late = await gets(VICTIMS.length);
    expect(late.code).not.toBe(0);
    expect(late.output).toContain("MAL-2026-GO");
    expect(await scene.named("MAL-2026-GO")).toEqual(VICTIMS);
    front.stop();
  });
});

withPrograms(["composer"], () => {
  test("composer: who has it is told, and nobody gets it any more", async () => {
    const { server, tokens } = scene;
    const { host } = new URL(server.url);
    const installs = async (at: number): Promise<{ result: Result; dist: string }> => {
      const project = new ComposerProject([`${server.url}/composer`], { "reef/coral": "1.1.0" });
      try {
        await project.must("config", "--auth", `bearer.${host}`, tokens[at]!);
        const result = await project.run("update");
        const { dist } = (result.code === 0 && project.locked().get("reef/coral")) || {};
        return { result, dist: dist ? new URL(dist.url).pathname : "" };
      } finally {
        project.remove();
      }
    };
    let path = "";
    for (const at of VICTIMS.keys()) {
      const { result, dist } = await installs(at);
      expect([result]).toMatchObject([{ code: 0 }]);
      path = dist;
    }
    await scene.tell("MAL-2026-PHP", "Packagist", "reef/coral", "1.1.0");
    expect(new Set(await scene.statuses(path))).toEqual(new Set([424]));
    const { result: late } = await installs(VICTIMS.length);
    expect(late.code).not.toBe(0);
    expect(late.output).toContain("MAL-2026-PHP");
    expect(await scene.named("MAL-2026-PHP")).toEqual(VICTIMS);
  }, 240_000);
});

withPrograms(["apt"], () => {
  test("apt: who has it is told, and nobody gets it any more", async () => {
    const { upstream, server, tokens } = scene;
    const url = `${server.url}/debian`;
    const { host } = new URL(url);
    const downloads = async (at: number): Promise<Result> => {
      const key = upstream.apt.keyFiles.archive;
      const one = new AptRoot([{ url, suite: "stable main contrib", key }]);
      try {
        const user = [...VICTIMS, "eve"][at];
        one.write(
          "etc/auth.conf",
          `machine http://${host}/debian login ${user} password ${tokens[at]}\n`,
        );
        const updated = await one.run("update");
        if (updated.code !== 0) return updated;
        return await one.run("install", "-y", "--download-only", "hello");
      } finally {
        one.remove();
      }
    };
    for (const at of VICTIMS.keys()) expect([await downloads(at)]).toMatchObject([{ code: 0 }]);
    await scene.tell("MAL-2026-DEB", "Debian", "hello", "2.10-3");
    const statuses = await scene.statuses("/debian/pool/main/h/hello/hello_2.10-3_amd64.deb");
    expect(statuses).not.toContain(200);
    expect(statuses).not.toContain(206);
    const late = await downloads(VICTIMS.length);
    expect(late.code).not.toBe(0);
    expect(late.output).toContain("malware");
    expect(await scene.named("MAL-2026-DEB")).toEqual(VICTIMS);
  }, 240_000);
});

test("hooks were told of each once", async () => {
  const revoked = scene.server.events().filter(({ kind }) => kind === "revoked");
  await waitFor(
    async () => scene.hook.heard.length >= revoked.length,
    () => "the hook was not told",
    30_000,
  );
  const purls = scene.hook.heard.map(({ body }) => body.purl ?? body.detail?.purl);
  expect(new Set(purls).size).toBe(purls.length);
});
