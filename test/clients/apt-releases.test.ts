// The apt of three Debians, whatever the machine is: each with its own ways to verify and to unpack, and its own dpkg.
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildDeb, buildSource, must } from "./apt-builds.ts";
import { withScene } from "./apt-private-scene.ts";
import type { AptRoot } from "./apt-root.ts";
import { commandOf, withPrograms } from "./clients.ts";

/** As apt-file has it, but not compressed. */
const CONTENTS = `Acquire::IndexTargets::deb::Contents-deb {
  MetaKey "$(COMPONENT)/Contents-$(ARCHITECTURE)";
  ShortDescription "Contents-$(ARCHITECTURE)";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents (deb)";
  flatMetaKey "Contents-$(ARCHITECTURE)";
  flatDescription "$(RELEASE) Contents (deb)";
};
`;

/** Installs, as a machine does it: with its own dpkg, into a folder. Returns that folder. */
async function install(one: AptRoot, ...packages: string[]): Promise<string> {
  for (const folder of ["dpkg/info", "dpkg/updates", "installed"])
    mkdirSync(one.path(folder), { recursive: true });
  const folder = (name: string) =>
    `--${name}=${one.seen(name === "instdir" ? "installed" : "dpkg")}`;
  const options = [folder("admindir"), folder("instdir"), "--force-script-chrootless"];
  // There are no terminals in there.
  const settings = ["-o", "DPkg::Use-Pty=false"];
  settings.push(...options.flatMap((option) => ["-o", `DPkg::Options::=${option}`]));
  await one.must("install", "-y", ...settings, ...packages);
  return one.path("installed");
}

for (const [client, verifier] of [
  ["apt-debian-11", "gpgv"],
  ["apt-debian-12", "gpgv"],
  ["apt-debian-13", "sqv"],
] as const)
  withPrograms([client, "dpkg-dev"], () => {
    for (const key of ["ed25519", "rsa4096"])
      test(`${client} installs what is signed by ${key}, by its ${verifier}, and goes over to a new key`, async () => {
        await withScene({ hosted: { key } }, async ({ home, holdfast, machine }) => {
          const start = commandOf(client).slice(0, 2);
          const has = (path: string) => existsSync(join(start[1]!, path));
          expect([has("usr/bin/gpgv"), has("usr/bin/sqv")]).toEqual([
            verifier === "gpgv",
            verifier === "sqv",
          ]);
          const one = await machine({ start, types: ["deb", "deb-src"] });
          await one.update();
          const shell = await buildDeb(home, "shell", { depends: "pearl" });
          const source = await buildSource(home, "kelp", "1.0-1");
          const files = source.files.filter((name) => /\.(dsc|tar\..z)$/.test(name));
          await holdfast(
            "publish",
            "apt",
            ...[shell, await buildDeb(home, "pearl", { architecture: "amd64" })],
            ...files.map((name) => join(source.folder, name)),
          );
          await one.update();
          expect(await one.cache("show", "shell")).toContain("in two paragraphs.");
          const root = await install(one, "shell");
          expect(readFileSync(join(root, "usr/share/shell/text"), "utf8")).toBe("1.0-1\n");
          expect(existsSync(join(root, "usr/share/pearl/text"))).toBe(true);
          await one.must("source", "--download-only", "kelp");
          for (const name of files) expect(existsSync(one.path(name))).toBe(true);
          await holdfast("apt", "key", "private", "--rotate");
          await one.update();
          const both = await machine({ start });
          await holdfast("apt", "key", "private", "--retire");
          await both.update();
          const { code, output } = await one.run("update");
          expect(`${code} ${output}`).toMatch(/NO_PUBKEY|Missing key|no longer|not signed/i);
        });
      }, 120_000);

    test(`${client} takes what \`setup apt\` prints as it stands, and Contents where it is told to want them`, async () => {
      await withScene({}, async ({ home, holdfast, machine, server }) => {
        const [, house] = commandOf(client) as [string, string];
        const shell = await buildDeb(home, "shell");
        await holdfast("publish", "apt", shell);
        const one = await machine({ start: ["chroot", house], types: [] });
        const main = join(import.meta.dir, "../../src/main.ts");
        const flags = ["--url", server.url, "--config", server.config];
        const ask = [process.execPath, main, "setup", "apt", "--repository", "private", ...flags];
        const printed = await must(ask, home);
        const sources = /^Types: (?:.+\n)+/m.exec(printed)![0];
        const [, key] = /^Signed-By: (.+)$/m.exec(sources) as unknown as [string, string];
        mkdirSync(join(house, dirname(key)), { recursive: true });
        copyFileSync(join(home, "key-0.asc"), join(house, key));
        one.write("etc/sources.list.d/holdfast-private.sources", sources);
        one.write("etc/apt.conf.d/contents", CONTENTS);
        await one.update();
        expect([...(await one.download("shell")).keys()]).toEqual(["shell_1.0-1_all.deb"]);
        const [contents] = readdirSync(one.path("state/lists")).filter((name) =>
          name.includes("_main_Contents-amd64"),
        );
        const text = readFileSync(one.path(`state/lists/${contents}`), "utf8");
        expect(text).toBe("usr/share/shell/text misc/shell\n");
      });
    }, 60_000);
  });
