// npm and pip installing one version of the made-up private package, with everything fresh, and the proof that it is there.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Publisher } from "../peers/types.ts";
import { TOO_LONG_SECONDS } from "./client.ts";
import { NPM_NAME, PYPI_NAME } from "./private-packages.ts";
import { type Command, run } from "./process.ts";
import { Problem } from "./refuse.ts";

/** Seconds. `folder` is empty. */
type Install = (from: Publisher, version: string, folder: string) => Promise<number>;

async function timed(command: Command, made: string): Promise<number> {
  const { seconds } = await run(command, TOO_LONG_SECONDS);
  if (!existsSync(made)) throw new Problem(`${command.command} installed nothing`);
  return seconds;
}

const npm: Install = (from, version, folder) => {
  const at = from.index.replace(/^http:/, "");
  const token = from.authorization.replace("Bearer ", "");
  const settings = join(folder, "npmrc");
  writeFileSync(settings, `registry=${from.index}/\n${at}/:_authToken=${token}\n`);
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, dependencies: { [NPM_NAME]: version } }),
  );
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  args.push("--cache", join(folder, "cache"));
  const env = { npm_config_userconfig: settings, npm_config_update_notifier: "false" };
  return timed(
    { name: "client-npm", command: "npm", args, env, cwd: folder },
    join(folder, "node_modules", NPM_NAME, "package.json"),
  );
};

const pip: Install = (from, version, folder) => {
  const credentials = atob(from.authorization.replace("Basic ", ""));
  const index = from.index.replace("://", `://${credentials}@`);
  const target = join(folder, "target");
  const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-cache-dir", "--no-compile"];
  args.push("--disable-pip-version-check", "--target", target, "--index-url", `${index}/`);
  args.push(`${PYPI_NAME}==${version}`);
  const env = { PIP_CONFIG_FILE: "/dev/null", PIP_FIND_LINKS: undefined };
  return timed(
    { name: "client-pip", command: "python3", args, env, cwd: folder },
    join(target, PYPI_NAME.replace("-", "_"), "__init__.py"),
  );
};

export const installers = { npm, pypi: pip };
