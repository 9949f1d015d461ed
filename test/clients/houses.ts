// Other Debians beside the machine's own: of each release a folder with some programs and all that they need, as its archive has them today, that they are run in (chroot).
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { builtInRepositories } from "../../src/config/upstreams.ts";
import { run } from "../support/run.ts";
import { AptRoot } from "./apt-root.ts";
import type { Client } from "./install.ts";

interface House {
  /** Of the release. */
  suite: string;
  /** With what they need 30 to 50 MB to fetch, and 150 MB at most when they are unpacked. */
  packages: string[];
  programs: { name: string; program: string /** Says its version. */; version: string[] }[];
}

/** What apt and dpkg themselves call, beside the programs. */
const GROUND = [
  ...["base-files", "coreutils", "libc-bin", "dash", "mawk", "sed", "grep", "tar", "diffutils"],
  ...["dpkg", "apt"],
];

/** It takes every other way to ask for an upload. */
const DPUT_VERSION = "import importlib.metadata; print(importlib.metadata.version('dput'))";

const houses: Record<string, House> = {
  "debian-11": {
    suite: "bullseye",
    packages: [],
    programs: [{ name: "apt-debian-11", program: "apt-get", version: ["apt-get", "--version"] }],
  },
  "debian-12": {
    suite: "bookworm",
    // What packages with a server call when they are installed.
    packages: ["passwd", "init-system-helpers"],
    programs: [{ name: "apt-debian-12", program: "apt-get", version: ["apt-get", "--version"] }],
  },
  "debian-13": {
    suite: "trixie",
    packages: ["dput-ng"],
    programs: [
      { name: "apt-debian-13", program: "apt-get", version: ["apt-get", "--version"] },
      { name: "dput-ng", program: "dput", version: ["python3", "-c", DPUT_VERSION] },
    ],
  },
};

/** In a house: what dpkg would know had it installed what was unpacked. For who wants it as its status, in a copy. */
export const unpackedStatus = ".unpacked-status";

export const houseNames: readonly string[] = Object.values(houses).flatMap(({ programs }) =>
  programs.map(({ name }) => name),
);

/** `home` holds the folders. Clients are started as `chroot FOLDER PROGRAM`. */
export async function installHouses(say: (line: string) => void, home: string): Promise<Client[]> {
  const clients: Client[] = [];
  for (const [name, house] of Object.entries(houses)) {
    const root = join(home, name);
    const missing = await prepare(house, root, say).catch((error) =>
      String(error.message ?? error),
    );
    for (const { name: client, program, version } of house.programs) {
      if (missing !== null) clients.push({ name: client, missing });
      else clients.push(await asked(client, root, program, version));
    }
  }
  return clients;
}

async function asked(
  name: string,
  root: string,
  program: string,
  ask: readonly string[],
): Promise<Client> {
  const { code, output } = await run(["chroot", root, ...ask], { cwd: root, timeout: 60_000 });
  const version = /\d+\.\d+(\.\d+)*/.exec(output)?.[0];
  if (code === 0 && version) return { name, version, command: ["chroot", root, program] };
  return { name, missing: output.trim().split("\n").at(-1) || `it ended with ${code}` };
}

/** Null when it is there now, else why not. */
async function prepare(
  { suite, packages }: House,
  root: string,
  say: (line: string) => void,
): Promise<string | null> {
  const wanted = [...GROUND, ...packages];
  const stamp = join(root, ".installed");
  const done = `${suite} ${wanted.join(" ")}`;
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === done) return null;
  if (process.getuid?.() !== 0) return "only root may run programs in a root of their own";
  if (process.arch !== "x64")
    return `it is unpacked for amd64, and this machine is ${process.arch}`;
  say(`unpacking ${wanted.join(" ")} of Debian's ${suite} (once) ...`);
  await rm(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  await unpack(suite, wanted, root);
  furnish(root);
  await must(["chroot", root, "ldconfig"], root);
  await writeFile(stamp, done);
  return null;
}

/** What the machine's apt fetches for a machine on which nothing is. */
async function unpack(suite: string, packages: readonly string[], root: string): Promise<void> {
  const debian = builtInRepositories["debian"]!;
  const url = debian.upstreams[0]!.url;
  const key = String(debian.options?.["keyring"]);
  const apt = new AptRoot([{ url, suite: `${suite} main`, key }]);
  try {
    for (const call of [["update"], ["install", "-y", "--download-only", ...packages]]) {
      const { code, output } = await apt.run(...call);
      if (code !== 0) throw new Error(output.trim().split("\n").slice(-2).join(" | "));
    }
    // base-files says which folders are one.
    const files = [...apt.downloaded().keys()].sort(
      (a, b) => Number(b.startsWith("base-files_")) - Number(a.startsWith("base-files_")),
    );
    const told: string[] = [];
    for (const file of files.map((name) => apt.path(join("cache/archives", name)))) {
      await must(["dpkg-deb", "-x", file, root], root);
      told.push(`Status: install ok installed\n${await must(["dpkg-deb", "-f", file], root)}`);
    }
    writeFileSync(join(root, unpackedStatus), told.join("\n"));
  } finally {
    apt.remove();
  }
}

/** What is made when a machine is set up, and not by unpacking. */
function furnish(root: string): void {
  for (const folder of ["dev", "proc", "tmp", "root", "var/lib/dpkg", "etc"])
    mkdirSync(join(root, folder), { recursive: true });
  for (const file of ["dev/null", "var/lib/dpkg/status"]) writeFileSync(join(root, file), "");
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
  for (const [name, program] of [
    ["bin/sh", "/bin/dash"],
    ["usr/bin/awk", "/usr/bin/mawk"],
  ] as const)
    if (!existsSync(join(root, name))) symlinkSync(program, join(root, name));
}

async function must(command: string[], cwd: string): Promise<string> {
  const { code, output, stdout } = await run(command, { cwd, timeout: 120_000 });
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${output.slice(-500)}`);
  return stdout;
}
