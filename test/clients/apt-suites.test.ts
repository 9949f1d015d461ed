// What becomes of suites, as apt sees it: packages come, go from one to another, and leave; keys change; and all the while releases are made.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "../support/run.ts";
import { buildDeb, environment, many, must, named } from "./apt-builds.ts";
import { bearer, generations, type Scene, withScene } from "./apt-private-scene.ts";
import type { AptRoot } from "./apt-root.ts";
import { withPrograms } from "./clients.ts";

/** What apt would install of a package; null where it knows none. */
async function candidate(one: AptRoot, name: string): Promise<string | null> {
  await one.update();
  const { output } = await one.run("install", "--simulate", "-y", name);
  return /^Inst \S+ \((\S+) /m.exec(output)?.[1] ?? null;
}

async function put({ url, ann }: Scene, suite: string, file: string) {
  const body = new Uint8Array(readFileSync(file));
  const call = { method: "PUT", headers: bearer(ann), body };
  const answer = await fetch(`${url}/-/upload/${suite}/${file.split("/").at(-1)}`, call);
  if (!answer.ok) throw new Error(await answer.text());
}

async function inRelease({ url, ben, home }: Scene) {
  const get = async (path: string) =>
    Buffer.from(await (await fetch(`${url}/${path}`, { headers: bearer(ben) })).arrayBuffer());
  const write = (name: string, bytes: Buffer) => {
    writeFileSync(join(home, name), bytes);
    return join(home, name);
  };
  return {
    signed: write("InRelease", await get("dists/stable/InRelease")),
    text: write("Release", await get("dists/stable/Release")),
    beside: write("Release.gpg", await get("dists/stable/Release.gpg")),
    key: write("key.asc", await get("-/key.asc")),
  };
}

withPrograms(["apt"], () => {
  test("packages are promoted, removed, unpublished and restored, and only so many versions are kept", async () => {
    await withScene({ hosted: { keep: 2 } }, async (scene) => {
      const { home, holdfast, machine } = scene;
      const [stable, testing] = [await machine(), await machine({ suite: "testing main" })];
      const built = [];
      for (const version of ["1.0~rc1", "1.0", "1.0-1"])
        built.push(await buildDeb(home, "shell", { version }));
      await holdfast("publish", "apt", "--suite", "testing", ...built);
      expect(await candidate(testing, "shell")).toBe("1.0-1");
      const all = await testing.run("install", "--print-uris", "-y", "shell=1.0~rc1");
      expect(all.output).toContain("Version '1.0~rc1' for 'shell' was not found");
      expect(await candidate(stable, "shell")).toBeNull();
      const from = ["--from", "testing", "--to", "stable"];
      await holdfast(
        "apt",
        "promote",
        "private",
        "--package",
        "shell",
        "--version",
        "1.0",
        ...from,
      );
      expect(await candidate(stable, "shell")).toBe("1.0");
      expect((await stable.download("shell")).size).toBe(1);
      await holdfast("apt", "promote", "private", "--source", "shell", ...from);
      expect(await candidate(stable, "shell")).toBe("1.0-1");
      await holdfast(
        "apt",
        "remove",
        "private",
        "--package",
        "shell",
        "--version",
        "1.0-1",
        "--suite",
        "stable",
      );
      expect(await candidate(stable, "shell")).toBe("1.0");
      expect(await candidate(testing, "shell")).toBe("1.0-1");
      await holdfast("unpublish", "private", "shell@1.0-1");
      expect(await candidate(testing, "shell")).toBe("1.0");
      await holdfast("trash", "restore", "private", "shell@1.0-1");
      expect(await candidate(testing, "shell")).toBe("1.0-1");
    });
  }, 60_000);

  test("while something is published again and again, apt-get update never notices", async () => {
    await withScene({}, async (scene) => {
      const { home, machine } = scene;
      const one = await machine();
      const built: string[] = [];
      for (let at = 0; at < 12; at += 1) built.push(await buildDeb(home, `shell${at}`));
      let isDone = false;
      const publishing = (async () => {
        for (const file of built) await put(scene, "stable", file);
        isDone = true;
      })();
      let updates = 0;
      for (; !isDone || updates < 3; updates += 1) {
        if (updates % 2) one.forget();
        await one.update();
      }
      await publishing;
      await one.update();
      expect((await one.download(...built.map((_, at) => `shell${at}`))).size).toBe(12);
    });
  }, 120_000);

  test("a hundred packages of one command are one release, and so are those of a hundred calls on a quiet machine", async () => {
    await withScene({}, async (scene) => {
      const { home, machine, holdfast } = scene;
      await inRelease(scene); // there is one of before, whatever the server has done by itself so far
      const count = async () => (await generations(scene)).length;
      const none = await count();
      await holdfast("publish", "apt", "--suite", "stable", ...many(home, "shell"));
      expect(await count()).toBe(none + 1);
      const answers = many(home, "coral").map((file) =>
        scene.api("PUT", `/files/${basename(file)}?suite=stable`, readFileSync(file)),
      );
      for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
      // One, as long as all of them are on their way before the first one is there: a busy machine may not have them all by then.
      expect(await count()).toBeLessThan(none + 20);
      await Promise.all(many(home, "pearl").map((file) => put(scene, "stable", file)));
      const one = await machine();
      await one.update();
      const names = ["shell", "coral", "pearl"].flatMap((name) => named(name));
      expect((await one.download(...names)).size).toBe(300);
      expect(await holdfast("apt", "tidy", "private")).toBeString();
    });
  }, 120_000);
});

withPrograms(["apt", "gpg", "sqv"], () => {
  for (const key of ["ed25519", "rsa4096"])
    test(`gpgv and sqv accept what is signed by ${key}, and apt a new key beside the old one`, async () => {
      await withScene({ hosted: { key } }, async (scene) => {
        const { home, holdfast, machine } = scene;
        await holdfast("publish", "apt", await buildDeb(home, "shell"));
        const old = await machine();
        await old.update();
        const verify = async (keyring: string) => {
          const { signed, text, beside } = await inRelease(scene);
          await must(
            ["gpg", "--batch", "--yes", "--dearmor", "-o", `${keyring}.gpg`, keyring],
            home,
          );
          const gpgv = (...files: string[]) =>
            run(["gpgv", "--keyring", `${keyring}.gpg`, ...files], {
              cwd: home,
              env: environment(home),
            });
          const found = await gpgv(signed);
          expect(found.output).toContain("Good signature");
          expect((await gpgv(beside, text)).output).toContain("Good signature");
          await must(["sqv", "--keyring", keyring, beside, text], home);
          return found.code;
        };
        const first = (await inRelease(scene)).key;
        expect(await verify(first)).toBe(0);
        writeFileSync(join(home, "first.asc"), readFileSync(first));
        await holdfast("apt", "key", "private", "--rotate");
        // Who has the old key alone goes on, and who has both as well.
        await old.update();
        await verify(join(home, "first.asc"));
        const both = await machine();
        await both.update();
        await holdfast("apt", "key", "private", "--retire");
        await both.update();
        expect(await verify((await inRelease(scene)).key)).toBe(0);
        expect((await old.run("update")).output).toContain("NO_PUBKEY");
      });
    }, 120_000);
});
