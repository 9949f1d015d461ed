// Files that are copied to a bucket: small ones whole, large ones in parts, and none that is not what its digest says.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { openBucket } from "../../src/store/bucket.ts";
import { testPlace } from "../../src/store/bucket-testkit.ts";
import { type BlobPlace, copyBlobs, folderPlace, verifyBlobs } from "../../src/store/copy-blobs.ts";
import { bucketPlace } from "../../src/store/copy-bucket.ts";
import { openLayout } from "../../src/store/layout.ts";
import { type Gateway, startGateway } from "../support/bucket.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

const program = process.env["HOLDFAST_TEST_GATEWAY"];
if (program) define(program);

function define(program: string): void {
  let gateway: Gateway;
  let folder: string;
  let there: BlobPlace;
  beforeAll(async () => {
    gateway = await startGateway(program, ["packages"]);
    folder = tempFolder("copy-bucket");
    const place = testPlace(folder, { endpoint: gateway.endpoint, bucket: "packages" });
    there = bucketPlace(openBucket(place));
  });
  afterAll(async () => {
    await gateway.stop();
    removeTemp(folder);
  });
  const MIB = 1024 * 1024;
  const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const bytesOf = (size: number) => new Uint8Array(size).fill(size % 251);
  async function* inPieces(bytes: Uint8Array, piece = 700_000): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  async function all(chunks: AsyncIterable<Uint8Array> | null): Promise<number | null> {
    if (!chunks) return null;
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
    }
    expect(hash.digest("hex")).toBe(digestOf(bytesOf(size)));
    return size;
  }

  test("files of all sizes are there as they were, and go back", async () => {
    const sizes = [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB + 3];
    for (const size of sizes) {
      const bytes = bytesOf(size);
      let told = -1;
      const isTrue = await there.put(digestOf(bytes), inPieces(bytes), (put) => {
        told = put;
      });
      expect([size, isTrue, told]).toEqual([size, true, size]);
      expect(await there.size(digestOf(bytes))).toBe(size);
      expect(await all(await there.read(digestOf(bytes)))).toBe(size);
    }
    const here = folderPlace(openLayout(folder));
    const copied = await copyBlobs(there, here, () => {});
    expect(copied).toMatchObject({ files: sizes.length, already: 0, damaged: [] });
    expect(await verifyBlobs(here, () => {})).toEqual([]);
    expect(await copyBlobs(here, there, () => {})).toMatchObject({
      files: 0,
      already: sizes.length,
    });
  });

  test("bytes that are not what their digest says get no name, whole or in parts", async () => {
    for (const size of [5, 17 * MIB]) {
      const wanted = digestOf(Buffer.from(`not of ${size}`));
      expect(await there.put(wanted, inPieces(bytesOf(size)), () => {})).toBe(false);
      expect(await there.size(wanted)).toBeNull();
      expect(await there.read(wanted)).toBeNull();
    }
  });
}
