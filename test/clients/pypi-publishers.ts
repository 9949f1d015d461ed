// How each client builds a small project of its own, without a network, and publishes it.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Result, type RunOptions, run } from "../support/run.ts";
import { commandOf } from "./clients.ts";

export interface Account {
  user: string;
  password: string;
}

/** A program, its arguments and what its environment has beside the usual. */
export interface Call {
  command: string[];
  env: Record<string, string>;
  /** As `run` has it. */
  answers?: RunOptions["answers"];
}

export interface Publisher {
  /** As in versions.json. */
  name: string;
  /** What builds it, and what that needs said. */
  backend: string;
  build: string[] | null;
  /** `url` is the repository's. */
  publish(url: string, account: Account): Call;
}

const python = (client: string) => join(dirname(commandOf(client)[0]!), "python");

export const publishers: Publisher[] = [
  {
    name: "twine",
    backend: 'requires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"',
    get build() {
      return [python("twine"), "-m", "build", "--no-isolation", "--sdist", "--wheel"];
    },
    publish: (url, account) => ({
      command: [
        ...commandOf("twine"),
        ...["upload", "--non-interactive", "--disable-progress-bar", "--verbose"],
        ...["--repository-url", `${url}/legacy/`, "dist/*"],
      ],
      env: { TWINE_USERNAME: account.user, TWINE_PASSWORD: account.password },
    }),
  },
  {
    name: "uv",
    backend: 'requires = ["uv_build>=0.7,<2"]\nbuild-backend = "uv_build"',
    get build() {
      return [...commandOf("uv"), "build", "--offline", "--quiet"];
    },
    publish: (url, account) => ({
      command: [...commandOf("uv"), "publish", "--publish-url", `${url}/legacy/`],
      env: {
        UV_PUBLISH_USERNAME: account.user,
        UV_PUBLISH_PASSWORD: account.password,
      },
    }),
  },
  {
    name: "poetry",
    backend: 'requires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"',
    get build() {
      return [...commandOf("poetry"), "build", "--no-interaction", "--quiet"];
    },
    publish: (url, account) => ({
      command: [...commandOf("poetry"), "publish", "--no-interaction", "--repository", "here"],
      env: {
        POETRY_REPOSITORIES_HERE_URL: `${url}/legacy/`,
        POETRY_HTTP_BASIC_HERE_USERNAME: account.user,
        POETRY_HTTP_BASIC_HERE_PASSWORD: account.password,
      },
    }),
  },
  {
    name: "flit",
    backend: 'requires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"',
    build: null, // publishes what it has just built
    publish: (url, account) => ({
      command: [...commandOf("flit"), "publish"],
      env: {
        FLIT_INDEX_URL: `${url}/legacy/`,
        FLIT_USERNAME: account.user,
        FLIT_PASSWORD: account.password,
      },
    }),
  },
  {
    name: "hatch",
    backend: 'requires = ["hatchling"]\nbuild-backend = "hatchling.build"',
    get build() {
      return [python("hatch"), "-m", "hatchling", "build"];
    },
    publish: (url, account) => ({
      command: [...commandOf("hatch"), "publish", "--no-prompt"],
      env: {
        HATCH_INDEX_REPO: `${url}/legacy/`,
        HATCH_INDEX_USER: account.user,
        HATCH_INDEX_AUTH: account.password,
      },
    }),
  },
];

/** The module in it tells which of its versions it is. */
export function writeProject(
  { backend }: Publisher,
  folder: string,
  name: string,
  version: string,
): void {
  const module = name.replaceAll("-", "_");
  const files: Record<string, string> = {
    "pyproject.toml": `[project]\nname = "${name}"\nversion = "${version}"\ndescription = "A shell"\nrequires-python = ">=3.8"\nauthors = [{name = "Ann"}]\n\n[build-system]\n${backend}\n`,
    [`src/${module}/__init__.py`]: `"""A shell"""\nversion = "${version}"\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Runs a client with nothing of the user's own. */
export function runIn(
  folder: string,
  home: string,
  { command, env, answers }: Call,
  watch: (output: string) => void = () => {},
): Promise<Result> {
  const isolated = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    COLUMNS: "500",
    SOURCE_DATE_EPOCH: "1700000000",
    PIP_CACHE_DIR: join(home, "pip"),
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_ROOT_USER_ACTION: "ignore",
    POETRY_CACHE_DIR: join(home, "poetry"),
    POETRY_CONFIG_DIR: join(home, "poetry-config"),
    POETRY_KEYRING_ENABLED: "false",
    PYTHON_KEYRING_BACKEND: "keyring.backends.null.Keyring",
    UV_CACHE_DIR: join(home, "uv"),
    UV_NO_CONFIG: "1",
    UV_PYTHON_DOWNLOADS: "never",
    UV_TRUSTED_PUBLISHING: "never",
  };
  const options = { cwd: folder, env: { ...isolated, ...env }, timeout: 60_000, watch, answers };
  return run(command, options);
}
