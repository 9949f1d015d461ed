// Debian's apt in a private root: own lists, own cache, own settings, and a machine on which nothing is installed. apt.conf(5)
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Result, run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

export interface AptSource {
  url: string;
  /** "stable main", "./". */
  suite: string;
  /** The file with the key; null for a source that is trusted without. */
  key: string | null;
  /** "deb" alone unless told. */
  types?: readonly string[];
}

export class AptRoot {
  readonly #dir: string;
  /** The same for the programs of another Debian, see houses.ts. */
  readonly #seen: string;
  readonly #start: readonly string[];

  /** `settings` are further lines of apt.conf; `start`: how programs are started where they are not the machine's own: "chroot", a folder. */
  constructor(
    sources: readonly AptSource[],
    settings: readonly string[] = [],
    start: readonly string[] = [],
  ) {
    const house = start[1] ?? "";
    this.#start = start;
    this.#dir = tempFolder("apt", house ? join(house, "tmp") : undefined);
    this.#seen = this.#dir.slice(house.length);
    for (const folder of ["apt.conf.d", "preferences.d", "sources.list.d", "trusted.gpg.d"])
      mkdirSync(join(this.#dir, "etc", folder), { recursive: true });
    writeFileSync(join(this.#dir, "status"), "");
    this.forget();
    const lines = {
      Dir: this.#seen,
      "Dir::Etc": join(this.#seen, "etc"),
      "Dir::Etc::netrcparts": join(this.#seen, "etc", "auth.conf.d"),
      "Dir::State": join(this.#seen, "state"),
      "Dir::State::status": join(this.#seen, "status"),
      "Dir::Cache": join(this.#seen, "cache"),
      "Dir::Log": join(this.#seen, "log"),
      "Dir::Bin::methods": "/usr/lib/apt/methods",
      "Dir::Bin::solvers": "/usr/lib/apt/solvers",
      "Dir::Bin::planners": "/usr/lib/apt/planners",
      // Else root's downloads are done by a user who may not write here.
      "APT::Sandbox::User": "root",
      "APT::Architecture": "amd64",
      "APT::Install-Recommends": "false",
      "Acquire::http::Proxy": "DIRECT",
    };
    const text = Object.entries(lines).map(([name, value]) => `${name} "${value}";`);
    const one = 'APT::Architectures { "amd64"; };';
    writeFileSync(join(this.#dir, "apt.conf"), [...text, one, ...settings, ""].join("\n"));
    const list = sources.flatMap(({ url, suite, key, types = ["deb"] }) =>
      types.map(
        (type) =>
          `${type} [${key ? `signed-by=${this.#key(key)}` : "trusted=yes"}] ${url} ${suite}`,
      ),
    );
    writeFileSync(join(this.#dir, "etc", "sources.list"), `${list.join("\n")}\n`);
  }

  /** Where apt can read it. */
  #key(file: string): string {
    if (this.#start.length === 0) return file;
    copyFileSync(file, join(this.#dir, "etc", basename(file)));
    return join(this.#seen, "etc", basename(file));
  }

  /** The whole path of a file of the root. */
  path(name: string): string {
    return join(this.#dir, name);
  }

  /** The same as apt itself sees it. */
  seen(name: string): string {
    return join(this.#seen, name);
  }

  /** A file of the root. Returns its whole path. */
  write(name: string, text: string): string {
    const path = join(this.#dir, name);
    writeFileSync(path, text);
    return path;
  }

  run(...args: string[]): Promise<Result> {
    return this.#call("apt-get", args);
  }

  /** What apt-cache says. */
  async cache(...args: string[]): Promise<string> {
    return (await this.#call("apt-cache", args)).output;
  }

  #call(program: string, args: readonly string[]): Promise<Result> {
    const start = this.#start.length ? [...this.#start, "env", "-C", this.#seen] : [];
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.#seen,
      TMPDIR: this.#seen,
      LANG: "C.UTF-8",
      DEBIAN_FRONTEND: "noninteractive",
      APT_CONFIG: join(this.#seen, "apt.conf"),
    };
    return run([...start, program, ...args], { cwd: this.#dir, env, timeout: 120_000 });
  }

  /** Throws unless apt is content and warns of nothing. */
  async must(...args: string[]): Promise<string> {
    const { code, output } = await this.run(...args);
    if (code !== 0 || /^[EW]: /m.test(output))
      throw new Error(`apt-get ${args.join(" ")} ended with ${code}:\n${output.slice(-4000)}`);
    return output;
  }

  async update(): Promise<string> {
    return this.must("update");
  }

  /** Fetches packages with all that they depend on. What apt has fetched: name and SHA-256 of each file. */
  async download(...packages: string[]): Promise<Map<string, string>> {
    await this.must("install", "-y", "--download-only", ...packages);
    return this.downloaded();
  }

  downloaded(): Map<string, string> {
    const folder = join(this.#dir, "cache", "archives");
    const names = readdirSync(folder).filter((name) => name.endsWith(".deb"));
    return new Map(
      names.sort().map((name) => {
        const bytes = readFileSync(join(folder, name));
        return [name, createHash("sha256").update(bytes).digest("hex")];
      }),
    );
  }

  /** The lists as apt keeps them, by the name of their file. */
  lists(): Map<string, string> {
    const folder = join(this.#dir, "state", "lists");
    const names = readdirSync(folder).filter((name) =>
      /_(Packages|Sources|Translation)/.test(name),
    );
    return new Map(names.sort().map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  }

  /** The path of the one InRelease that apt has. */
  release(): string {
    const folder = join(this.#dir, "state", "lists");
    const [name] = readdirSync(folder).filter((one) => one.endsWith("_InRelease"));
    return join(folder, name!);
  }

  /** As a new machine: no lists and no packages. */
  forget(): void {
    for (const folder of ["state", "cache", "log"])
      rmSync(join(this.#dir, folder), { recursive: true, force: true });
    mkdirSync(join(this.#dir, "state", "lists", "partial"), { recursive: true });
    mkdirSync(join(this.#dir, "cache", "archives", "partial"), { recursive: true });
    mkdirSync(join(this.#dir, "log"), { recursive: true });
  }

  remove(): void {
    removeTemp(this.#dir);
  }
}
