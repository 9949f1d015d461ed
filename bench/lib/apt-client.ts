// The real apt in a root of its own: lists, cache and settings of this machine play no part.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debs, keyFile, SUITE } from "../upstream/apt-tree.ts";
import { type Client, TOO_LONG_SECONDS } from "./client.ts";
import { workFolder } from "./paths.ts";
import { run } from "./process.ts";

const FOLDERS = [
  "etc/apt/apt.conf.d",
  "etc/apt/preferences.d",
  "etc/apt/sources.list.d",
  "etc/apt/trusted.gpg.d",
  "var/lib/apt/lists/partial",
  "var/cache/apt/archives/partial",
  "var/lib/dpkg",
  "var/log/apt",
];

export const aptInstall: Client = {
  format: "apt",
  title: "apt-get update and install",
  async install(url, folder) {
    for (const each of FOLDERS) mkdirSync(join(folder, each), { recursive: true });
    writeFileSync(join(folder, "var/lib/dpkg/status"), "");
    const key = keyFile(workFolder("recording", "apt"));
    writeFileSync(
      join(folder, "etc/apt/sources.list"),
      `deb [arch=amd64 signed-by=${key}] ${url} ${SUITE} main\n`,
    );
    const config = join(folder, "apt.conf");
    writeFileSync(
      config,
      `Dir "${folder}/";
Dir::State::status "${folder}/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::http::Proxy "DIRECT";
`,
    );
    const env = { APT_CONFIG: config };
    const command = { name: "client-apt", command: "apt-get", env };
    const update = ["--quiet", "--error-on=any", "update"];
    await run({ ...command, args: update }, TOO_LONG_SECONDS);
    const install = ["--quiet", "--yes", "--download-only", "install"];
    install.push(...debs.kit.map(({ name }) => name));
    await run({ ...command, args: install }, TOO_LONG_SECONDS);
  },
  count: (folder) =>
    readdirSync(join(folder, "var/cache/apt/archives")).filter((name) => name.endsWith(".deb"))
      .length,
};
