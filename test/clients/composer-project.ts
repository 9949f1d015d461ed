// One PHP project of the real Composer: its folder, its home and cache that can be thrown away, and what it installed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Result, run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

export interface LockedPackage {
  name: string;
  version: string;
  dist?: { type: string; url: string; reference: string; shasum: string };
}

export class ComposerProject {
  readonly dir = tempFolder("project");
  #home = tempFolder("home");

  /** `urls` are the repositories that it knows, and no other. */
  constructor(urls: string[], require: Record<string, string>, more: object = {}) {
    const project = {
      name: "harbour/project",
      "minimum-stability": "stable",
      require,
      repositories: [...urls.map((url) => ({ type: "composer", url })), { packagist: false }],
      // Only addresses with TLS are allowed without it.
      config: { "secure-http": false },
      ...more,
    };
    writeFileSync(join(this.dir, "composer.json"), JSON.stringify(project, null, 2));
  }

  /** Runs Composer with nothing of the user's own: not their home, not their settings, not their cache. */
  run(...args: string[]): Promise<Result> {
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.#home,
      TMPDIR: this.#home,
      LANG: "C.UTF-8",
      COMPOSER_HOME: join(this.#home, "composer"),
      COMPOSER_CACHE_DIR: join(this.#home, "cache"),
      COMPOSER_ALLOW_SUPERUSER: "1",
      COMPOSER_NO_INTERACTION: "1",
      // Asked for by no one: a source that is cloned asks for a password on the terminal.
      GIT_TERMINAL_PROMPT: "0",
    };
    return run(["composer", "--no-ansi", ...args], { cwd: this.dir, env, timeout: 60_000 });
  }

  /** Throws unless Composer is content. Returns what it said. */
  async must(...args: string[]): Promise<string> {
    const { code, output } = await this.run(...args);
    if (code !== 0)
      throw new Error(`composer ${args.join(" ")} ended with ${code}:\n${output.slice(-4000)}`);
    return output;
  }

  read(name: string): string {
    return readFileSync(join(this.dir, name), "utf8");
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.dir, name), text);
  }

  has(name: string): boolean {
    return existsSync(join(this.dir, name));
  }

  /** Packages of the lock file, by name. */
  locked(): Map<string, LockedPackage> {
    const { packages } = JSON.parse(this.read("composer.lock")) as { packages: LockedPackage[] };
    return new Map(packages.map((one) => [one.name, one]));
  }

  /** Forgets what was installed, the home and every cache; keeps the project and its lock file. */
  forget(): void {
    rmSync(join(this.dir, "vendor"), { recursive: true, force: true });
    removeTemp(this.#home);
    this.#home = tempFolder("home");
  }

  /**
   * What is installed: mode and digest of every file of every package. Not what Composer itself writes, which holds names and times of
   * this run.
   */
  tree(): Map<string, string> {
    const found = new Map<string, string>();
    const top = join(this.dir, "vendor");
    if (existsSync(top)) walk(top, top, found);
    return found;
  }

  remove(): void {
    removeTemp(this.dir);
    removeTemp(this.#home);
  }
}

function walk(top: string, folder: string, found: Map<string, string>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const name = relative(top, path);
    if (/^(composer|bin|autoload\.php)(\/|$)/.test(name)) continue;
    if (entry.isDirectory()) walk(top, path, found);
    else {
      const mode = (statSync(path).mode & 0o777).toString(8);
      found.set(name, `${mode} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`);
    }
  }
}
