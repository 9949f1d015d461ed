// Verdaccio, on the Node.js that its release asks for (the machine's may be older).
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workFolder } from "../lib/paths.ts";
import { CLAIMS } from "../lib/private-packages.ts";
import { freePort, run, serve } from "../lib/process.ts";
import { Problem } from "../lib/refuse.ts";
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
  async startPrivate(upstreams, folder) {
    const port = await freePort();
    const config = join(folder, "verdaccio.json");
    const own = { access: "$authenticated", publish: "$authenticated" };
    writeFileSync(
      config,
      JSON.stringify({
        storage: join(folder, "storage"),
        web: { enable: false },
        auth: { htpasswd: { file: join(folder, "htpasswd"), max_users: 10 } },
        uplinks: { upstream: { url: `${upstreams.npm}/` } },
        packages: { [CLAIMS.npm]: own, "**": { access: "$all", proxy: "upstream" } },
        // The tokens that it gives by default hold the password, and bcrypt looks at it with each request.
        security: { api: { jwt: { sign: { expiresIn: "1d" } } } },
        max_body_size: "200mb",
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
    const who = { name: "ann", password: "correct horse battery" };
    const answer = await fetch(`${at}/-/user/org.couchdb.user:${who.name}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(who),
    });
    const { token } = (await answer.json()) as { token?: string };
    if (!token) throw new Problem(`verdaccio gave no token: ${answer.status}`);
    const publisher = { ...who, url: at, index: at, authorization: `Bearer ${token}` };
    return { ...server, publishers: { npm: publisher } };
  },
};
