// Private packages that are made up, and put on the wire as their clients put them: without a client's start, which would take longer than what is measured.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Publisher } from "../peers/types.ts";
import { zip } from "../upstream/zip.ts";
import { Problem } from "./refuse.ts";

export const NPM_NAME = "@bench/private";
export const PYPI_NAME = "bench-private";
export const CLAIMS = { npm: "@bench/*", pypi: "bench-*" };

/** `size`: bytes of a file in it that cannot be compressed. */
export interface Release {
  version: string;
  size: number;
}

/** Publishes one version; milliseconds from the request to the end of the answer. Throws unless it was taken. */
export type Publish = (to: Publisher, release: Release) => Promise<number>;

function filler(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, size)));
  return bytes;
}

/** A tar of files, by path. POSIX.1-1988 */
function tar(files: Record<string, Buffer>): Buffer {
  const parts = Object.entries(files).flatMap(([name, bytes]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc(-bytes.length & 511)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export const publishNpm: Publish = async (to, { version, size }) => {
  const manifest = { name: NPM_NAME, version, description: "A private one", license: "MIT" };
  const files = {
    "package/package.json": Buffer.from(JSON.stringify(manifest)),
    "package/filler.bin": filler(size),
  };
  const tarball = gzipSync(tar(files), { level: 1 });
  const digest = (algorithm: string) => createHash(algorithm).update(tarball);
  const file = `${NPM_NAME}-${version}.tgz`;
  const dist = {
    integrity: `sha512-${digest("sha512").digest("base64")}`,
    shasum: digest("sha1").digest("hex"),
    tarball: `${to.url}/${NPM_NAME}/-/${file}`,
  };
  const data = tarball.toString("base64");
  const attachment = { content_type: "application/octet-stream", data, length: tarball.length };
  const document = JSON.stringify({
    _id: NPM_NAME,
    name: NPM_NAME,
    description: manifest.description,
    "dist-tags": { latest: version },
    versions: { [version]: { ...manifest, _id: `${NPM_NAME}@${version}`, dist } },
    access: null,
    _attachments: { [file]: attachment },
  });
  const headers = { authorization: to.authorization, "content-type": "application/json" };
  return send(`${to.url}/${NPM_NAME.replace("/", "%2f")}`, {
    method: "PUT",
    headers,
    body: document,
  });
};

export const publishPypi: Publish = async (to, { version, size }) => {
  const wheel = PYPI_NAME.replace("-", "_");
  const info = `${wheel}-${version}.dist-info`;
  const metadata = `Metadata-Version: 2.1\nName: ${PYPI_NAME}\nVersion: ${version}\nSummary: A private one\n`;
  const files = {
    [`${wheel}/filler.bin`]: filler(size),
    [`${wheel}/__init__.py`]: Buffer.alloc(0),
    [`${info}/METADATA`]: Buffer.from(metadata),
    [`${info}/WHEEL`]: Buffer.from(
      "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    ),
  };
  const record = Object.entries(files).map(([path, bytes]) => {
    const digest = createHash("sha256").update(bytes).digest("base64url");
    return `${path},sha256=${digest},${bytes.length}`;
  });
  const list = Buffer.from([...record, `${info}/RECORD,,`, ""].join("\n"));
  const bytes = zip({ ...files, [`${info}/RECORD`]: list });
  const form = new FormData();
  const fields = {
    ":action": "file_upload",
    protocol_version: "1",
    metadata_version: "2.1",
    name: PYPI_NAME,
    version,
    summary: "A private one",
    filetype: "bdist_wheel",
    pyversion: "py3",
    sha256_digest: createHash("sha256").update(bytes).digest("hex"),
    md5_digest: createHash("md5").update(bytes).digest("hex"),
  };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("content", new Blob([bytes]), `${wheel}-${version}-py3-none-any.whl`);
  const headers = { authorization: to.authorization };
  return send(to.url, { method: "POST", headers, body: form });
};

async function send(url: string, request: RequestInit): Promise<number> {
  const began = performance.now();
  const answer = await fetch(url, request);
  const text = await answer.text();
  if (!answer.ok)
    throw new Problem(`publishing was answered ${answer.status}: ${text.slice(0, 200)}`);
  return performance.now() - began;
}
