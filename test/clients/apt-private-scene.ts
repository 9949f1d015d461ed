// A server on which packages are published, people with tokens, and machines with apt that have one of them.
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
import type { Action } from "../../src/core/grant.ts";
import { makeAccounts } from "../support/accounts.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { build } from "../support/fake-upstream/apt-packages.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { type Result, run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { AptRoot } from "./apt-root.ts";
import { configOf, withBugs } from "./apt-scene.ts";

export interface Scene {
  server: ServerProcess;
  /** The repository's. */
  url: string;
  /** Ann's token, who may publish and unpublish. */
  ann: string;
  /** Ben's, who may read. */
  ben: string;
  /** A folder of the test's own. */
  home: string;
  signer: Signer | null;
  /** The file with the authority that clients must trust; null where the server speaks http. */
  authority: string | null;
  /** `holdfast` on the server's machine. Throws unless it ends well. */
  holdfast(...args: string[]): Promise<string>;
  /** Lines of a shell on the server's machine, which has the command. Throws unless all of them end well. */
  shell(lines: string, cwd: string): Promise<string>;
  /** A call of the API as Ann. */
  api(method: string, path: string, body?: Uint8Array | null, token?: string): Promise<Response>;
  /** A machine that has the server's key, and Ben's token where it has one at all. */
  machine(options?: MachineOptions): Promise<AptRoot>;
}

export interface MachineOptions {
  suite?: string;
  token?: string | null;
  /** "deb", "deb-src". */
  types?: string[];
  /** How apt is started where it is not the machine's own, see houses.ts. */
  start?: readonly string[];
}

export async function withScene(
  options: {
    hosted?: Record<string, unknown>;
    /** Who signs what is uploaded. */
    uploader?: string;
    /** The server speaks https, with a certificate of an authority of its own. */
    https?: boolean;
  },
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  const home = tempFolder("apt-private");
  const machines: AptRoot[] = [];
  const hosted = { suites: ["stable", "testing"], ...options.hosted };
  const signer = options.uploader ? await createSigner(home, options.uploader) : null;
  const repository = { format: "apt", hosted, ...(signer && { uploaders: signer.key }) };
  const settings = JSON.parse(configOf({ private: repository }));
  const made = options.https ? makeCertificate(["127.0.0.1"], 30) : null;
  const files = made && writeCertificate(home, made);
  const config = JSON.stringify({
    ...settings,
    access: { anonymous: "none" },
    ...(files && { tls: { certificate: files.certificate, key: files.key } }),
  });
  const server = await startProcess({ config, ...(made && { authority: made.authority }) });
  const tls = made ? { tls: { ca: made.authority } } : {};
  try {
    await server.pause();
    const all: Action[] = ["read", "publish", "unpublish"];
    const [ann, ben] = (await makeAccounts(server.data, [
      { user: "ann", actions: all, repository: "private" },
      { user: "ben", actions: ["read"], repository: "private" },
    ])) as [string, string];
    await server.restart();
    const url = `${server.url}/private`;
    const key = async () => {
      const answer = await fetch(`${url}/-/key.asc`, { headers: bearer(ben), ...tls });
      const path = join(home, `key-${machines.length}.asc`);
      writeFileSync(path, await answer.text());
      return path;
    };
    await act({
      server,
      url,
      ann,
      ben,
      home,
      signer,
      authority: files?.authority ?? null,
      async holdfast(...args) {
        const command = [process.execPath, join(import.meta.dir, "../../src/main.ts"), ...args];
        const call = [...command, "--config", server.config, "--data", server.data];
        const { code, output } = await run(call, { cwd: home, env: environment(home) });
        if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${output}`);
        return output;
      },
      shell(lines, cwd) {
        const program = join(home, "bin", "holdfast");
        mkdirSync(join(home, "bin"), { recursive: true });
        const words = [process.execPath, join(import.meta.dir, "../../src/main.ts"), '"$@"'];
        const flags = ["--config", server.config, "--data", server.data];
        writeFileSync(program, `#!/bin/sh\nexec ${[...words, ...flags].join(" ")}\n`);
        chmodSync(program, 0o755);
        const path = `${join(home, "bin")}:${process.env["PATH"]}`;
        return must(["sh", "-ec", lines], cwd, { PATH: path, HOME: home });
      },
      api: (method, path, body = null, token = ann) =>
        fetch(`${server.url}/-/api/v1/repositories/private${path}`, {
          method,
          headers: bearer(token),
          ...tls,
          ...(body && { body: new Uint8Array(body) }),
        }),
      async machine({ suite = "stable main", token = ben, types = ["deb"], start = [] } = {}) {
        const signedBy = await key();
        const machine = new AptRoot(
          [{ url, suite, key: signedBy, types }],
          files ? [`Acquire::https::CaInfo "${files.authority}";`] : [],
          start,
        );
        machines.push(machine);
        if (token !== null) {
          mkdirSync(machine.path("etc/auth.conf.d"), { recursive: true });
          const { protocol, host } = new URL(url);
          // Without the scheme apt takes it for https alone.
          const scheme = protocol === "https:" ? "" : "http://";
          const line = `machine ${scheme}${host}/private login ben password ${token}\n`;
          machine.write("etc/auth.conf.d/private.conf", line);
        }
        return machine;
      },
    });
  } catch (error) {
    throw withBugs(error, server);
  } finally {
    for (const one of machines) one.remove();
    await signer?.remove();
    await server.stop();
    removeTemp(home);
  }
}

function writeCertificate(home: string, { authority, pair }: TestCertificate) {
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  return {
    authority: write("authority.pem", authority),
    certificate: write("server.pem", pair.certificate),
    key: write("server.key", pair.key),
  };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

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

/** The releases of the suite "stable" that are remembered: none before it is asked for. */
export async function generations({ api }: Scene): Promise<unknown[]> {
  const answer = await api("GET", `/packages/${encodeURIComponent("dists/stable")}`);
  return ((await answer.json()) as { releases?: unknown[] }).releases ?? [];
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
