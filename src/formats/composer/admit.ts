// What the upstream names by its digest is what that says: an include, a list of packages, a document of Composer 1.
// composer/composer, ComposerRepository: loadIncludes, loadProviderListings, whatProvides
import { createHash } from "node:crypto";
import type { Candidate, DocumentRef } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import type { Repository } from "../../core/repository.ts";
import { rootRef } from "./documents.ts";
import { providedOf } from "./lookup.ts";
import type { Root } from "./root.ts";

/** Null: no digest is told. */
interface Due {
  path: string;
  sha1?: string | null;
  sha256: string | null;
}

/** Throws Problem("malformed") when it is not: most often because the upstream is being built anew at this moment. */
export async function admit({ ref, source }: Candidate, repository: Repository): Promise<void> {
  if (!["include", "listing", "provided"].includes(ref.kind)) return;
  const due = await dueOf(ref, repository);
  // Something newer came while it travelled.
  if (due?.path !== ref.path)
    throw new Problem("malformed", `The upstream's packages.json no longer names this ${ref.key}`);
  for (const algorithm of ["sha1", "sha256"] as const) {
    const digest = due[algorithm];
    if (!digest) continue;
    const hash = createHash(algorithm);
    for await (const chunk of source.chunks()) hash.update(chunk);
    if (hash.digest("hex") !== digest)
      throw new Problem(
        "malformed",
        `The upstream's ${ref.key} is not the one that its packages.json names (${algorithm})`,
      );
  }
}

async function dueOf({ kind, key, path }: DocumentRef, repository: Repository) {
  const { model: root } = await repository.model<Root>(rootRef, "stored");
  const files: readonly Due[] =
    kind === "include" ? root.includes : (root.composer1?.listings ?? []);
  if (kind !== "provided") return files.find((file) => file.path === path) ?? null;
  const provided = await providedOf(key, root, repository, "stored");
  return provided && { path: provided.ref.path, sha256: provided.sha256 };
}
