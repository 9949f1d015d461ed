// Packages that are published here, installed by Debian's apt with a token.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { buildDeb, sha256Of } from "./apt-builds.ts";
import { withScene } from "./apt-private-scene.ts";
import { withPrograms } from "./clients.ts";

withPrograms(["apt"], () => {
  test("apt installs what a command and the API published, with a token and not without", async () => {
    await withScene({}, async ({ home, holdfast, api, machine, url }) => {
      const one = await machine();
      // A suite is there before anything is in it.
      await one.update();
      expect(one.lists().size).toBe(0);
      const shell = await buildDeb(home, "shell", { depends: "pearl (>= 2)" });
      const pearl = await buildDeb(home, "pearl", { version: "1:2.0", compression: "gzip" });
      const coral = await buildDeb(home, "coral", { compression: "zstd", architecture: "amd64" });
      const said = await holdfast("publish", "apt", "--suite", "stable", shell, pearl);
      expect(said).toContain("shell@1.0-1 (pool/main/s/shell/shell_1.0-1_all.deb) is published");
      const path = `/files/${basename(coral)}?suite=stable`;
      const answer = await api("PUT", path, readFileSync(coral));
      expect(await answer.json()).toMatchObject({ published: [{ package: "coral", isNew: true }] });
      await one.update();
      const files = await one.download("shell", "coral");
      expect(Object.fromEntries(files)).toEqual({
        "coral_1.0-1_amd64.deb": sha256Of(coral),
        "pearl_1%3a2.0_all.deb": sha256Of(pearl),
        "shell_1.0-1_all.deb": sha256Of(shell),
      });
      // Long descriptions come beside the list of packages, and both as xz.
      const shown = await one.cache("show", "shell");
      expect(shown).toContain("in two paragraphs.");
      expect([...one.lists().keys()].join(" ")).toContain("main_i18n_Translation-en");
      const release = readFileSync(one.release(), "utf8");
      const again = await machine();
      const { output } = await again.run("-o", "Debug::Acquire::http=true", "update");
      for (const name of ["main/binary-amd64/Packages.xz", "main/i18n/Translation-en.xz"]) {
        const [, digest] = new RegExp(`^ ([0-9a-f]{64}) +\\d+ ${name}$`, "m").exec(release)!;
        expect(output).toContain(`/by-hash/SHA256/${digest} HTTP/1.1`);
      }
      const nobody = await machine({ token: null });
      const refused = await nobody.run("update");
      expect(refused.code).toBe(100);
      expect(refused.output).toContain("401");
      expect((await fetch(`${url}/pool/main/s/shell/shell_1.0-1_all.deb`)).status).toBe(401);
    });
  }, 60_000);
});
