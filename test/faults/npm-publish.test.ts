// A large package is published: the document that carries it is read as it comes, and its tarball goes to disk. Memory stays what it is.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { end, tarPart } from "../../src/archive/testdata/archives.ts";
import { makeAccounts } from "../support/accounts.ts";
import { bodyOf, growthsOf } from "../support/large.ts";
import { startProcess } from "../support/process.ts";

const MIB = 1024 * 1024;
const PIECES = 500;
const NAME = "@reef/large";

/** A tarball, not compressed, with a file of `pieces` MiB. The same each time. */
async function* tarball(version: string, pieces: number): AsyncGenerator<Buffer> {
  const manifest = JSON.stringify({ name: NAME, version });
  const header = tarPart({ name: "package/data" });
  header.write(`${(pieces * MIB).toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const piece = Buffer.alloc(MIB, "sea shell ");
  const parts = function* () {
    yield tarPart({ name: "package/package.json", text: manifest });
    yield header;
    for (let count = 0; count < pieces; count += 1) yield piece;
    yield end;
  };
  yield* Readable.from(parts()).pipe(createGzip({ level: 0 })) as AsyncIterable<Buffer>;
}

/** The document that carries it, in pieces. */
async function* documentOf(version: string, pieces: number): AsyncGenerator<Buffer> {
  const sha512 = createHash("sha512");
  let length = 0;
  for await (const chunk of tarball(version, pieces)) {
    sha512.update(chunk);
    length += chunk.length;
  }
  const dist = { integrity: `sha512-${sha512.digest("base64")}` };
  const manifest = { name: NAME, version, dist };
  const head = JSON.stringify({ name: NAME, versions: { [version]: manifest } }).slice(0, -1);
  const attachment = JSON.stringify({ length }).slice(0, -1);
  const file = JSON.stringify(`${NAME}-${version}.tgz`);
  yield Buffer.from(`${head},"_attachments":{${file}:${attachment},"data":"`);
  let rest = Buffer.alloc(0);
  for await (const chunk of tarball(version, pieces)) {
    const all = Buffer.concat([rest, chunk]);
    const whole = all.length - (all.length % 3);
    rest = all.subarray(whole);
    yield Buffer.from(all.toString("base64", 0, whole));
  }
  yield Buffer.from(`${rest.toString("base64")}"}}}`);
}

async function publish(
  url: string,
  token: string,
  version: string,
  pieces: number,
): Promise<Response> {
  const parts = documentOf(version, pieces);
  const body = bodyOf(parts);
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return fetch(`${url}/npm/${NAME.replace("/", "%2f")}`, { method: "PUT", headers, body });
}

test("a package of 500 MB is published without holding it", async () => {
  const config = JSON.stringify({ repositories: { npm: { upstreams: [], claims: ["*"] } } });
  const server = await startProcess({ config });
  try {
    await server.pause();
    const [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
    await server.restart();
    const published = async (url: string, version: string, pieces: number) => {
      const answer = await publish(url, token!, version, pieces);
      expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining("true")]);
    };
    const growths = await growthsOf(server, published, PIECES);
    // The collector's slack and what is loaded after the first come to 260 at the most; who held the body would need 500, and its base64 670.
    for (const growth of growths) expect(growth).toBeLessThan(380);
  } finally {
    await server.stop();
  }
}, 180_000);
