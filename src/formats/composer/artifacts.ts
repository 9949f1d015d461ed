// What a dist must be where its repository tells no digest of it, as a rule: of the type that the repository names, to its end where that can be told.
import { checkTar, checkTarEnd, checkZip } from "../../archive/check.ts";
import { decompressed } from "../../archive/decompress.ts";
import { piecesOf } from "../../archive/pieces.ts";
import type { ArtifactType, RandomAccess } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";
import { BZIP2, begins, GZIP, holds, isReadable, PHAR_END, ZIP } from "./content.ts";

/** Of a file that a dist of type gzip unpacks to. Bytes. */
const GZIP_LIMIT = 2 * 2 ** 30;
const RAR = "Rar!\x1a\x07";

/** By the types that pass through here (`DIST_TYPES`). Of a zip and a tar all is read for what it holds (`contentDigest`). */
export const artifacts: Record<
  "zip" | "tar" | "xz" | "gzip" | "rar" | "phar" | "file",
  ArtifactType
> = {
  zip: {
    async check(file) {
      if (!(await begins(file, ZIP))) throw otherThan("zip");
    },
  },
  tar: {
    async check(file, { file: name }) {
      if (await begins(file, ZIP)) throw otherThan("tar");
      if (!(await isReadable(file, name))) return checkTar(file, ".tar.bz2");
      if (!(await begins(file, GZIP))) await checkTarEnd(file);
    },
  },
  /** XzDownloader: a tar. */
  xz: { check: (file) => checkTar(file, ".tar.xz") },
  /** GzipDownloader: one file. */
  gzip: {
    async check(file) {
      if (!(await begins(file, GZIP))) throw otherThan("gzip");
      for await (const _ of decompressed(".gz", piecesOf(file), GZIP_LIMIT)); // throws where it is cut
    },
  },
  rar: {
    async check(file) {
      if (!(await begins(file, RAR))) throw otherThan("rar");
    },
  },
  /** A script with its stub's end in it, or one of the archives that PHP takes for a phar. */
  phar: {
    async check(file) {
      if (await begins(file, ZIP)) return checkZip(file);
      if (await begins(file, GZIP)) return checkTar(file, ".tar.gz");
      if (await begins(file, BZIP2)) return checkTar(file, ".tar.bz2");
      const isScript = (await begins(file, "<?")) || (await begins(file, "#!"));
      if (!isScript || !(await holds(file, PHAR_END))) throw otherThan("phar");
    },
  },
  /** Whatever it is, it is one file: its bytes alone are held. */
  file: {
    async check(file: RandomAccess) {
      if (file.size === 0) throw otherThan("file");
    },
  },
};

function otherThan(type: string): Problem {
  return new Problem("malformed", `It is no ${type}, as the repository says that it is`);
}
