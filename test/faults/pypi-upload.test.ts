// A large file is published: it goes to disk as it comes, and is looked into in pieces. Memory stays what it is.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { end, tarPart } from "../../src/archive/testdata/archives.ts";
import {
  boundary,
  contentType,
  form,
  metadataText,
} from "../../src/formats/pypi/testdata/distributions.ts";
import { makeAccounts } from "../support/accounts.ts";
import { bodyOf, growthsOf } from "../support/large.ts";
import { startProcess } from "../support/process.ts";

const MIB = 1024 * 1024;
const PIECES = 300;

/** The header of a file whose bytes come later. */
function headerOf(name: string, size: number): Buffer {
  const block = tarPart({ name });
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("        ", 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** A source distribution, packed in many pieces, each of which is a gzip file: RFC 1952 §2.2 */
function* archive(version: string, pieces: number): Generator<Uint8Array> {
  const top = `sea_shell-${version}`;
  const piece = gzipSync(Buffer.alloc(MIB, "sea shell "), { level: 0 });
  yield gzipSync(headerOf(`${top}/data`, pieces * MIB));
  for (let count = 0; count < pieces; count += 1) yield piece;
  const info = tarPart({ name: `${top}/PKG-INFO`, text: metadataText({ version }) });
  yield gzipSync(Buffer.concat([info, end]));
}

async function publish(
  url: string,
  token: string,
  version: string,
  pieces: number,
): Promise<Response> {
  const hash = createHash("sha256");
  for (const piece of archive(version, pieces)) hash.update(piece);
  const file = `sea_shell-${version}.tar.gz`;
  const fields = form([["sha256_digest", hash.digest("hex")]]);
  const tail = `--${boundary}--\r\n`;
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="content"; filename="${file}"\r\n\r\n`;
  const parts = (function* () {
    yield fields.subarray(0, fields.length - tail.length);
    yield Buffer.from(head);
    yield* archive(version, pieces);
    yield Buffer.from(`\r\n${tail}`);
  })();
  const body = bodyOf(parts);
  const authorization = `Basic ${Buffer.from(`__token__:${token}`).toString("base64")}`;
  const headers = { "content-type": contentType, authorization };
  return fetch(`${url}/pypi/legacy/`, { method: "POST", headers, body });
}

test("a source distribution of 300 MB is published without holding it", async () => {
  const config = JSON.stringify({ repositories: { pypi: { upstreams: [], claims: ["*"] } } });
  const server = await startProcess({ config });
  try {
    await server.pause();
    const [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
    await server.restart();
    const published = async (url: string, version: string, pieces: number) => {
      const answer = await publish(url, token!, version, pieces);
      const said = `sea_shell-${version}.tar.gz is published\n`;
      expect([answer.status, await answer.text()]).toEqual([200, said]);
    };
    const growths = await growthsOf(server, published, PIECES);
    // The collector's slack comes to 80, and where it goes to a bucket four parts of 8 MiB on their way there to as much again; who held the body would need 300.
    for (const growth of growths) expect(growth).toBeLessThan(230);
  } finally {
    await server.stop();
  }
}, 180_000);
