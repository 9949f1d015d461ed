// Installs the clients of versions.json into .clients/, once, with the machine's own npm, pip and go; says which could not be had.
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../support/run.ts";
import { installPrograms } from "./debian.ts";
import { installHouses } from "./houses.ts";
import pinned from "./versions.json" with { type: "json" };

interface Pin {
  npm?: string;
  /** What goes with it comes before it. */
  pip?: string;
  /** The package of a command. */
  go?: string;
  /** The Node.js that it runs on, when the machine's may be too old for it. */
  node?: string;
  /** What it is asked for its version with, in place of `--version`. */
  asked?: string;
}

/** How a client is started: the program and its first arguments. `null` names what is missing and why. */
export type Client =
  | { name: string; version: string; command: string[] }
  | { name: string; missing: string };

const root = new URL("../../", import.meta.url).pathname;
const home = join(root, ".clients");
const names = Object.keys(pinned);

/** What one client needs to be found again. Absolute, so that the tests may change the directory. */
function commandOf(name: string, pin: Pin): string[] {
  const at = join(home, name);
  const modules = join(at, "node_modules");
  if (pin.pip || pin.go) return [join(at, "bin", name)];
  const node = pin.node
    ? join(modules, `node-${process.platform}-${process.arch}`, "bin", "node")
    : "node";
  const script: Record<string, string> = {
    "npm-10": "npm/bin/npm-cli.js",
    "npm-11": "npm/bin/npm-cli.js",
    npm: "npm/bin/npm-cli.js",
    "yarn-1": "yarn/bin/yarn.js",
    "yarn-4": "@yarnpkg/cli-dist/bin/yarn.js",
  };
  const file = script[name];
  return file ? [node, join(modules, file)] : [join(modules, ".bin", name)];
}

async function installOne(name: string, pin: Pin): Promise<void> {
  const at = join(home, name);
  await rm(at, { recursive: true, force: true });
  await mkdir(at, { recursive: true });
  if (pin.npm) {
    const packages = [pin.npm];
    if (pin.node) packages.push(`node-${process.platform}-${process.arch}@${pin.node}`);
    await writeFile(
      join(at, "package.json"),
      JSON.stringify({ private: true, allowScripts: { [pin.npm.replace(/@[^@]*$/, "")]: true } }),
    );
    await must(
      [
        "npm",
        "install",
        "--no-save",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        ...packages,
      ],
      at,
    );
  } else if (pin.pip) {
    await must(["python3", "-m", "venv", at], at);
    await must(
      [join(at, "bin", "python"), "-m", "pip", "install", "--quiet", ...pin.pip.split(" ")],
      at,
    );
  } else if (pin.go) {
    await must(["go", "install", pin.go], at, { GOBIN: join(at, "bin") });
  }
}

async function must(
  command: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<void> {
  const result = await run(command, {
    cwd,
    env: { ...process.env, ...env } as Record<string, string>,
    timeout: 900_000, // helm is compiled, on a machine that may be busy
  });
  if (result.code !== 0)
    throw new Error(
      `${command.slice(0, 3).join(" ")} … ended with ${result.code}: ${result.output.trim().split("\n").slice(-3).join(" | ")}`,
    );
}

async function versionOf(command: string[], cwd: string, args = ["--version"]): Promise<string> {
  const result = await run([...command, ...args], { cwd, timeout: 60_000 });
  if (result.code !== 0)
    throw new Error(result.output.trim().split("\n")[0] || `ended with ${result.code}`);
  return /v?\d+\.\d+(\.\d+)?/.exec(result.output)?.[0] ?? "?";
}

async function prepare(name: string, pin: Pin, say: (line: string) => void): Promise<Client> {
  const stamp = join(home, name, ".installed");
  const wanted = JSON.stringify(pin);
  try {
    if (!existsSync(stamp) || (await readFile(stamp, "utf8")) !== wanted) {
      say(`installing ${pin.npm ?? pin.pip ?? pin.go} (once) ...`);
      await installOne(name, pin);
      await versionOf(commandOf(name, pin), home, [pin.asked ?? "--version"]);
      await writeFile(stamp, wanted);
    }
    const command = commandOf(name, pin);
    return { name, version: (pin.npm ?? pin.pip ?? pin.go ?? "").replace(/^.*[@=]/, ""), command };
  } catch (error) {
    return { name, missing: error instanceof Error ? error.message : String(error) };
  }
}

/** A client that the machine has, or the project itself. */
async function present(name: string, command: string[], args?: string[]): Promise<Client> {
  try {
    return { name, version: await versionOf(command, home, args), command };
  } catch (error) {
    return { name, missing: error instanceof Error ? error.message : String(error) };
  }
}

/** Every client that the tests know, in the order of versions.json, then those that are on the machine, then Debian's. */
export async function installClients(say: (line: string) => void): Promise<Client[]> {
  await mkdir(home, { recursive: true });
  const clients: Client[] = [];
  for (const name of names)
    clients.push(await prepare(name, (pinned as Record<string, Pin>)[name]!, say));
  clients.push(await present("bun", [process.execPath]));
  clients.push(await present("pip-machine", ["python3", "-m", "pip"]));
  clients.push(await present("go", ["go"], ["version"]));
  clients.push(...(await installPrograms(say, home)));
  clients.push(...(await installHouses(say, home)));
  return clients;
}

/** What the tests, which run in a process of their own, read. */
export const manifest = join(home, "clients.json");

if (import.meta.main) {
  const clients = await installClients((line) => console.log(`  ${line}`));
  await writeFile(manifest, JSON.stringify(clients, null, 1));
  for (const client of clients)
    console.log(
      "missing" in client
        ? `  ${client.name}: MISSING, ${client.missing}`
        : `  ${client.name} ${client.version}`,
    );
}
