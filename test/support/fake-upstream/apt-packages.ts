// Tiny valid Debian packages, binary and source, and their paragraphs in Packages and Sources. deb(5), dsc(5), deb-control(5)
import { createHash } from "node:crypto";
import { xz } from "./apt-xz.ts";
import { tarGz } from "./archives.ts";

export interface AptPackage {
  name: string;
  version: string;
  /** "all" unless told. */
  architecture?: string;
  component?: string;
  depends?: string;
  /** For the installer: another index, another suffix. */
  isUdeb?: boolean;
  /** Bytes of a file in it that does not compress. */
  bulk?: number;
  /** Other bytes under the same name and version. */
  salt?: string;
  /** Its file's name, where that does not follow from its version: vendors have the newest under one name. */
  file?: string;
}

export interface Built extends Required<Omit<AptPackage, "depends">> {
  depends: string;
  bytes: Buffer;
  /** In the archive's root. */
  path: string;
}

const built = new Map<string, Buffer>();

/** `folder` is where a flat archive has its packages; null for a pool. */
export function build(item: AptPackage, folder: string | null): Built {
  const full = {
    architecture: "all",
    component: "main",
    depends: "",
    isUdeb: false,
    bulk: 0,
    salt: "",
    file: "",
    ...item,
  };
  const key = JSON.stringify(full);
  const bytes = built.get(key) ?? deb(full);
  built.set(key, bytes);
  // An epoch is no part of file names: deb-version(7), "dpkg-name".
  const version = full.version.replace(/^\d+:/, "");
  const usual = `${full.name}_${version}_${full.architecture}.${full.isUdeb ? "udeb" : "deb"}`;
  const file = full.file || usual;
  const path = folder === null ? `${poolOf(full)}/${file}` : `${folder}${file}`;
  return { ...full, bytes, path };
}

function poolOf({ name, component }: { name: string; component: string }): string {
  const prefix = name.startsWith("lib") ? name.slice(0, 4) : name.slice(0, 1);
  return `pool/${component}/${prefix}/${name}`;
}

type Full = Required<AptPackage>;

function deb(item: Full): Buffer {
  const files: Record<string, string | Uint8Array> = {
    [`./usr/share/doc/${item.name}/README`]: `${item.name} ${item.version} ${item.salt}\n`,
  };
  if (item.bulk) files[`./usr/share/${item.name}/bulk`] = noise(item.name, item.bulk);
  return ar({
    "debian-binary": Buffer.from("2.0\n"),
    "control.tar.gz": tarGz({ "./control": control(item) }),
    "data.tar.gz": tarGz(files),
  });
}

function control(item: Full): string {
  return [
    `Package: ${item.name}`,
    `Version: ${item.version}`,
    `Architecture: ${item.architecture}`,
    "Maintainer: Fake Sea <sea@example.test>",
    ...(item.depends ? [`Depends: ${item.depends}`] : []),
    `Section: ${item.isUdeb ? "debian-installer" : "misc"}`,
    "Priority: optional",
    `Description: the ${item.name} of the fake sea`,
    "",
  ].join("\n");
}

export function paragraph(item: Built, prefix = ""): string {
  const { bytes } = item;
  return [
    control(item).trimEnd(),
    `Filename: ${prefix}${item.path}`,
    `Size: ${bytes.length}`,
    `MD5sum: ${hex("md5", bytes)}`,
    `SHA256: ${hex("sha256", bytes)}`,
    "",
    "",
  ].join("\n");
}

/** ar(5), as deb(5) wants it. */
export function ar(members: Record<string, Buffer>): Buffer {
  const parts: Buffer[] = [Buffer.from("!<arch>\n")];
  for (const [name, bytes] of Object.entries(members)) {
    const head = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`;
    parts.push(Buffer.from(head), bytes, Buffer.alloc(bytes.length % 2, "\n"));
  }
  return Buffer.concat(parts);
}

export interface AptSource {
  /** Paragraph in Sources. */
  text: string;
  files: Map<string, Buffer>;
}

/** A source package of three files: .dsc, .orig.tar.gz and .debian.tar.xz. */
export function source(name: string, version: string): AptSource {
  const folder = poolOf({ name, component: "main" });
  const upstream = version.replace(/-[^-]*$/, "");
  const parts = new Map([
    [`${name}_${upstream}.orig.tar.gz`, tarGz({ [`${name}/README`]: `${name}\n` })],
    [
      `${name}_${version}.debian.tar.xz`,
      xz(Buffer.from(`debian files of ${name} ${version}`.padEnd(1024))),
    ],
  ]);
  const list = (all: Map<string, Buffer>, algorithm: string) =>
    [...all].map(([file, bytes]) => ` ${hex(algorithm, bytes)} ${bytes.length} ${file}`);
  const head = (first: string) => [
    `${first}: ${name}`,
    "Format: 3.0 (quilt)",
    `Binary: ${name}`,
    "Architecture: any",
    `Version: ${version}`,
    "Maintainer: Fake Sea <sea@example.test>",
  ];
  const dsc = [
    ...head("Source"),
    "Checksums-Sha256:",
    ...list(parts, "sha256"),
    "Files:",
    ...list(parts, "md5"),
    "",
  ].join("\n");
  const all = new Map([[`${name}_${version}.dsc`, Buffer.from(dsc)], ...parts]);
  const text = [
    ...head("Package"),
    `Directory: ${folder}`,
    "Files:",
    ...list(all, "md5"),
    "Checksums-Sha256:",
    ...list(all, "sha256"),
    "",
    "",
  ].join("\n");
  return { text, files: new Map([...all].map(([file, bytes]) => [`${folder}/${file}`, bytes])) };
}

export function hex(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest("hex");
}

function noise(seed: string, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at * 64 < size; at += 1)
    parts.push(createHash("sha512").update(`${seed} ${at}`).digest());
  return Buffer.concat(parts).subarray(0, size);
}
