// Makes Debian packages of the executables: `npm run deb`. They come to lie in dist/. Needs Debian's dpkg-deb.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import manifest from "../package.json" with { type: "json" };
import { bashScript } from "../src/cli/completion-bash.ts";
import { fishScript } from "../src/cli/completion-fish.ts";
import { shapesOf } from "../src/cli/completion-shape.ts";
import { zshScript } from "../src/cli/completion-zsh.ts";
import { commands } from "../src/main.ts";
import { buildExecutable, commitOf, type Target, targets } from "./build.ts";
import { manuals, packed } from "./man.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
export const architectures: Readonly<Record<Target, string>> = {
  "linux-x64": "amd64",
  "linux-arm64": "arm64",
};

export interface DebOptions {
  target: Target;
  /** The executable for that target. */
  program: string;
  /** Where the package is put: its whole path. */
  file: string;
  /** That of the project unless told. */
  version?: string;
  /** What dpkg-deb is told about compression; its own default unless told. */
  compression?: readonly string[];
}

/** The same program makes the same package. Throws with what dpkg-deb says. */
export function buildDeb({
  target,
  program,
  file,
  version = manifest.version,
  compression = [],
}: DebOptions): void {
  const tree = `${file}.tree`;
  rmSync(tree, { recursive: true, force: true });
  const put = (path: string, content: string | Uint8Array, mode = 0o644) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content, { mode });
  };
  const project = (path: string) => readFileSync(join(ROOT, path));
  const shapes = shapesOf(commands());

  mkdirSync(join(tree, "usr/bin"), { recursive: true });
  copyFileSync(program, join(tree, "usr/bin/holdfast"));
  put(
    "usr/lib/systemd/system/holdfast.service",
    withoutHead(project("deploy/holdfast.service").toString()),
  );
  put("etc/holdfast/holdfast.yaml", project("deploy/debian/holdfast.yaml"));
  for (const [path, text] of Object.entries(manuals()))
    put(`usr/share/man/${path}.gz`, packed(text));
  put("usr/share/bash-completion/completions/holdfast", bashScript(shapes));
  put("usr/share/zsh/vendor-completions/_holdfast", zshScript(shapes));
  put("usr/share/fish/vendor_completions.d/holdfast.fish", fishScript(shapes));
  const documents = "usr/share/doc/holdfast";
  put(`${documents}/copyright`, project("deploy/debian/copyright"));
  put(`${documents}/changelog.gz`, gzipSync(changelog(version), { level: 9 }));
  put(`${documents}/NEWS.gz`, gzipSync(project("CHANGELOG.md"), { level: 9 }));
  const proxies = ["nginx.conf", "Caddyfile", "haproxy.cfg"];
  const cluster = ["holdfast.yaml", "nginx.conf", "haproxy.cfg"].map((name) => `cluster/${name}`);
  for (const example of [...proxies, ...cluster, "logrotate"])
    if (existsSync(join(ROOT, "deploy", example)))
      put(`${documents}/examples/${example}`, project(`deploy/${example}`));
  put("usr/share/lintian/overrides/holdfast", OVERRIDES);

  put("DEBIAN/control", control(version, architectures[target], sizeOf(tree)));
  put("DEBIAN/conffiles", "/etc/holdfast/holdfast.yaml\n");
  for (const script of ["postinst", "prerm", "postrm"])
    put(`DEBIAN/${script}`, project(`deploy/debian/${script}`), 0o755);
  call(["find", tree, "-type", "d", "-exec", "chmod", "0755", "{}", "+"]);
  call([
    "find",
    tree,
    "-type",
    "f",
    "-not",
    "-path",
    "*/DEBIAN/p*",
    "-exec",
    "chmod",
    "0644",
    "{}",
    "+",
  ]);
  call(["chmod", "0755", join(tree, "usr/bin/holdfast")]);
  call(["dpkg-deb", "--root-owner-group", ...compression, "--build", tree, file]);
  rmSync(tree, { recursive: true });
}

function control(version: string, architecture: string, kilobytes: number): string {
  return `Package: holdfast
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.29), passwd, init-system-helpers (>= 1.51)
Recommends: ca-certificates
Suggests: git
Section: net
Priority: optional
Description: server that keeps packages of npm, PyPI, Go, Composer and apt
 One server in front of the public registries: what was fetched once is
 verified, pinned, and served for ever, also when the registry is away.
 Packages of your own are published in it, with accounts and grants.
`;
}

/** Whoever builds it, as Debian's own tools take it. */
const MAINTAINER = `${process.env["DEBFULLNAME"] ?? "The authors of Holdfast"} <${process.env["DEBEMAIL"] ?? "holdfast@packages.example.com"}>`;

/** As Debian's tools read it. */
function changelog(version: string): string {
  const at = new Date(epoch() * 1000).toUTCString().replace("GMT", "+0000");
  return `holdfast (${version}) unstable; urgency=medium

  * What changed for those who run it is in NEWS.gz.

 -- ${MAINTAINER}  ${at}
`;
}

/** What lintian finds wrong with a program that brings its runtime, and is meant. */
const OVERRIDES = `# One executable with the runtime and the sources in it, made by Bun: stripped of its symbols it would lose them.
holdfast: unstripped-binary-or-object [usr/bin/holdfast]
holdfast: embedded-library *
holdfast: hardening-no-pie *
holdfast: initial-upload-closes-no-bugs *
`;

/** The comment for those who copy the unit by hand is not for who has it installed. */
function withoutHead(unit: string): string {
  return unit.slice(unit.indexOf("[Unit]"));
}

function sizeOf(tree: string): number {
  const said = call(["find", tree, "-type", "f"]).trim().split("\n");
  return said.reduce((total, path) => total + Math.ceil(statSync(path).size / 1024), 0);
}

/** Times in the package are that of the commit, so that the same sources make the same package. */
function epoch(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given) return Number(given);
  const { success, stdout } = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: ROOT });
  return success ? Number(stdout.toString()) : 0;
}

function call(command: string[]): string {
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch()) };
  const { success, stdout, stderr } = Bun.spawnSync(command, { env });
  if (!success) throw new Error(`${command[0]} failed: ${stderr}`);
  return stdout.toString();
}

if (import.meta.main) {
  if (!Bun.which("dpkg-deb")) {
    console.error(
      "Packages are made by Debian's dpkg-deb, which is not on this machine: apt install dpkg",
    );
    process.exit(1);
  }
  for (const target of Object.keys(targets) as Target[]) {
    const program = join(DIST, `holdfast-${target}`);
    await buildExecutable(target, program, commitOf());
    const name = `holdfast_${manifest.version}_${architectures[target]}.deb`;
    buildDeb({ target, program, file: join(DIST, name) });
    console.log(`dist/${name}`);
  }
}
