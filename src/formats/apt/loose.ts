// Repositories without a Release: flat folders that clients must trust ("trusted=yes"). Only for those that say `unverified: true`.

import { utf8 } from "../../archive/control.ts";
import type { Artifact } from "../../core/artifact.ts";
import type { DocumentRef, DocumentType, Fact } from "../../core/document.ts";
import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { knownSuites } from "./generations.ts";
import { contentTypeOf } from "./index-artifact.ts";
import { namesFiles } from "./index-names.ts";
import type { AptRepository } from "./memory.ts";
import { poolArtifact } from "./pool-artifact.ts";
import { encodePath, folderOf, likelySuite, poolFolder } from "./routes.ts";
import { integrityOf, namedFiles } from "./stanzas.ts";

/** Their indices are all of a few packages. In bytes, also uncompressed. */
const LIMIT = 16 * 2 ** 20;
const FILES = 20_000;
const MOST = 1000;

/** `path` is the index's, in the repository. Its files are known under the folder. */
function looseRef(path: string): DocumentRef {
  return { kind: "packages", key: path, package: likelySuite(path), path: encodePath(path) };
}

/** A Packages or Sources that nothing vouches for. Its first word on a file is the one that counts, as for all documents. */
export const looseDocument: DocumentType = {
  complete: false,
  limit: LIMIT,
  isDated: true,
  isPlain: true,
  async facts(source, { key }, skip) {
    const folder = poolFolder(likelySuite(key));
    const options = { index: key, folder: folder === "." ? "" : folder, limit: LIMIT };
    const facts: Fact[] = [];
    for await (const group of namedFiles(source.chunks(), options, skip)) {
      if (facts.length + group.length > FILES)
        throw new Problem("malformed", `${key} names more than ${FILES} files`);
      for (const { path, version, digest } of group)
        facts.push({ file: utf8(path), version: utf8(version), integrity: integrityOf(digest) });
    }
    return facts;
  },
  async *render({ source }) {
    yield* source.chunks();
  },
};

const headersOf = memo((ref: { path: string }) => ({
  "content-type": contentTypeOf(ref.path),
  "cache-control": "no-cache",
}));

/**
 * An index of a folder without a Release, as the upstream has it; null when the path is no Packages or Sources, or its suite has a Release, which
 * then is what counts. `isCertain`: the upstream was asked whether it has one. Throws Problem("blocked") in a repository that is to be verified.
 */
export async function serveLoose(
  path: string,
  repository: AptRepository,
  isCertain: boolean,
): Promise<Reply | null> {
  if (!namesFiles(path) || (await knownSuites(repository)).has(likelySuite(path))) return null;
  if (!isCertain && !(await repository.documents("packages", path, MOST)).includes(path))
    return null;
  if (!repository.options.unverified)
    throw new Problem(
      "blocked",
      `${folderOf(path)} has no Release that could be verified, so neither can its ${path}: \`unverified: true\` in the configuration of ${repository.name} lets it in`,
      { rule: "unverified" },
    );
  const ref = looseRef(path);
  return repository.view(ref, { variant: "upstream", base: "" }, headersOf(ref));
}

/** A file that such an index names; null when none does. */
export async function looseArtifact(
  repository: AptRepository,
  path: string,
): Promise<Artifact | null> {
  if (!repository.options.unverified) return null;
  for (const key of await repository.documents("packages", "", MOST)) {
    const ref = looseRef(key);
    const known = await repository.known(ref.package, path);
    if (!known?.integrity) continue;
    const { version, integrity } = known;
    const name = path.slice(path.lastIndexOf("/") + 1).split("_", 1)[0]!;
    const entry = { package: name, version, integrity, sha256: null, size: null, architecture: "" };
    return { ...poolArtifact(path, entry, null, new Map()), namedBy: [ref], namedAs: path };
  }
  return null;
}
