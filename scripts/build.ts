// Makes the executables: `npm run build`, or `npm run build -- linux-x64` for one platform. They come to lie in dist/, with their digests.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import manifest from "../package.json" with { type: "json" };
import lock from "../package-lock.json" with { type: "json" };
import type { Build } from "../src/core/build.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

/** The platforms that there are executables for, and the npm package that has their Bun. All want glibc. */
export const targets = {
  "linux-x64": "@oven/bun-linux-x64",
  "linux-arm64": "@oven/bun-linux-aarch64",
} as const;
export type Target = keyof typeof targets;

export const ownTarget = `${process.platform}-${process.arch}`;

/** Makes one executable. The same sources, commit and target make the same bytes, wherever they lie. Throws with what the bundler says. */
export async function buildExecutable(
  target: Target,
  file: string,
  commit: string | null,
): Promise<void> {
  const build: Build = { commit, target };
  // The name that it is built under is in its bytes.
  const folder = join(dirname(resolve(file)), `.building-${target}`);
  mkdirSync(folder, { recursive: true });
  must([
    process.execPath,
    "build",
    "--compile",
    `--target=bun-${target}`,
    `--compile-executable-path=${target === ownTarget ? process.execPath : bunOf(target)}`,
    // What stands beside it, in whatever folder it is started, is none of its business.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--define=HOLDFAST_BUILD=${JSON.stringify(build)}`,
    `--outfile=${join(folder, "holdfast")}`,
    "src/main.ts",
    "src/worker/thread.ts",
  ]);
  renameSync(join(folder, "holdfast"), file);
  rmSync(folder, { recursive: true });
}

/** The commit of these sources, with a mark where files differ from it; null where there is no git. */
export function commitOf(): string | null {
  const git = (...args: string[]) => Bun.spawnSync(["git", ...args], { cwd: ROOT });
  try {
    const head = git("rev-parse", "--short=12", "HEAD");
    if (!head.success) return null;
    const changes = git("status", "--porcelain", "--untracked-files=no");
    return head.stdout.toString().trim() + (changes.stdout.length ? "-changed" : "");
  } catch {
    return null;
  }
}

/** Another platform's Bun, fetched once with the machine's own npm, and held against the lock file. */
function bunOf(target: Target): string {
  const name = targets[target];
  const { version, integrity } = lock.packages[`node_modules/${name}`];
  const folder = join(DIST, ".bun", `${target}-${version}`);
  const program = join(folder, "package", "bin", "bun");
  if (existsSync(program)) return program;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const said = must(["npm", "pack", "--silent", `${name}@${version}`], folder);
  const archive = join(folder, said.trim().split("\n").at(-1)!);
  const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (found !== integrity)
    throw new Error(
      `${name}@${version} is ${found}, and the lock file has ${integrity}: it is not used`,
    );
  must(["tar", "-xzf", archive, "package/bin/bun"], folder);
  rmSync(archive);
  return program;
}

function must(command: string[], cwd = ROOT): string {
  const { success, stdout, stderr, exitCode } = Bun.spawnSync(command, { cwd });
  if (!success)
    throw new Error(
      `${basename(command[0]!)} ${command[1]} ended with ${exitCode}:\n${stderr}${stdout}`,
    );
  return stdout.toString();
}

function isTarget(word: string): word is Target {
  return Object.hasOwn(targets, word);
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  const wanted = words.length ? words : Object.keys(targets);
  const unknown = wanted.filter((word) => !isTarget(word));
  if (unknown.length) {
    console.error(`No such platform: ${unknown.join(", ")}. There is ${Object.keys(targets)}`);
    process.exit(2);
  }
  const commit = commitOf();
  const sums: string[] = [];
  for (const target of wanted.filter(isTarget)) {
    const file = join(DIST, `holdfast-${target}`);
    await buildExecutable(target, file, commit);
    const sum = createHash("sha256").update(readFileSync(file)).digest("hex");
    sums.push(`${sum}  ${basename(file)}\n`);
    console.log(`dist/${basename(file)}: Holdfast ${manifest.version}, ${commit ?? "no commit"}`);
  }
  writeFileSync(join(DIST, "SHA256SUMS"), sums.join(""));
}
