// What npm sends to publish a version, without npm: for tests that publish much, or are cut off while they do.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { tar } from "../../src/archive/testdata/archives.ts";

/** The body of a PUT to the package's address; `filler` makes its tarball larger, `more` stands in its manifest. */
export function npmPublication(
  name: string,
  version: string,
  filler = "",
  more: object = {},
): { body: string; tarball: Buffer } {
  const manifest = { name, version, description: `${name} ${version}`, ...more };
  const tarball = gzipSync(
    tar(
      { name: "package/package.json", text: JSON.stringify(manifest) },
      { name: "package/filler", text: filler },
    ),
    { level: 0 },
  );
  const digest = (algorithm: string, encoding: "hex" | "base64") =>
    createHash(algorithm).update(tarball).digest(encoding);
  const file = `${name}-${version}.tgz`;
  const dist = {
    integrity: `sha512-${digest("sha512", "base64")}`,
    shasum: digest("sha1", "hex"),
    tarball: `http://localhost/${name}/-/${file}`,
  };
  const body = JSON.stringify({
    _id: name,
    name,
    "dist-tags": { latest: version },
    versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist } },
    access: null,
    _attachments: {
      [file]: {
        content_type: "application/octet-stream",
        data: tarball.toString("base64"),
        length: tarball.length,
      },
    },
  });
  return { body, tarball };
}
