// goproxy with its folder cache, fetching through the recorded upstream.
import { join } from "node:path";
import { workFolder } from "../lib/paths.ts";
import { freePort, serve } from "../lib/process.ts";
import { buildGo } from "./gobuild.ts";
import type { Peer } from "./types.ts";
import { versionOf } from "./versions.ts";

const MODULE = "github.com/goproxy/goproxy";
const build = () => buildGo("goproxy", MODULE, versionOf("goproxy", MODULE), "cmd/goproxy");

export const goproxy: Peer = {
  name: "goproxy",
  formats: ["go"],
  async install() {
    await build();
    return versionOf("goproxy", MODULE);
  },
  async start(upstreams, folder) {
    const port = await freePort();
    const at = `http://127.0.0.1:${port}`;
    const args = ["server", "--address", `127.0.0.1:${port}`];
    args.push("--cacher-dir", join(folder, "goproxy"), "--temp-dir", workFolder("tmp"));
    // What it fetches is checked against the client's go.sum; its own checks would ask a database that is not recorded for it.
    const env = { GOPROXY: upstreams.go, GOSUMDB: "off" };
    const server = await serve({ name: "goproxy", command: await build(), args, env }, `${at}/`);
    return { ...server, urls: { go: at } };
  },
};
