// Packages as people build them, with Debian's own tools, and who signs them.
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { build } from "../support/fake-upstream/apt-packages.ts";
import { type Result, run } from "../support/run.ts";

export function environment(home: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    DEBIAN_FRONTEND: "noninteractive",
  };
}

/** Throws unless it ends well. */
export async function must(
  command: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  const { code, output }: Result = await run(command, {
    cwd,
    env: { ...environment(cwd), ...env },
    timeout: 120_000,
  });
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

export interface DebOptions {
  version?: string;
  architecture?: string;
  /** Of control.tar and data.tar, as dpkg-deb calls it. */
  compression?: "gzip" | "xz" | "zstd";
  depends?: string;
  text?: string;
}

/** A package built by dpkg-deb. Returns its path. */
export async function buildDeb(
  folder: string,
  name: string,
  made: DebOptions = {},
): Promise<string> {
  const { version = "1.0-1", architecture = "all", compression = "xz", text = version } = made;
  const root = join(folder, `build-${name}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(join(root, "DEBIAN"), { recursive: true });
  mkdirSync(join(root, "usr/share", name), { recursive: true });
  writeFileSync(join(root, "usr/share", name, "text"), `${text}\n`);
  const fields = [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    "Maintainer: Ann <ann@example.test>",
    "Section: misc",
    "Priority: optional",
    ...(made.depends ? [`Depends: ${made.depends}`] : []),
    `Description: the ${name} of the private sea`,
    " It has a long description as well,",
    " .",
    " in two paragraphs.",
    "",
  ];
  writeFileSync(join(root, "DEBIAN/control"), fields.join("\n"));
  const file = join(folder, `${name}_${version.replace(/^\d+:/, "")}_${architecture}.deb`);
  await must(["dpkg-deb", `-Z${compression}`, "--root-owner-group", "--build", root, file], folder);
  return file;
}

const MANY = 100;

export function named(name: string): string[] {
  return Array.from({ length: MANY }, (_, at) => `${name}${at}`);
}

/** A hundred packages. dpkg-deb would take as long for them as all else. Returns their paths. */
export function many(folder: string, name: string): string[] {
  return named(name).map((one) => {
    const path = join(folder, `${one}_1.0_all.deb`);
    writeFileSync(path, build({ name: one, version: "1.0" }, null).bytes);
    return path;
  });
}

export interface Built {
  folder: string;
  /** The names of all files, the .changes last. */
  files: string[];
  changes: string;
}

/** A source package of two revisions' kind (an .orig.tar.gz and a .debian.tar.xz) and its binary package, built by dpkg-buildpackage. */
export async function buildSource(home: string, name: string, version: string): Promise<Built> {
  const folder = join(home, `source-${name}-${version}`);
  const [upstream] = version.split("-") as [string];
  const root = join(folder, `${name}-${upstream}`);
  const orig = join(home, `${name}_${upstream}.orig.tar.gz`);
  mkdirSync(join(root, "debian/source"), { recursive: true });
  writeFileSync(join(root, "README"), `${name} ${upstream}\n`);
  const tar = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--exclude=debian"];
  if (!existsSync(orig))
    await must(["tar", ...tar, "-czf", orig, "-C", folder, `${name}-${upstream}`], folder);
  copyFileSync(orig, join(folder, basename(orig)));
  const rules = [
    "#!/usr/bin/make -f",
    "clean build build-arch build-indep:",
    "binary: binary-indep",
    "binary-arch:",
    "binary-indep:",
    `\tmkdir -p debian/${name}/DEBIAN debian/${name}/usr/share/${name}`,
    `\tcp README debian/${name}/usr/share/${name}/README`,
    `\tdpkg-gencontrol -p${name} -Pdebian/${name}`,
    `\tdpkg-deb --root-owner-group --build debian/${name} ..`,
    "",
  ];
  const files: Record<string, string> = {
    "debian/rules": rules.join("\n"),
    "debian/source/format": "3.0 (quilt)\n",
    "debian/changelog": `${name} (${version}) stable; urgency=medium\n\n  * It is.\n\n -- Ann <ann@example.test>  Thu, 26 Nov 2026 18:00:00 +0000\n`,
    "debian/control": `Source: ${name}\nSection: misc\nPriority: optional\nMaintainer: Ann <ann@example.test>\nStandards-Version: 4.6.2\n\nPackage: ${name}\nArchitecture: all\nDescription: the ${name} of the private sea\n`,
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  chmodSync(join(root, "debian/rules"), 0o755);
  await must(["dpkg-buildpackage", "-us", "-uc", "-d", "-sa"], root);
  const changes = readdirSync(folder).find((file) => file.endsWith(".changes"))!;
  const listed = readFileSync(join(folder, changes), "utf8").split("\nFiles:\n")[1]!;
  const names = [...listed.matchAll(/^ \S+ \d+ \S+ \S+ (\S+)$/gm)].map(([, file]) => file!);
  return { folder, files: [...names, changes], changes: join(folder, changes) };
}

export interface Signer {
  /** The file with the public key. */
  key: string;
  /** Signs a .changes in place, as debsign does. */
  sign(file: string): Promise<void>;
  remove(): Promise<void>;
}

export async function createSigner(home: string, user: string): Promise<Signer> {
  const gnupg = join(home, `gnupg-${user.split("@")[0]}`);
  mkdirSync(gnupg, { mode: 0o700 });
  const env = { GNUPGHOME: gnupg };
  const gpg = ["gpg", "--batch", "--quiet", "--yes", "--passphrase", ""];
  await must([...gpg, "--quick-gen-key", user, "ed25519", "sign", "never"], home, env);
  const key = join(home, `${user}.asc`);
  await must([...gpg, "--armor", "--output", key, "--export", user], home, env);
  return {
    key,
    async sign(file) {
      const [plain, signed] = [`${file}.plain`, `${file}.signed`];
      if (!existsSync(plain)) copyFileSync(file, plain);
      const call = ["--local-user", user, "--output", signed, "--clearsign", plain];
      await must([...gpg, ...call], home, env);
      copyFileSync(signed, file);
    },
    // gpg started an agent, which would outlive the test.
    remove: async () => void (await must(["gpgconf", "--kill", "gpg-agent"], home, env)),
  };
}

export const sha256Of = (path: string) =>
  createHash("sha256").update(readFileSync(path)).digest("hex");
