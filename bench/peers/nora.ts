// nora with its folder storage, without its rate limit (which counts all clients of one address as one).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { workFolder } from "../lib/paths.ts";
import { freePort, run, serve } from "../lib/process.ts";
import type { Peer } from "./types.ts";
import { versionOf } from "./versions.ts";

const folderOf = () => workFolder("peers", "nora");
const binary = () => join(folderOf(), "bin", "nora");

export const nora: Peer = {
  name: "nora",
  formats: ["npm", "pypi", "go"],
  async install() {
    const version = versionOf("nora", "nora-registry");
    if (!existsSync(binary())) {
      const args = ["-n", "10", "cargo", "install", "nora-registry", "--version", version];
      args.push("--jobs", "1", "--root", folderOf());
      const env = { CARGO_TARGET_DIR: workFolder("peers", "nora-target") };
      await run({ name: "install-nora", command: "nice", args, env }, 3600);
    }
    return version;
  },
  async start(upstreams, folder, { freshness }) {
    const port = await freePort();
    const at = `http://127.0.0.1:${port}`;
    const env = {
      NORA_HOST: "127.0.0.1",
      NORA_PORT: String(port),
      NORA_PUBLIC_URL: at,
      NORA_STORAGE_MODE: "local",
      NORA_STORAGE_PATH: join(folder, "nora"),
      NORA_AUTH_ENABLED: "false",
      NORA_RATE_LIMIT_ENABLED: "false",
      NORA_NPM_PROXY: upstreams.npm,
      NORA_NPM_METADATA_TTL: String(freshness),
      NORA_PYPI_PROXY: `${upstreams.pypi}/simple/`,
      NORA_GO_PROXY: upstreams.go,
      NORA_GO_METADATA_TTL: String(freshness),
      RUST_LOG: "info",
    };
    const server = await serve(
      { name: "nora", command: binary(), args: ["serve"], env, cwd: folder },
      `${at}/health`,
    );
    return { ...server, urls: { npm: `${at}/npm`, pypi: `${at}/simple`, go: `${at}/go` } };
  },
};
