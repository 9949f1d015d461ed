// Programs that the tests take from the machine's Debian packages: those that are missing are installed when that is allowed, and else named.
import { run } from "../support/run.ts";
import type { Client } from "./install.ts";

interface Program {
  name: string;
  /** What says its version. */
  command: string[];
  /** What it needs, as Debian calls it. */
  packages: string[];
}

const programs: Program[] = [
  { name: "apt", command: ["apt-get", "--version"], packages: ["apt"] },
  { name: "gpg", command: ["gpg", "--version"], packages: ["gnupg"] },
  { name: "aptly", command: ["aptly", "version"], packages: ["aptly"] },
  { name: "reprepro", command: ["reprepro", "--version"], packages: ["reprepro"] },
  { name: "dput", command: ["dput", "--version"], packages: ["dput"] },
  { name: "dupload", command: ["dupload", "--version"], packages: ["dupload"] },
  { name: "sqv", command: ["sqv", "--version"], packages: ["sqv"] },
  { name: "xz", command: ["xz", "--version"], packages: ["xz-utils"] },
  { name: "dpkg-dev", command: ["dpkg-buildpackage", "--version"], packages: ["dpkg-dev"] },
  { name: "sshd", command: ["/usr/sbin/sshd", "-V"], packages: ["openssh-server"] },
  { name: "slapd", command: ["/usr/sbin/slapd", "-VV"], packages: ["slapd"] },
  { name: "chromium", command: ["chromium", "--version"], packages: ["chromium"] },
  { name: "promtool", command: ["promtool", "--version"], packages: ["prometheus"] },
  {
    name: "composer",
    command: ["composer", "--no-ansi", "--version"],
    packages: [
      "composer",
      "php-cli",
      "php-curl",
      "php-mbstring",
      "php-xml",
      "php-zip",
      "git",
      "unzip",
    ],
  },
  // What a machine has that Holdfast is installed on, and what is put in front of it.
  { name: "zsh", command: ["zsh", "--version"], packages: ["zsh"] },
  { name: "fish", command: ["fish", "--version"], packages: ["fish"] },
  { name: "mandoc", command: ["dpkg-query", "-W", "mandoc"], packages: ["mandoc"] },
  { name: "lintian", command: ["lintian", "--version"], packages: ["lintian"] },
  { name: "logrotate", command: ["logrotate", "--version"], packages: ["logrotate"] },
  { name: "nginx", command: ["/usr/sbin/nginx", "-v"], packages: ["nginx-light"] },
  { name: "haproxy", command: ["/usr/sbin/haproxy", "-v"], packages: ["haproxy"] },
  { name: "caddy", command: ["caddy", "version"], packages: ["caddy"] },
  { name: "systemd", command: ["systemd-analyze", "--version"], packages: ["systemd"] },
  // A library that shows a process another time: see test/cluster/clocks.test.ts.
  {
    name: "libfaketime",
    command: ["dpkg-query", "-W", "libfaketime"],
    packages: ["libfaketime"],
  },
  // For the catalog's queries: see test/support/postgres.ts, which knows where Debian keeps it.
  {
    name: "postgres",
    command: ["sh", "-c", "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)/postgres -V"],
    packages: ["postgresql"],
  },
];

export const programNames: readonly string[] = programs.map(({ name }) => name);

const QUIET = { DEBIAN_FRONTEND: "noninteractive", LANG: "C.UTF-8" };

async function versionOf({ command }: Program, cwd: string): Promise<string | null> {
  const env = {
    PATH: process.env["PATH"] ?? "",
    ...QUIET,
    HOME: cwd,
    COMPOSER_ALLOW_SUPERUSER: "1",
  };
  const { code, output } = await run(command, { cwd, env, timeout: 60_000 });
  return code === 0 ? (/\d+\.\d+(\.\d+)*/.exec(output)?.[0] ?? "?") : null;
}

/** Null when all are there now, else why not. */
async function install(packages: string[], cwd: string): Promise<string | null> {
  if (process.getuid?.() !== 0) return "only root may install Debian packages";
  const env = { PATH: process.env["PATH"] ?? "", ...QUIET };
  const call = ["apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages];
  let result = await run(call, { cwd, env, timeout: 300_000 });
  if (result.code !== 0) {
    // The machine's lists may be old, or not there at all.
    await run(["apt-get", "update", "-q"], { cwd, env, timeout: 120_000 });
    result = await run(call, { cwd, env, timeout: 300_000 });
  }
  return result.code === 0
    ? null
    : `apt-get install ended with ${result.code}: ${result.output.trim().split("\n").slice(-2).join(" | ")}`;
}

/** `cwd` is a folder to run in. */
export async function installPrograms(say: (line: string) => void, cwd: string): Promise<Client[]> {
  const found = await Promise.all(programs.map((program) => versionOf(program, cwd)));
  const clients: Client[] = [];
  for (const [at, program] of programs.entries()) {
    const { name, packages, command } = program;
    let version = found[at] ?? null;
    let reason: string | null = null;
    if (version === null) {
      say(`installing Debian's ${packages.join(" ")} (once) ...`);
      reason = await install(packages, cwd);
      version = await versionOf(program, cwd);
    }
    if (version !== null) clients.push({ name, version, command: [command[0]!] });
    else clients.push({ name, missing: reason ?? `${command.join(" ")} fails` });
  }
  return clients;
}
