// Packages as clients pack and send them.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

/** A gzipped tar of text files, by path. */
export function packed(files: Record<string, string>): Buffer {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const bytes = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

export interface Wish {
  name?: string;
  version?: string;
  tag?: string;
  /** Of the package.json. */
  more?: Record<string, unknown>;
  /** What the document says otherwise. */
  told?: Record<string, unknown>;
  dist?: Record<string, unknown>;
  /** Beside the package.json, by path within the package. */
  files?: Record<string, string>;
  /** In place of the tarball. */
  bytes?: Buffer;
  attachment?: Record<string, unknown>;
  file?: string;
  /** A provenance bundle. */
  bundle?: string;
  /** Of the document. */
  root?: Record<string, unknown>;
}

/** The document of `npm publish`. */
export function publishDocument(wish: Wish = {}) {
  const { name = "@reef/six", version = "1.0.0", tag = "latest", file = `${name}-${version}.tgz` } = wish;
  const manifest = { name, version, ...wish.more };
  const inside = { "package/package.json": JSON.stringify(manifest) };
  const others = Object.entries(wish.files ?? {}).map(([path, text]) => [`package/${path}`, text]);
  const bytes = wish.bytes ?? packed({ ...inside, ...Object.fromEntries(others) });
  const digest = (name: string, form: "hex" | "base64") =>
    createHash(name).update(bytes).digest(form);
  const dist = {
    integrity: `sha512-${digest("sha512", "base64")}`,
    shasum: digest("sha1", "hex"),
    tarball: "http://elsewhere.example.test/six.tgz",
    ...wish.dist,
  };
  const data = bytes.toString("base64");
  const tarball = { content_type: "application/octet-stream", data, length: bytes.length };
  const bundle = { content_type: "application/vnd.dev.sigstore.bundle.v0.3+json", data: wish.bundle };
  return {
    _id: name,
    name,
    "dist-tags": { [tag]: version },
    versions: { [version]: { ...manifest, dist, ...wish.told } },
    access: null,
    _attachments: {
      [file]: { ...tarball, ...wish.attachment },
      ...(wish.bundle !== undefined && { [`${name}-${version}.sigstore`]: bundle }),
    },
    ...wish.root,
  };
}
