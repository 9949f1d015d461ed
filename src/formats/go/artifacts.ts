// What a module's files must be where the checksum database has no record of them. https://go.dev/ref/mod#goproxy-protocol
import { checkZip } from "../../archive/check.ts";
import type { ArtifactType, RandomAccess } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";
import { checkMod } from "./gomod.ts";
import { INFO_LIMIT, parseInfoBytes } from "./info.ts";

/** golang.org/x/mod/zip.MaxGoMod */
const MOD_LIMIT = 16 * 2 ** 20;

export const artifacts: Record<"info" | "mod" | "zip", ArtifactType> = {
  /** No database has a checksum of it: it must be about this very version. */
  info: {
    async check(file, { package: module, version }) {
      const what = `${module}@${version}`;
      const info = parseInfoBytes(await whole(file, INFO_LIMIT), what);
      if (info.Version !== version)
        throw new Problem(
          "malformed",
          `The upstream's answer for ${what} is about ${info.Version}`,
        );
    },
  },
  mod: {
    async check(file) {
      checkMod(await whole(file, MOD_LIMIT));
    },
  },
  zip: { check: (file) => checkZip(file) },
};

async function whole(file: RandomAccess, limit: number): Promise<Uint8Array> {
  if (file.size > limit) throw new Problem("malformed", `The file is larger than ${limit} bytes`);
  return file.read(0, file.size);
}
