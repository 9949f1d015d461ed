// An include is what packages.json says that it is, by its digest. composer/composer, ComposerRepository::loadIncludes
import { createHash } from "node:crypto";
import type { Candidate } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import type { Repository } from "../../core/repository.ts";
import { rootRef } from "./documents.ts";
import type { Root } from "./root.ts";

/** Throws Problem("malformed") when it is not: most often because the upstream is being built anew at this moment. */
export async function admit({ ref, source }: Candidate, repository: Repository): Promise<void> {
  if (ref.kind !== "include") return;
  const { model: root } = await repository.model<Root>(rootRef, "stored");
  const include = root.includes.find(({ path }) => path === ref.path);
  // A newer packages.json came while it travelled.
  if (!include)
    throw new Problem("malformed", `The upstream's packages.json no longer names this ${ref.key}`);
  for (const algorithm of ["sha1", "sha256"] as const) {
    const due = include[algorithm];
    if (!due) continue;
    const hash = createHash(algorithm);
    for await (const chunk of source.chunks()) hash.update(chunk);
    if (hash.digest("hex") !== due)
      throw new Problem(
        "malformed",
        `The upstream's ${ref.key} is not the one that its packages.json names (${algorithm})`,
      );
  }
}
