// The real clients, each with a fresh cache and a fresh target, and the proof that they installed everything.
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "./apt-client.ts";
import { type Client, TOO_LONG_SECONDS } from "./client.ts";
import { composerInstall } from "./composer-client.ts";
import { emptyFolder } from "./context.ts";
import { projects } from "./paths.ts";
import { run } from "./process.ts";
import { Problem } from "./refuse.ts";

const npmCi: Client = {
  format: "npm",
  title: "npm ci",
  async install(url, folder) {
    cpSync(join(projects, "npm"), folder, { recursive: true });
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    args.push("--cache", join(folder, "cache"), "--registry", `${url}/`);
    const env = { npm_config_userconfig: "/dev/null", npm_config_update_notifier: "false" };
    await run({ name: "client-npm", command: "npm", args, env, cwd: folder }, TOO_LONG_SECONDS);
  },
  count(folder) {
    const file = join(folder, "node_modules", ".package-lock.json");
    return Object.keys((JSON.parse(readFileSync(file, "utf8")) as { packages: object }).packages)
      .length;
  },
};

const pipInstall: Client = {
  format: "pypi",
  title: "pip install",
  async install(url, folder) {
    const args = ["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"];
    args.push("--no-cache-dir", "--no-compile", "--target", join(folder, "target"));
    args.push("--index-url", `${url}/`, "-r", join(projects, "pypi", "requirements.txt"));
    const env = { PIP_CONFIG_FILE: "/dev/null", PIP_FIND_LINKS: undefined };
    const command = { name: "client-pip", command: "python3", args, env, cwd: folder };
    await run(command, TOO_LONG_SECONDS);
  },
  count: (folder) =>
    readdirSync(join(folder, "target")).filter((name) => name.endsWith(".dist-info")).length,
};

const goModDownload: Client = {
  format: "go",
  title: "go mod download",
  async install(url, folder) {
    cpSync(join(projects, "go"), folder, { recursive: true });
    const env = {
      GOMODCACHE: join(folder, "cache"),
      GOFLAGS: "-modcacherw",
      GOPROXY: url,
      GOTOOLCHAIN: "local",
    };
    const args = ["mod", "download"];
    await run({ name: "client-go", command: "go", args, env, cwd: folder }, TOO_LONG_SECONDS);
  },
  count(folder) {
    const files = readdirSync(join(folder, "cache", "cache", "download"), { recursive: true });
    return files.filter((name) => String(name).endsWith(".zip")).length;
  },
};

export const clients: Client[] = [npmCi, pipInstall, goModDownload, aptInstall, composerInstall];

/** One install with everything fresh. Seconds, and the number of packages. Throws when the client fails. */
export async function installOnce(
  client: Client,
  url: string,
  expected?: number,
): Promise<{ seconds: number; count: number }> {
  const folder = emptyFolder(`client-${client.format}`);
  try {
    const began = performance.now();
    await client.install(url, folder);
    const seconds = (performance.now() - began) / 1000;
    const count = client.count(folder);
    if (count === 0 || (expected !== undefined && count !== expected))
      throw new Problem(`${client.title} installed ${count} packages instead of ${expected}`);
    return { seconds, count };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
