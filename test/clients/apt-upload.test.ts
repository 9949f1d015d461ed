// Debian's own tools upload what dpkg-buildpackage made, and apt gets binary and source packages of it.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import {
  type Built,
  buildDeb,
  buildSource,
  createSigner,
  environment,
  many,
  named,
} from "./apt-builds.ts";
import { bearer, generations, type Scene, withScene } from "./apt-private-scene.ts";
import { commandOf, withPrograms } from "./clients.ts";

async function put(url: string, path: string, file: string, token: string) {
  const body = new Uint8Array(readFileSync(file));
  const answer = await fetch(`${url}/-/upload/${path}`, {
    method: "PUT",
    headers: bearer(token),
    body,
  });
  return { status: answer.status, text: await answer.text() };
}

/** What dput and dupload say, and how they end. `token` goes in by standard input, as a person types it. */
async function dput({ url, home, authority }: Scene, token: string, changes: string) {
  const { host, protocol } = new URL(url);
  const settings = [
    "[private]",
    `fqdn = ${host}`,
    `method = ${protocol.replace(":", "")}`,
    "login = ann",
    "incoming = /private/-/upload/",
    "allow_unsigned_uploads = 1",
    "allow_dcut = 0",
    "run_lintian = 0",
    "",
  ];
  const file = join(home, "dput.cf");
  writeFileSync(file, settings.join("\n"));
  const script = 'printf "%s\\n" "$0" | exec dput -c "$1" -f private "$2"';
  return run(["sh", "-c", script, token, file, changes], {
    cwd: home,
    env: { ...environment(home), ...(authority && { SSL_CERT_FILE: authority }) },
    timeout: 60_000,
  });
}

async function dupload({ url, home }: Scene, token: string, changes: string) {
  const { host } = new URL(url);
  const settings = `package config;
$cfg{'private'} = { fqdn => '${host}', method => 'http', login => 'ann', passwordcmd => 'echo ${token}', incoming => '/private/-/upload/', dinstall_runs => 1, filename => {} };
%preupload = map { $_ => [] } qw(changes sourcepackage package deb file);
1;
`;
  const file = join(home, "dupload.conf");
  writeFileSync(file, settings);
  const call = ["dupload", "--configfile", file, "--force", "--to", "private", changes];
  return run(call, { cwd: home, env: environment(home), timeout: 60_000 });
}

/** What dput-ng says, which is run in a Debian of its own: see houses.ts. It takes the token with the address. */
async function dputNg({ url }: Scene, token: string, { folder, files, changes }: Built) {
  const [program, house, ...call] = commandOf("dput-ng") as [string, string, ...string[]];
  const home = tempFolder("dput-ng", join(house, "tmp"));
  for (const name of files) copyFileSync(join(folder, name), join(home, name));
  const settings = [
    "[private]",
    `fqdn = http://ann:${token}@${new URL(url).host}`,
    "method = http",
    "incoming = /private/-/upload/",
    "allow_unsigned_uploads = 1",
    "",
  ];
  writeFileSync(join(home, "dput.cf"), settings.join("\n"));
  const seen = home.slice(house.length);
  const words = [
    ...call,
    "-u",
    "-c",
    join(seen, "dput.cf"),
    "private",
    join(seen, basename(changes)),
  ];
  const result = await run([program, house, ...words], {
    cwd: house,
    env: environment(seen),
    timeout: 60_000,
  });
  removeTemp(home);
  return result;
}

withPrograms(["apt", "dpkg-dev", "dput"], () => {
  test("dput uploads a build, whose binary and source packages apt gets", async () => {
    await withScene({}, async (scene) => {
      const { home, ann, ben, machine } = scene;
      const built = await buildSource(home, "shell", "1.0-1");
      const refused = await dput(scene, ben, built.changes);
      expect(refused.output).toContain("400");
      const done = await dput(scene, ann, built.changes);
      expect(done.output).toContain("Successfully uploaded packages.");
      const one = await machine({ types: ["deb", "deb-src"] });
      await one.update();
      expect([...(await one.download("shell")).keys()]).toEqual(["shell_1.0-1_all.deb"]);
      await one.must("source", "--download-only", "shell");
      for (const file of built.files.filter((name) => /\.(dsc|tar\..z)$/.test(name)))
        expect(readFileSync(one.path(file))).toEqual(readFileSync(join(built.folder, file)));
      // The same again is no error.
      expect((await dput(scene, ann, built.changes)).output).toContain("Successfully");
      // The next revision does not bring what the authors made again.
      const next = await buildSource(home, "shell", "1.0-2");
      expect((await dput(scene, ann, next.changes)).output).toContain("Successfully");
      await one.update();
      await one.must("source", "--download-only", "shell=1.0-2");
      expect(existsSync(one.path("shell_1.0-2.dsc"))).toBe(true);
    });
  }, 120_000);
});

withPrograms(["apt", "dpkg-dev", "dput"], () => {
  test("over https as well, by who trusts the server's authority alone", async () => {
    await withScene({ https: true }, async (scene) => {
      const { home, ann, machine } = scene;
      const built = await buildSource(home, "shell", "1.0-1");
      const stranger = await dput({ ...scene, authority: null }, ann, built.changes);
      expect(stranger.output).toContain("CERTIFICATE_VERIFY_FAILED");
      expect((await dput(scene, ann, built.changes)).output).toContain("Successfully uploaded");
      const one = await machine();
      await one.update();
      expect((await one.download("shell")).size).toBe(1);
    });
  }, 120_000);
});

withPrograms(["apt", "dput"], () => {
  test("a hundred packages of one .changes are one release", async () => {
    await withScene({}, async (scene) => {
      const { home, ann, machine } = scene;
      const files = many(home, "shell");
      const lines = (algorithm: string, between: string) =>
        files.map((file) => {
          const bytes = readFileSync(file);
          const digest = createHash(algorithm).update(bytes).digest("hex");
          return ` ${digest} ${bytes.length} ${between}${basename(file)}\n`;
        });
      const fields = {
        Format: "1.8",
        Date: "Thu, 26 Nov 2026 18:00:00 +0000",
        Source: "shell",
        Binary: named("shell").join(" "),
        Architecture: "all",
        Version: "1.0",
        Distribution: "stable",
        Urgency: "medium",
        Maintainer: "Ann <ann@example.test>",
        "Changed-By": "Ann <ann@example.test>",
        Description: "\n shell - a hundred of them",
        Changes: "\n shell (1.0) stable; urgency=medium\n .\n   * It is.",
      };
      const text = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
      text.push("Checksums-Sha1:\n", ...lines("sha1", ""));
      text.push("Checksums-Sha256:\n", ...lines("sha256", ""));
      text.push("Files:\n", ...lines("md5", "misc optional "));
      const changes = join(home, "shell_1.0_all.changes");
      writeFileSync(changes, text.join("").replaceAll(/^(\S+): \n/gm, "$1:\n"));
      const none = (await generations(scene)).length;
      expect((await dput(scene, ann, changes)).output).toContain("Successfully uploaded");
      expect((await generations(scene)).length).toBe(none + 1);
      const one = await machine();
      await one.update();
      expect((await one.download(...named("shell"))).size).toBe(100);
    });
  }, 120_000);
});

withPrograms(["apt", "dpkg-dev", "dupload"], () => {
  test("dupload uploads a build", async () => {
    await withScene({}, async (scene) => {
      const built = await buildSource(scene.home, "coral", "2.0-1");
      const { code, output } = await dupload(scene, scene.ann, built.changes);
      expect(`${code} ${output}`).toStartWith("0 ");
      const one = await scene.machine();
      await one.update();
      expect([...(await one.download("coral")).keys()]).toEqual(["coral_2.0-1_all.deb"]);
    });
  }, 60_000);
});

withPrograms(["apt", "dpkg-dev", "dput-ng"], () => {
  test("dput-ng uploads a build, and shows why it is refused", async () => {
    await withScene({}, async (scene) => {
      const built = await buildSource(scene.home, "whelk", "1.0-1");
      const refused = await dputNg(scene, scene.ben, built);
      expect(refused.output).toContain("may not publish the repository private");
      expect(refused.code).not.toBe(0);
      const { code, output } = await dputNg(scene, scene.ann, built);
      expect(`${code} ${output}`).toStartWith("0 ");
      const one = await scene.machine({ types: ["deb", "deb-src"] });
      await one.update();
      expect([...(await one.download("whelk")).keys()]).toEqual(["whelk_1.0-1_all.deb"]);
      await one.must("source", "--download-only", "whelk");
      expect((await dputNg(scene, scene.ann, built)).code).toBe(0);
    });
  }, 120_000);
});

withPrograms(["apt", "dpkg-dev", "gpg"], () => {
  test("where there are uploaders, only what one of them signed is published, and only with the files that it lists", async () => {
    await withScene({ uploader: "ann@example.test" }, async (scene) => {
      const { url, ann, home, signer } = scene;
      const built = await buildSource(home, "kelp", "1.0-1");
      const send = async (name: string) => put(url, name, join(built.folder, name), ann);
      const all = async ({ files }: Built) => {
        const answers = [];
        for (const name of files) answers.push(await send(name));
        return answers.at(-1)!;
      };
      // No 403, after which dput-ng would go on.
      expect(await all(built)).toMatchObject({ status: 400 });
      const stranger = await createSigner(home, "eve@example.test");
      await stranger.sign(built.changes);
      const strange = await all(built);
      expect(strange.status).toBe(400);
      expect(strange.text).toContain("kelp_1.0-1_amd64.changes is not accepted");
      await stranger.remove();
      await signer!.sign(built.changes);
      // Other bytes than those that were signed.
      const deb = built.files.find((name) => name.endsWith(".deb"))!;
      const other = await buildDeb(home, "kelp", { text: "other" });
      copyFileSync(join(built.folder, deb), join(built.folder, "kept"));
      copyFileSync(other, join(built.folder, deb));
      const forged = await all(built);
      expect(forged.status).toBe(400);
      expect(forged.text).toContain(`the ${deb} that came has another size or SHA-256`);
      copyFileSync(join(built.folder, "kept"), join(built.folder, deb));
      expect(await all(built)).toMatchObject({ status: 201 });
      // What was published is no longer kept: a .changes alone is nothing.
      expect((await send(basename(built.changes))).status).toBe(400);
      const plain = await put(url, "stable/kelp_1.0-1_all.deb", other, ann);
      expect(plain.status).toBe(400);
      const one = await scene.machine();
      await one.update();
      expect([...(await one.download("kelp")).keys()]).toEqual(["kelp_1.0-1_all.deb"]);
    });
  }, 120_000);

  test("what came before its .changes is there after the server was killed", async () => {
    await withScene({}, async (scene) => {
      const { url, ann, home, server, machine } = scene;
      const { folder, files } = await buildSource(home, "conch", "1.0-1");
      const send = async (name: string) => put(url, name, join(folder, name), ann);
      for (const name of files.slice(0, 2)) expect((await send(name)).status).toBe(201);
      process.kill(server.pid, "SIGKILL");
      await server.restart();
      for (const name of files.slice(2, -1)) expect((await send(name)).status).toBe(201);
      await server.restart();
      const published = await send(files.at(-1)!);
      expect(`${published.status} ${published.text}`).toStartWith("201 ");
      const one = await machine({ types: ["deb", "deb-src"] });
      await one.update();
      expect((await one.download("conch")).size).toBe(1);
      await one.must("source", "--download-only", "conch");
      // Nothing waits any more.
      expect((await send(files.at(-1)!)).text).toContain("did not come, or too long ago");
      const call = { method: "DELETE", headers: bearer(ann) };
      expect((await fetch(`${url}/-/upload/${files[0]}`, call)).status).toBe(404);
    });
  }, 60_000);

  test("a package alone is put into a suite, and other bytes of it are refused", async () => {
    await withScene({}, async ({ url, ann, home, machine }) => {
      const file = await buildDeb(home, "brine");
      expect((await put(url, "testing/brine.deb", file, ann)).status).toBe(201);
      expect((await put(url, "testing/brine.deb", file, ann)).status).toBe(200);
      expect((await put(url, "nowhere/brine.deb", file, ann)).status).toBe(400);
      const other = await buildDeb(home, "brine", { text: "other" });
      const refused = await put(url, "testing/brine.deb", other, ann);
      expect(refused.status).toBe(409);
      expect(refused.text).toContain("was published here before, with other bytes");
      const one = await machine({ suite: "testing main" });
      await one.update();
      expect((await one.download("brine")).size).toBe(1);
    });
  }, 60_000);
});
