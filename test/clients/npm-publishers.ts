// How each real client of npm is told who it is, made to publish, and made to install what was published.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandOf } from "./clients.ts";

export interface NpmPublisher {
  name: "npm-10" | "npm-11" | "npm" | "pnpm" | "yarn-1" | "yarn-4" | "bun";
  /** Files of a project that publishes or installs through this registry, with this token. */
  files(url: string, token: string): Record<string, string>;
  publish: string[];
  /** What is run before, once, by who may read all. */
  prepare?: string[];
  install: string[];
  env: Record<string, string>;
}

const npmrc = (url: string, token: string) => ({
  ".npmrc": `registry=${url}/\n//${url.replace(/^https?:\/\//, "")}/:_authToken=${token}\nupdate-notifier=false\n`,
});

const npm = (name: "npm-10" | "npm-11" | "npm"): NpmPublisher => ({
  name,
  files: npmrc,
  publish: ["publish"],
  install: ["install", "--no-audit", "--no-fund"],
  env: { npm_config_fetch_retries: "0" },
});

export const npmPublishers: NpmPublisher[] = [
  npm("npm-10"),
  npm("npm-11"),
  npm("npm"),
  {
    name: "pnpm",
    files: npmrc,
    publish: ["publish", "--no-git-checks"],
    install: ["install", "--no-frozen-lockfile", "--ignore-scripts"],
    env: { CI: "true" },
  },
  {
    name: "yarn-1",
    files: (url, token) => ({
      ".npmrc": `${npmrc(url, token)[".npmrc"]}always-auth=true\n`, // else it is anonymous for names without a scope
    }),
    publish: ["publish", "--non-interactive", "--no-git-tag-version"],
    install: ["install", "--non-interactive", "--no-progress", "--no-lockfile"],
    env: {},
  },
  {
    name: "yarn-4",
    files: (url, token) => ({
      ".yarnrc.yml": `npmRegistryServer: "${url}"\nnpmAlwaysAuth: true\nnpmAuthToken: "${token}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nnodeLinker: node-modules\n`,
    }),
    prepare: ["install", "--no-immutable"], // it publishes what stands in its lock file
    publish: ["npm", "publish"],
    install: ["install", "--no-immutable"],
    env: {
      YARN_ENABLE_TELEMETRY: "0",
      YARN_HTTP_RETRY: "0",
      YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
      YARN_NPM_MINIMAL_AGE_GATE: "0", // a day, else: what was just published is not installed
    },
  },
  {
    name: "bun",
    files: (url, token) => ({
      ...npmrc(url, token),
      "bunfig.toml": `[install]\nregistry = { url = "${url}/", token = "${token}" }\n`,
    }),
    publish: ["publish"],
    install: ["install"],
    env: {},
  },
];

/** The publishers that are npm itself. */
export const npmItself = npmPublishers.filter(({ name }) => name.startsWith("npm"));

/** Writes a project; `manifest` is its package.json. */
export function writeNpmProject(
  folder: string,
  manifest: Record<string, unknown>,
  files: Record<string, string>,
): void {
  mkdirSync(folder, { recursive: true });
  const all = {
    "package.json": JSON.stringify(manifest, null, 2),
    "index.js": "module.exports = 1;\n",
    ...files,
  };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
}

/** What is not a client's configuration: caches and homes of its own, so that nothing comes from elsewhere. */
export function npmCall(
  name: NpmPublisher["name"],
  args: string[],
  home: string,
  env: Record<string, string> = {},
) {
  return {
    command: [...commandOf(name), ...args],
    env: {
      npm_config_cache: join(home, name, "cache"),
      npm_config_userconfig: join(home, name, "npmrc"),
      XDG_DATA_HOME: join(home, name, "data"),
      XDG_CACHE_HOME: join(home, name, "cache"),
      XDG_STATE_HOME: join(home, name, "state"),
      XDG_CONFIG_HOME: join(home, name, "config"),
      npm_config_store_dir: join(home, name, "store"),
      YARN_CACHE_FOLDER: join(home, name, "yarn-cache"),
      YARN_GLOBAL_FOLDER: join(home, name, "yarn"),
      BUN_INSTALL_CACHE_DIR: join(home, name, "bun"),
      ...env,
    },
  };
}
