// How each real client is told where to look, made to install, and made to install again from its lock file.
import { join } from "node:path";
import type { Job } from "./job.ts";

export interface Driver {
  /** As in versions.json. */
  readonly name: string;
  readonly repository: "npm" | "pypi" | "go";
  /** The program and its first arguments. */
  readonly command: string[];
  readonly lock: string;
  /** Project files that a fresh start is without, beside the installed tree. */
  readonly leftovers: string[];
  /** Installed files that hold times, addresses or absolute paths. */
  readonly ignore: RegExp;
  project(job: Job, wants: string[]): Record<string, string>;
  env(job: Job): Record<string, string>;
  /** What is run, in order, to install without and to install from a lock file. */
  install(job: Job): string[][];
  frozen(job: Job): string[][];
  /** What is made of the project's files once the first installation is done. */
  finish?(read: (name: string) => string): Record<string, string>;
  /** The folder that it installs into. */
  tree(job: Job): string;
}

type Part = Pick<Driver, "lock" | "install" | "frozen"> & Partial<Driver>;

const notes =
  /(^|\/)(\.package-lock\.json|\.yarn-integrity|\.yarn-state\.yml|\.modules\.yaml|\.pnpm-workspace-state.*|lock\.yaml|\.bin|\.cache)(\/|$)/;

function javascript(name: string, command: string[], part: Part): Driver {
  return {
    name,
    command,
    repository: "npm",
    leftovers: [],
    ignore: notes,
    project: (job, wants) => ({
      "package.json": JSON.stringify(
        { name: "project", version: "1.0.0", private: true, dependencies: wantsOf(wants) },
        null,
        2,
      ),
      ".npmrc": `registry=${job.url}/\n`,
    }),
    env: (job) => ({
      npm_config_cache: join(job.home, "cache"),
      npm_config_update_notifier: "false",
    }),
    tree: (job) => join(job.dir, "node_modules"),
    ...part,
  };
}

function wantsOf(wants: string[]): Record<string, string> {
  return Object.fromEntries(
    wants.map((want) => {
      const at = want.lastIndexOf("@");
      return at > 0 ? [want.slice(0, at), want.slice(at + 1)] : [want, "*"];
    }),
  );
}

function npm(name: string, command: string[]): Driver {
  return javascript(name, command, {
    lock: "package-lock.json",
    install: () => [["install", "--no-audit", "--no-fund"]],
    frozen: () => [["ci", "--no-audit", "--no-fund"]],
  });
}

function pnpm(command: string[]): Driver {
  return javascript("pnpm", command, {
    lock: "pnpm-lock.yaml",
    env: (job) => ({
      XDG_DATA_HOME: join(job.home, "data"),
      XDG_CACHE_HOME: join(job.home, "cache"),
      XDG_STATE_HOME: join(job.home, "state"),
      npm_config_store_dir: join(job.home, "store"),
      CI: "true", // else it asks before it removes node_modules
    }),
    install: () => [["install", "--no-frozen-lockfile", "--ignore-scripts"]],
    frozen: () => [["install", "--frozen-lockfile", "--ignore-scripts"]],
  });
}

function yarn1(command: string[]): Driver {
  return javascript("yarn-1", command, {
    lock: "yarn.lock",
    env: (job) => ({ YARN_CACHE_FOLDER: join(job.home, "cache") }),
    install: () => [["install", "--non-interactive", "--no-progress"]],
    frozen: () => [["install", "--non-interactive", "--no-progress", "--frozen-lockfile"]],
  });
}

function yarn4(command: string[]): Driver {
  return javascript("yarn-4", command, {
    lock: "yarn.lock",
    leftovers: [".yarn", ".pnp.cjs"],
    project: (job, wants) => ({
      "package.json": JSON.stringify(
        { name: "project", version: "1.0.0", private: true, dependencies: wantsOf(wants) },
        null,
        2,
      ),
      ".yarnrc.yml": `npmRegistryServer: "${job.url}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nnodeLinker: node-modules\n`,
      // Without a lock file of its own the project would belong to a folder above.
      "yarn.lock": "",
    }),
    env: (job) => ({
      YARN_GLOBAL_FOLDER: join(job.home, "yarn"),
      YARN_ENABLE_TELEMETRY: "0",
      YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
      YARN_HTTP_RETRY: "0",
    }),
    install: () => [["install", "--no-immutable"]],
    frozen: () => [["install", "--immutable"]],
  });
}

function bun(command: string[]): Driver {
  return javascript("bun", command, {
    lock: "bun.lock",
    project: (job, wants) => ({
      "package.json": JSON.stringify(
        { name: "project", version: "1.0.0", private: true, dependencies: wantsOf(wants) },
        null,
        2,
      ),
      "bunfig.toml": `[install]\nregistry = "${job.url}/"\n`,
    }),
    env: (job) => ({
      BUN_INSTALL_CACHE_DIR: join(job.home, "cache"),
      BUN_INSTALL: join(job.home, "bun"),
    }),
    install: () => [["install"]],
    frozen: () => [["install", "--frozen-lockfile"]],
  });
}

const pythonNotes =
  /(^|\/)(__pycache__|RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|bin|pip.*|_virtualenv.*|.*\.virtualenv|setuptools.*|\.lock)(\/|$)/;

function pip(name: string, command: string[]): Driver {
  const target = (job: Job) => join(job.dir, "installed");
  return {
    name,
    command,
    repository: "pypi",
    // pip has no lock file: its report names every file with its hash.
    lock: "locked.txt",
    leftovers: [],
    ignore: pythonNotes,
    project: (job, wants) => ({
      "pip.conf": `[global]\nindex-url = ${job.url}/simple/\n`,
      "wanted.txt": `${wants.join("\n")}\n`,
    }),
    env: (job) => ({
      PIP_CONFIG_FILE: join(job.dir, "pip.conf"),
      PIP_CACHE_DIR: join(job.home, "cache"),
      PIP_DISABLE_PIP_VERSION_CHECK: "1",
      PIP_ROOT_USER_ACTION: "ignore",
    }),
    install: (job) => [
      [
        "install",
        "--only-binary",
        ":all:",
        "--report",
        "report.json",
        "--target",
        target(job),
        "-r",
        "wanted.txt",
      ],
    ],
    frozen: (job) => [
      [
        "install",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--target",
        target(job),
        "-r",
        "locked.txt",
      ],
    ],
    finish: (read) => ({ "locked.txt": lockFromReport(read("report.json")) }),
    tree: target,
  };
}

/** A requirements file with hashes out of pip's own report. https://pip.pypa.io/en/stable/reference/installation-report/ */
function lockFromReport(text: string): string {
  interface Item {
    metadata: { name: string; version: string };
    download_info: { archive_info: { hashes: { sha256: string } } };
  }
  const { install } = JSON.parse(text) as { install: Item[] };
  return install
    .map(
      (item) =>
        `${item.metadata.name}==${item.metadata.version} --hash=sha256:${item.download_info.archive_info.hashes.sha256}\n`,
    )
    .join("");
}

function uv(command: string[]): Driver {
  return {
    name: "uv",
    command,
    repository: "pypi",
    lock: "uv.lock",
    leftovers: [],
    ignore: pythonNotes,
    project: (_, wants) => ({
      "pyproject.toml": `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.9"\ndependencies = ${JSON.stringify(wants)}\n`,
    }),
    env: (job) => ({
      UV_DEFAULT_INDEX: `${job.url}/simple/`,
      UV_CACHE_DIR: join(job.home, "cache"),
      UV_PYTHON_DOWNLOADS: "never",
      UV_NO_CONFIG: "1",
      XDG_DATA_HOME: join(job.home, "data"),
    }),
    install: () => [["lock"], ["sync", "--no-install-project"]],
    frozen: () => [["sync", "--frozen", "--no-install-project"]],
    tree: (job) => join(job.dir, ".venv", "lib"),
  };
}

function poetry(command: string[]): Driver {
  return {
    name: "poetry",
    command,
    repository: "pypi",
    lock: "poetry.lock",
    leftovers: [".venv"],
    ignore: pythonNotes,
    project: (job, wants) => ({
      "pyproject.toml": `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.10,<4"\ndependencies = ${JSON.stringify(wants)}\n\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "here"\nurl = "${job.url}/simple/"\npriority = "primary"\n`,
    }),
    env: (job) => ({
      POETRY_CACHE_DIR: join(job.home, "cache"),
      POETRY_CONFIG_DIR: join(job.home, "config"),
      POETRY_DATA_DIR: join(job.home, "data"),
      POETRY_VIRTUALENVS_IN_PROJECT: "true",
      POETRY_KEYRING_ENABLED: "false",
      PYTHON_KEYRING_BACKEND: "keyring.backends.null.Keyring",
    }),
    install: () => [
      ["lock", "--no-interaction"],
      ["install", "--no-interaction"],
    ],
    frozen: () => [["install", "--no-interaction"]],
    tree: (job) => join(job.dir, ".venv", "lib"),
  };
}

function go(command: string[]): Driver {
  return {
    name: "go",
    command,
    repository: "go",
    lock: "go.sum",
    leftovers: [],
    // What the proxy said stands in cache/ with times; what matters is what was unpacked beside it.
    ignore: /^cache(\/|$)/,
    project: (_, wants) => ({
      "go.mod": "module project.example.test/project\n\ngo 1.21\n",
      "main.go": `package main\n\n${wants.map((want) => `import _ "${want.replace(/@.*$/, "")}"\n`).join("")}\nfunc main() {}\n`,
    }),
    env: (job) => ({
      GOPROXY: job.url,
      GOPATH: join(job.home, "go"),
      GOCACHE: join(job.home, "build"),
      GOENV: "off",
      GOFLAGS: "-modcacherw",
      GOTOOLCHAIN: "local",
    }),
    install: () => [
      ["mod", "tidy"],
      // Resolving looks into older modules as well; what counts is what the build needs.
      ["clean", "-modcache"],
      ["mod", "download"],
    ],
    frozen: () => [
      ["mod", "download"],
      ["mod", "verify"],
    ],
    tree: (job) => join(job.home, "go", "pkg", "mod"),
  };
}

/** The driver of a client, by its name and how it is started. */
export function driverOf(name: string, command: string[]): Driver {
  switch (name) {
    case "pnpm":
      return pnpm(command);
    case "yarn-1":
      return yarn1(command);
    case "yarn-4":
      return yarn4(command);
    case "bun":
      return bun(command);
    case "uv":
      return uv(command);
    case "poetry":
      return poetry(command);
    case "go":
      return go(command);
    default:
      return name.startsWith("pip") ? pip(name, command) : npm(name, command);
  }
}
