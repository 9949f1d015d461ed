// Makes wheels, source distributions and the forms that they are posted in, for tests.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Part, tar, type ZipPart, zip } from "../../../archive/testdata/archives.ts";

export interface Made {
  file: string;
  bytes: Buffer;
}

export interface Wish {
  name?: string;
  version?: string;
  /** Lines of the metadata beside the three that must be there. */
  more?: string;
  metadata?: string;
}

export function metadataText({ name = "sea-shell", version = "1.0", more = "", metadata }: Wish): string {
  return metadata ?? `Metadata-Version: 2.4\nName: ${name}\nVersion: ${version}\n${more}\nA shell.\n`;
}

export interface WheelWish extends Wish {
  tag?: string;
  /** The tags that WHEEL says. */
  tags?: string[];
  parts?: ZipPart[];
  without?: string;
  file?: string;
}

/** The spelling of names in files. */
const escaped = (name: string) => name.replace(/[-_.]+/g, "_").toLowerCase();

export function wheel(wish: WheelWish = {}): Made {
  const { name = "sea-shell", version = "1.0", tag = "py3-none-any", tags = [tag], parts = [] } = wish;
  const info = `${escaped(name)}-${version}.dist-info`;
  const lines = tags.map((one) => `Tag: ${one}\n`).join("");
  const all: ZipPart[] = [
    { name: `${escaped(name)}/__init__.py`, text: `version = ${JSON.stringify(version)}\n` },
    { name: `${info}/METADATA`, text: metadataText(wish) },
    { name: `${info}/WHEEL`, text: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n${lines}` },
    ...parts,
  ];
  const record = [...all.map((part) => `${part.name},,`), `${info}/RECORD,,`].join("\n");
  all.push({ name: `${info}/RECORD`, text: `${record}\n` });
  const kept = all.filter((part) => part.name !== `${info}/${wish.without}`);
  return { file: wish.file ?? `${escaped(name)}-${version}-${tag}.whl`, bytes: zip(...kept) };
}

export interface SdistWish extends Wish {
  parts?: Part[];
  without?: boolean;
  file?: string;
}

export function sdist(wish: SdistWish = {}): Made {
  const { name = "sea-shell", version = "1.0", parts = [] } = wish;
  const stem = `${escaped(name)}-${version}`;
  const file = wish.file ?? `${stem}.tar.gz`;
  const info = wish.without ? [] : [{ name: `${stem}/PKG-INFO`, text: metadataText(wish) }];
  const all: Part[] = [{ name: `${stem}/setup.py`, text: "from setuptools import setup\nsetup()\n" }, ...info, ...parts];
  const bytes = file.endsWith(".zip")
    ? zip(...all.map(({ name, text = "" }) => ({ name, text })))
    : gzipSync(tar({ name: `${stem}/`, flag: "5", mode: 0o755 }, ...all));
  return { file, bytes };
}

export const boundary = "holdfast-test-boundary";
export const contentType = `multipart/form-data; boundary=${boundary}`;

export type Field = [name: string, value: string | Buffer, fileName?: string];

/** A form as twine posts it: the file comes last. */
export function uploadForm({ file, bytes }: Made, fields: Record<string, string> = {}): Buffer {
  return form([...Object.entries(formFields({ file, bytes }, fields)), ["content", bytes, file]]);
}

export function formFields({ file, bytes }: Made, fields: Record<string, string> = {}): Record<string, string> {
  const [name = "", version = ""] = file.replace(/\.(?:tar\.gz|zip|whl)$/, "").split("-");
  return {
    ":action": "file_upload",
    protocol_version: "1",
    name,
    version,
    filetype: file.endsWith(".whl") ? "bdist_wheel" : "sdist",
    sha256_digest: createHash("sha256").update(bytes).digest("hex"),
    ...fields,
  };
}

export function form(fields: Field[]): Buffer {
  const parts = fields.flatMap(([name, value, fileName]) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? "" : `; filename="${fileName}"`}\r\n\r\n`,
    ),
    Buffer.from(value),
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}
