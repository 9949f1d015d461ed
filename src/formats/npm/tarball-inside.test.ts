import { expect, test } from "bun:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { memoryRandom } from "../../store/sink.ts";
import { readTarball } from "./tarball-inside.ts";
import { packed } from "./testdata/tarball.ts";

const clean = '{"name":"a","version":"1.0.0"}';
const evil = '{"name":"a","version":"1.0.0","scripts":{"postinstall":"evil"}}';
const BLOCK = 512;

/** The blocks of an archive of some files, without its end. */
const blocks = (files: Record<string, string>) =>
  Buffer.from(gunzipSync(packed(files))).subarray(0, -2 * BLOCK);

/** With a header that is changed, and its checksum mended. */
function altered(archive: Buffer, change: (header: Buffer) => void): Buffer {
  const header = Buffer.from(archive.subarray(0, BLOCK));
  change(header);
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, archive.subarray(BLOCK)]);
}

const first = blocks({ "package/package.json": clean });
const end = Buffer.alloc(2 * BLOCK);
const second = (name: string) => blocks({ [name]: evil });

const confused: Record<string, Buffer> = {
  "the same name twice": Buffer.concat([first, second("package/package.json"), end]),
  "./package.json": Buffer.concat([first, second("./package.json"), end]),
  "/package.json": Buffer.concat([first, second("/package.json"), end]),
  "//package.json": Buffer.concat([first, second("//package.json"), end]),
  "package//package.json": Buffer.concat([first, second("package//package.json"), end]),
  "package/./package.json": Buffer.concat([first, second("package/./package.json"), end]),
  "other/../package/package.json": Buffer.concat([
    first,
    second("other/../package/package.json"),
    end,
  ]),
  "package/Package.JSON": Buffer.concat([first, second("package/Package.JSON"), end]),
  "another folder": Buffer.concat([first, second("other/package.json"), end]),
  "behind one block of zeros": Buffer.concat([
    first,
    Buffer.alloc(BLOCK),
    second("package/package.json"),
    end,
  ]),
  "an old long name": Buffer.concat([
    first,
    altered(blocks({ "././@LongLink": "package/package.json\0" }), (header) =>
      header.write("N", 156),
    ),
    second("package/zzz"),
    end,
  ]),
  "an old extended header": Buffer.concat([
    first,
    altered(blocks({ x: "30 path=package/package.json\n" }), (header) => header.write("X", 156)),
    second("package/zzz"),
    end,
  ]),
  "a prefix that not all read": Buffer.concat([
    first,
    altered(second("package/package.json"), (header) => {
      header.write("xx", 263);
      header.write("deep/er", 345);
    }),
    end,
  ]),
};
for (const [what, archive] of Object.entries(confused))
  test(`a tarball of which readers make two things is refused: ${what}`, async () => {
    await expect(readTarball(memoryRandom(gzipSync(archive)))).rejects.toMatchObject({
      kind: "badRequest",
    });
  });

test("a tarball that clients make is read", async () => {
  const files = {
    "package/package.json": clean,
    "package/README.md": "# Six",
    "package/node_modules/b/package.json": "{}",
  };
  expect(await readTarball(memoryRandom(packed(files)))).toMatchObject({
    manifest: { name: "a" },
    readme: "# Six",
    files: 3,
  });
});
