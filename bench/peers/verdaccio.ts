// Verdaccio, on the Node.js that its release asks for (the machine's may be older).
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workFolder } from "../lib/paths.ts";
import { freePort, run, serve } from "../lib/process.ts";
import type { Peer } from "./types.ts";
import { versionOf } from "./versions.ts";

const modules = () => join(workFolder("peers", "verdaccio"), "node_modules");
const nodePackage = `node-${process.platform}-${process.arch}`;
const entry = () => join(modules(), "verdaccio", "bin", "verdaccio");
const node = () => join(modules(), nodePackage, "bin", "node");

export const verdaccio: Peer = {
  name: "verdaccio",
  formats: ["npm"],
  async install() {
    const version = versionOf("verdaccio", "verdaccio");
    const nodeVersion = versionOf("verdaccio", "node");
    const folder = workFolder("peers", "verdaccio");
    if (!existsSync(entry()) || !existsSync(node())) {
      const manifest = {
        private: true,
        dependencies: { verdaccio: version, [nodePackage]: nodeVersion },
        // One of its dependencies asks for a dist-tag of node-fetch that not every registry mirror has.
        overrides: { "node-fetch": versionOf("verdaccio", "node-fetch") },
      };
      writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
      const args = ["install", "--no-fund", "--no-audit"];
      await run({ name: "install-verdaccio", command: "npm", args, cwd: folder });
    }
    return `${version}, Node ${nodeVersion}`;
  },
  async start(upstreams, folder, { freshness }) {
    const port = await freePort();
    const config = join(folder, "verdaccio.json"); // JSON is YAML
    const everything = { access: "$all", proxy: "upstream" };
    writeFileSync(
      config,
      JSON.stringify({
        storage: join(folder, "storage"),
        web: { enable: false },
        uplinks: { upstream: { url: `${upstreams.npm}/`, maxage: `${freshness}s`, cache: true } },
        packages: { "@*/*": everything, "**": everything },
        log: { type: "stdout", format: "json", level: "http" },
      }),
    );
    const at = `http://127.0.0.1:${port}`;
    const args = [entry(), "--config", config, "--listen", `127.0.0.1:${port}`];
    const env = { NODE_ENV: "production" };
    const server = await serve(
      { name: "verdaccio", command: node(), args, env, cwd: folder },
      `${at}/-/ping`,
    );
    return { ...server, urls: { npm: at } };
  },
};
