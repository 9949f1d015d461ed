// Holdfast itself, from this checkout, started as users start it.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, workFolder } from "../lib/paths.ts";
import { CLAIMS } from "../lib/private-packages.ts";
import { freePort, output, serve } from "../lib/process.ts";
import { Problem } from "../lib/refuse.ts";
import type { Upstreams } from "../lib/upstream.ts";
import { keyFile } from "../upstream/apt-tree.ts";
import type { Peer } from "./types.ts";

const NAME = "ann";
const PASSWORD = "correct horse battery";

function command(args: string[], input = ""): string {
  const made = Bun.spawnSync([join(root, "holdfast"), ...args], { stdin: Buffer.from(input) });
  if (made.exitCode !== 0) throw new Problem(made.stderr.toString().split("\n")[0]!);
  return made.stdout.toString();
}

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
    const keyring = keyFile(workFolder("recording", "apt")); // not there where apt is not measured
    const repositories = {
      npm: repository("npm", `${upstreams.npm}/`),
      pypi: repository("pypi", `${upstreams.pypi}/`),
      go: repository("go", `${upstreams.go}/`),
      ...(existsSync(keyring) && {
        apt: { ...repository("apt", `${upstreams.apt}/`), keyring },
      }),
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
  async startPrivate(upstreams: Upstreams, folder, { isOpen } = { isOpen: false }) {
    const port = await freePort();
    const config = join(folder, "holdfast.json");
    const repositories = Object.fromEntries(
      (["npm", "pypi"] as const).map((format) => [
        format,
        { format, claims: [CLAIMS[format]], upstreams: [{ url: `${upstreams[format]}/` }] },
      ]),
    );
    writeFileSync(
      config,
      JSON.stringify({ repositories, access: { anonymous: isOpen ? "read" : "none" } }),
    );
    const where = ["--config", config, "--data", join(folder, "data")];
    command(["user", "add", NAME, "--admin", "--password-stdin", ...where], `${PASSWORD}\n`);
    const shown = command(["token", "create", NAME, "--name", "bench", ...where]);
    const token = /hf_[0-9A-Za-z]{49}/.exec(shown)![0];
    const at = `http://127.0.0.1:${port}`;
    const args = ["serve", ...where, "--listen", `127.0.0.1:${port}`];
    const server = await serve(
      { name: "holdfast", command: join(root, "holdfast"), args },
      `${at}/-/health/live`,
    );
    const who = { name: NAME, password: PASSWORD };
    const basic = Buffer.from(`${NAME}:${token}`).toString("base64");
    return {
      ...server,
      publishers: {
        npm: { ...who, url: `${at}/npm`, index: `${at}/npm`, authorization: `Bearer ${token}` },
        pypi: {
          ...who,
          url: `${at}/pypi/legacy/`,
          index: `${at}/pypi/simple`,
          authorization: `Basic ${basic}`,
        },
      },
    };
  },
};
