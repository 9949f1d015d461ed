// Indices that nothing vouches for are read in bounds: whoever stands in between may have made them.
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { looseDocument } from "./loose.ts";

function facts(bytes: Uint8Array) {
  const ref = { kind: "packages", key: "f/Packages.gz", package: "f", path: "f/Packages.gz" };
  return looseDocument.facts(
    {
      size: bytes.length,
      async *chunks() {
        yield bytes;
      },
      text: async () => "",
      json: async () => null,
    },
    ref,
  );
}

test("more files than such a folder has are refused", async () => {
  const stanza = (at: number) =>
    `Package: a\nFilename: ${at}\nSize: 1\nMD5sum: ${"0".repeat(32)}\n\n`;
  const text = (count: number) => Array.from({ length: count }, (_, at) => stanza(at)).join("");
  expect(await facts(gzipSync(text(20_000)))).toHaveLength(20_000);
  const failure = await facts(gzipSync(text(20_001))).catch((error) => error);
  expect(failure).toMatchObject({ kind: "malformed" });
});

test("a few bytes that unpack to very many are refused", async () => {
  const failure = await facts(gzipSync(Buffer.alloc(64 << 20, "#\n"))).catch((error) => error);
  expect(failure).toMatchObject({ kind: "malformed" });
});
