// Who leaves aptly or reprepro, by the very lines of docs/moving.md: what their apt had from there, it gets from here, byte by byte.
import { expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildDeb, buildSource, must } from "./apt-builds.ts";
import { withScene } from "./apt-private-scene.ts";
import { createPublisher, publisherNames } from "./apt-publishers.ts";
import { AptRoot } from "./apt-root.ts";
import { serveFolder } from "./apt-site.ts";
import { withPrograms } from "./clients.ts";

/** The script in the section about them. */
function lines(): string {
  const text = readFileSync(new URL("../../docs/moving.md", import.meta.url), "utf8");
  const section = text.slice(text.indexOf("## From aptly and reprepro"));
  return /```sh\n([\s\S]+?)```/.exec(section)![1]!;
}

for (const name of publisherNames)
  withPrograms(["apt", "dpkg-dev", "gpg", name], () => {
    test(`a suite of ${name} is taken over, with its sources`, async () => {
      const vendor = await createPublisher(name, ["amd64", "source"]);
      const site = serveFolder(vendor.root);
      try {
        await withScene({}, async ({ home, machine, shell }) => {
          const incoming = join(home, "incoming");
          await must(["mkdir", incoming], home);
          await buildDeb(incoming, "shell", { depends: "pearl" });
          await buildDeb(incoming, "pearl", { version: "1:2.0", architecture: "amd64" });
          const { folder, files } = await buildSource(home, "kelp", "1.0-1");
          for (const file of files.slice(0, -1))
            await must(["cp", join(folder, file), incoming], home);
          await must(["sh", "-c", "rm -rf build-* *.buildinfo"], incoming);
          await vendor.include(incoming);
          const types = ["deb", "deb-src"];
          const source = { url: site.url, suite: "stable main", key: vendor.key, types };
          const there = new AptRoot([source]);
          const here = await machine({ types });
          await shell(lines(), vendor.root);
          for (const one of [there, here]) {
            await one.update();
            await one.download("shell", "kelp");
            await one.must("source", "--download-only", "kelp");
          }
          expect(here.downloaded()).toEqual(there.downloaded());
          expect(here.downloaded().size).toBe(3);
          for (const file of files.filter((one) => /\.(dsc|tar\..z)$/.test(one)))
            expect(readFileSync(here.path(file))).toEqual(readFileSync(there.path(file)));
          there.remove();
          rmSync(incoming, { recursive: true });
        });
      } finally {
        await site.stop();
        await vendor.remove();
      }
    }, 120_000);
  });
