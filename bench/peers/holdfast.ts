// Holdfast itself, from this checkout, started as users start it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, workFolder } from "../lib/paths.ts";
import { freePort, output, serve } from "../lib/process.ts";
import { keyFile } from "../upstream/apt-tree.ts";
import type { Peer } from "./types.ts";

export const holdfast: Peer = {
  name: "holdfast",
  formats: ["npm", "pypi", "go", "apt", "composer"],
  async install() {
    const commit = output("git", ["rev-parse", "--short", "HEAD"], root);
    const changed = output("git", ["status", "--porcelain", "src"], root) ? " with changes" : "";
    return `${commit}${changed}, Bun ${Bun.version}`;
  },
  async start(upstreams, folder, { freshness }) {
    const port = await freePort();
    const config = join(folder, "holdfast.json"); // JSON is YAML
    const repository = (format: string, url: string) => ({
      format,
      freshness: `${freshness}s`,
      upstreams: [{ url }],
    });
    const repositories = {
      npm: repository("npm", `${upstreams.npm}/`),
      pypi: repository("pypi", `${upstreams.pypi}/`),
      go: repository("go", `${upstreams.go}/`),
      apt: {
        ...repository("apt", `${upstreams.apt}/`),
        keyring: keyFile(workFolder("recording", "apt")),
      },
      composer: repository("composer", `${upstreams.composer}/`),
    };
    writeFileSync(config, JSON.stringify({ repositories }));
    const args = ["serve", "--config", config, "--data", join(folder, "data")];
    const at = `http://127.0.0.1:${port}`;
    const server = await serve(
      {
        name: "holdfast",
        command: join(root, "holdfast"),
        args: [...args, "--listen", `127.0.0.1:${port}`],
      },
      `${at}/-/health/live`,
    );
    const urls = {
      npm: `${at}/npm`,
      pypi: `${at}/pypi/simple`,
      go: `${at}/go`,
      apt: `${at}/apt`,
      composer: `${at}/composer`,
    };
    return { ...server, urls };
  },
};
