// The real Composer, installing from a lock file, with a home and a cache of its own.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOST, kitOf } from "../upstream/composer-tree.ts";
import { type Client, TOO_LONG_SECONDS } from "./client.ts";
import { workFolder } from "./paths.ts";
import { run } from "./process.ts";

export const composerInstall: Client = {
  format: "composer",
  title: "composer install",
  async install(url, folder) {
    const project = join(folder, "project");
    mkdirSync(project, { recursive: true });
    const packages = kitOf(workFolder("recording", "composer"));
    const write = (name: string, value: object, host = url) =>
      writeFileSync(join(project, name), JSON.stringify(value).replaceAll(HOST, host));
    const require = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
    write("composer.json", {
      require,
      repositories: [{ type: "composer", url }, { packagist: false }],
      config: { "secure-http": false },
    });
    // As if it had been made through this server.
    write("composer.lock", {
      packages: packages.map(({ version_normalized: _, ...locked }) => locked),
      "packages-dev": [],
      aliases: [],
      "minimum-stability": "stable",
      "stability-flags": [],
      "prefer-stable": false,
      "prefer-lowest": false,
      platform: [],
      "platform-dev": [],
    });
    const args = ["install", "--no-interaction", "--no-progress", "--no-plugins", "--no-scripts"];
    args.push("--prefer-dist");
    const env = {
      COMPOSER_HOME: join(folder, "home"),
      COMPOSER_CACHE_DIR: join(folder, "cache"),
      COMPOSER_ALLOW_SUPERUSER: "1",
      COMPOSER_DISABLE_XDEBUG_WARN: "1",
    };
    const command = { name: "client-composer", command: "composer", args, env, cwd: project };
    await run(command, TOO_LONG_SECONDS);
  },
  count: (folder) => readdirSync(join(folder, "project", "vendor", "bench")).length,
};
