// One project of one client: its folder, its caches that can be thrown away, and what it installed.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Result, run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import type { Driver } from "./driver.ts";

export interface Job {
  /** The project. */
  readonly dir: string;
  /** Home and caches. Another one after `forget`. */
  readonly home: string;
  /** Where the client is told to look: the server's repository, or a registry directly. */
  readonly url: string;
}

export class Project implements Job {
  readonly dir = tempFolder("project");
  home = tempFolder("home");
  readonly url: string;
  readonly driver: Driver;

  constructor(driver: Driver, url: string, wants: string[]) {
    this.driver = driver;
    this.url = url;
    this.write(driver.project(this, wants));
  }

  write(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.dir, name)), { recursive: true });
      writeFileSync(join(this.dir, name), text);
    }
  }

  read(name: string): string {
    return readFileSync(join(this.dir, name), "utf8");
  }

  /** Runs the client with nothing of the user's own: not their home, not their settings, not their caches. */
  async run(args: string[], env: Record<string, string> = {}, timeout = 120_000): Promise<Result> {
    const isolated = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.home,
      TMPDIR: this.home,
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      ...this.driver.env(this),
      ...env,
    };
    return run([...this.driver.command, ...args], { cwd: this.dir, env: isolated, timeout });
  }

  /** Throws unless the client is content. */
  async must(args: string[], env: Record<string, string> = {}, timeout?: number): Promise<Result> {
    const result = await this.run(args, env, timeout);
    if (result.code !== 0)
      throw new Error(
        `${this.driver.name} ${args.join(" ")} ended with ${result.code}:\n${result.output.slice(-3000)}`,
      );
    return result;
  }

  async install(): Promise<void> {
    for (const args of this.driver.install(this)) await this.must(args);
    if (this.driver.finish) this.write(this.driver.finish((name) => this.read(name)));
  }

  /** From the lock file alone. */
  async installFrozen(env: Record<string, string> = {}): Promise<void> {
    for (const args of this.driver.frozen(this)) await this.must(args, env);
  }

  /** Forgets what was installed and every cache; keeps the project and its lock file. */
  forget(): void {
    rmSync(this.driver.tree(this), { recursive: true, force: true });
    for (const name of this.driver.leftovers)
      rmSync(join(this.dir, name), { recursive: true, force: true });
    removeTemp(this.home);
    this.home = tempFolder("home");
  }

  forgetLock(): void {
    rmSync(join(this.dir, this.driver.lock), { force: true });
  }

  /** What is installed: path and digest of every file, but for those that differ from run to run. */
  tree(): Map<string, string> {
    const found = new Map<string, string>();
    const top = this.driver.tree(this);
    if (existsSync(top)) walk(top, top, this.driver.ignore, found);
    return found;
  }

  remove(): void {
    removeTemp(this.dir);
    removeTemp(this.home);
  }
}

function walk(top: string, folder: string, ignore: RegExp, found: Map<string, string>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const name = relative(top, path);
    if (ignore.test(name)) continue;
    if (entry.isDirectory()) walk(top, path, ignore, found);
    else if (entry.isFile())
      found.set(name, createHash("sha256").update(readFileSync(path)).digest("hex"));
  }
}
