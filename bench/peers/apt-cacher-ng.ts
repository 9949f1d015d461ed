// apt-cacher-ng with its own configuration, cache and port, in front of the made-up repository.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lowPorts, output, run, serve } from "../lib/process.ts";
import { Problem } from "../lib/refuse.ts";
import type { Peer } from "./types.ts";

const BINARY = "/usr/sbin/apt-cacher-ng";

export const aptCacherNg: Peer = {
  name: "apt-cacher-ng",
  formats: ["apt"],
  async install() {
    if (!existsSync(BINARY)) {
      const args = ["install", "--yes", "--no-install-recommends", "apt-cacher-ng"];
      const env = { DEBIAN_FRONTEND: "noninteractive" };
      await run({ name: "install-apt-cacher-ng", command: "apt-get", args, env });
    }
    const version = output("dpkg-query", ["-W", "apt-cacher-ng"]).split("\t")[1];
    if (!version) throw new Problem("apt-cacher-ng is not installed");
    return `Debian package ${version}`;
  },
  async start(upstreams, folder) {
    const [port] = lowPorts(1);
    const [etc, cache, logs, socket] = ["etc", "cache", "logs", "run"].map((name) => {
      mkdirSync(join(folder, "acng", name), { recursive: true });
      return join(folder, "acng", name);
    });
    writeFileSync(
      join(etc!, "acng.conf"),
      `CacheDir: ${cache}
LogDir: ${logs}
SocketPath: ${socket}/socket
PidFile: ${socket}/pid
SupportDir: /usr/lib/apt-cacher-ng
Port: ${port}
BindAddress: 127.0.0.1
ForeGround: 1
ReportPage: acng-report.html
AllowUserPorts: 0
Remap-bench: /bench ; ${upstreams.apt}/
`,
    );
    const at = `http://127.0.0.1:${port}`;
    const args = ["-c", etc!];
    const server = await serve(
      { name: "apt-cacher-ng", command: BINARY, args },
      `${at}/`, // its page of help, with status 406
    );
    return { ...server, urls: { apt: `${at}/bench` } };
  },
};
