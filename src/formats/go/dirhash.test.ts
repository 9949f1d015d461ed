// Against what golang.org/x/mod/sumdb/dirhash gives for the same bytes (testdata/vectors.go).
import { expect, test } from "bun:test";
import type { RandomAccess } from "../../core/artifact.ts";
import { hashMod, hashZip } from "./dirhash.ts";
import vector from "./testdata/dirhash.json" with { type: "json" };

function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

test("a module zip has the h1 that Go gives it", async () => {
  const zip = Buffer.from(vector.zip, "base64");
  expect(`h1:${await hashZip(inMemory(zip))}`).toBe(vector.h1);
});

test("a go.mod has the h1 that Go gives it", async () => {
  expect(`h1:${await hashMod(inMemory(Buffer.from(vector.mod)))}`).toBe(vector.h1mod);
});

test("another name or another content is another hash, or refused", async () => {
  const zip = Buffer.from(vector.zip, "base64");
  const renamed = Buffer.from(zip);
  const name = zip.lastIndexOf("m@v1.0.0/b.go");
  renamed.write("m@v1.0.0/c.go", name);
  expect(`h1:${await hashZip(inMemory(renamed))}`).not.toBe(vector.h1);

  const altered = Buffer.from(zip);
  altered.write("package n\n", zip.indexOf("package m\n"));
  await expect(hashZip(inMemory(altered))).rejects.toMatchObject({ kind: "malformed" });

  const repeated = Buffer.from(vector.repeated, "base64");
  await expect(hashZip(inMemory(repeated))).rejects.toMatchObject({ kind: "malformed" });
});

test("a page of HTML is no module zip", async () => {
  const page = Buffer.from("<html>".repeat(100));
  await expect(hashZip(inMemory(page))).rejects.toMatchObject({ kind: "malformed" });
  await expect(hashZip(inMemory(Buffer.alloc(0)))).rejects.toMatchObject({ kind: "malformed" });
});
