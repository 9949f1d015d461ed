// Athens with its disk storage, fetching through the recorded upstream.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort, serve } from "../lib/process.ts";
import { buildGo } from "./gobuild.ts";
import type { Peer } from "./types.ts";
import { versionOf } from "./versions.ts";

const MODULE = "github.com/gomods/athens";
const build = () => buildGo("athens", MODULE, versionOf("athens", MODULE), "cmd/proxy");

export const athens: Peer = {
  name: "athens",
  formats: ["go"],
  async install() {
    await build();
    return versionOf("athens", MODULE);
  },
  async start(upstreams, folder) {
    const port = await freePort();
    const at = `http://127.0.0.1:${port}`;
    const storage = join(folder, "athens");
    mkdirSync(storage, { recursive: true });
    const env = {
      ATHENS_PORT: `127.0.0.1:${port}`,
      ATHENS_PPROF_PORT: "127.0.0.1:0",
      ATHENS_STORAGE_TYPE: "disk",
      ATHENS_DISK_STORAGE_ROOT: storage,
      ATHENS_GO_BINARY_ENV_VARS: `GOPROXY=${upstreams.go};GOSUMDB=off;GOTOOLCHAIN=local`,
      ATHENS_LOG_LEVEL: "info",
      TMPDIR: storage,
    };
    const server = await serve(
      { name: "athens", command: await build(), args: [], env },
      `${at}/healthz`,
    );
    return { ...server, urls: { go: at } };
  },
};
