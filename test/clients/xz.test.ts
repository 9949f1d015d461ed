// The real xz on files that are written here.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { xzBlock, xzFile } from "../../src/archive/xz-writer.ts";
import { tempFolder } from "../support/temp.ts";
import { must } from "./apt-builds.ts";
import { withPrograms } from "./clients.ts";

withPrograms(["xz"], () => {
  test("xz finds nothing wrong with a file of several blocks, and has the same of it", async () => {
    const home = tempFolder("xz");
    // Text, and what no compression makes smaller.
    const text = readFileSync(new URL("../../package-lock.json", import.meta.url));
    const noise = new Uint8Array(200_000).map(
      (_, at) => (Math.imul(at, 0x9e37_79b1) >>> 11) ^ (at >>> 3),
    );
    const pieces = [text, noise, text.subarray(0, 1), Buffer.concat([noise, text, noise])];
    for (const [count, part] of [
      [4, pieces],
      [1, [text]],
      [0, []],
    ] as const) {
      const path = join(home, `${count}.xz`);
      writeFileSync(path, xzFile(part.map((piece) => xzBlock(piece))));
      await must(["xz", "--test", path], home);
      expect(await must(["xz", "--robot", "--list", path], home)).toContain(
        `\nfile\t1\t${count}\t`,
      );
      await must(["xz", "--decompress", path], home);
      expect(readFileSync(join(home, `${count}`)).equals(Buffer.concat([...part]))).toBe(true);
    }
  });
});
