// What a dist must be where its repository tells no digest of it, as a rule. All of it is read for what it holds (`contentDigest`).
import { checkTarEnd } from "../../archive/check.ts";
import type { ArtifactType, RandomAccess } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";

export const artifacts: Record<"zip" | "tar", ArtifactType> = {
  zip: {
    async check(file) {
      if (!(await begins(file, "PK"))) throw bad("zip");
    },
  },
  tar: {
    async check(file) {
      if (await begins(file, "PK")) throw bad("tar");
      if (!(await begins(file, "\x1f\x8b"))) await checkTarEnd(file);
    },
  },
};

async function begins(file: RandomAccess, with_: string): Promise<boolean> {
  const start = await file.read(0, with_.length);
  return Buffer.from(start).toString("latin1") === with_;
}

function bad(type: string): Problem {
  return new Problem("malformed", `It is no ${type}, as the repository says that it is`);
}
