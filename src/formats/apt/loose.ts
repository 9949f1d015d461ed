// Repositories without a Release: flat folders that clients must trust ("trusted=yes"). Only for those that say `unverified: true`.

import { own, utf8 } from "../../archive/control.ts";
import type { Artifact } from "../../core/artifact.ts";
import type { DocumentRef, DocumentType, Fact } from "../../core/document.ts";
import type { Integrity } from "../../core/integrity.ts";
import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { knownSuites } from "./generations.ts";
import { contentTypeOf } from "./index-artifact.ts";
import { namesFiles } from "./index-names.ts";
import type { AptRepository } from "./memory.ts";
import { poolArtifact, type Replacements } from "./pool-artifact.ts";
import { encodePath, folderOf, likelySuite, packageOf, poolFolder } from "./routes.ts";
import { type IndexOptions, integrityOf, namedFiles } from "./stanzas.ts";

/** Their indices are all of a few packages. In bytes, also uncompressed. */
const LIMIT = 16 * 2 ** 20;
const FILES = 20_000;
const MOST = 1000;

/** `path` is the index's, in the repository. Its files are known under the folder. */
function looseRef(path: string): DocumentRef {
  return { kind: "packages", key: path, package: likelySuite(path), path: encodePath(path) };
}

/** What a document calls a file: another version under the same path is another file. */
function looseName(path: string, version: string): string {
  return `${path}@${version}`;
}

function optionsOf(key: string): IndexOptions {
  const folder = poolFolder(likelySuite(key));
  return { index: key, folder: folder === "." ? "" : folder, limit: LIMIT };
}

/** A Packages or Sources that nothing vouches for. Its first word on a version of a file is the one that counts, as for all documents. */
export const looseDocument: DocumentType = {
  complete: false,
  limit: LIMIT,
  isDated: true,
  isPlain: true,
  async facts(source, { key }, skip) {
    const facts: Fact[] = [];
    for await (const group of namedFiles(source.chunks(), optionsOf(key), skip)) {
      if (facts.length + group.length > FILES)
        throw new Problem("malformed", `${key} names more than ${FILES} files`);
      for (const { path, version: itsVersion, digest } of group) {
        const version = utf8(itsVersion);
        const file = looseName(utf8(path), version);
        facts.push({ file, version, integrity: integrityOf(digest) });
      }
    }
    return facts;
  },
  /** By path, the version that stands there. */
  async model({ source, ref: { key } }): Promise<ReadonlyMap<string, string>> {
    const versions = new Map<string, string>();
    for await (const group of namedFiles(source.chunks(), optionsOf(key)))
      for (const { path, version } of group) versions.set(utf8(own(path)), utf8(own(version)));
    return versions;
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

/** Whether any such index was fetched. */
export async function hasLoose(repository: AptRepository): Promise<boolean> {
  if (!repository.options.unverified) return false;
  return (await repository.documents("packages", "", 1)).length > 0;
}

/** A file that such an index names, in the version that stands there now; null when none does. */
export async function looseArtifact(
  repository: AptRepository,
  path: string,
): Promise<Artifact | null> {
  if (!repository.options.unverified) return null;
  for (const key of await repository.documents("packages", "", MOST)) {
    const ref = looseRef(key);
    const { model } = await repository.model<ReadonlyMap<string, string>>(ref, "stored");
    const version = model.get(path);
    if (version === undefined) continue;
    const namedAs = looseName(path, version);
    const known = await repository.known(ref.package, namedAs);
    if (!known?.integrity) continue;
    const { integrity } = known;
    const name = path.slice(path.lastIndexOf("/") + 1).split("_", 1)[0]!;
    const entry = { package: name, version, integrity, sha256: null, size: null, architecture: "" };
    const replacements = await replacementOf(repository, path, version, integrity);
    const artifact = poolArtifact(path, entry, null, replacements);
    return { ...artifact, namedBy: [ref], namedAs };
  }
  return null;
}

/** Where another version was fetched under the path before, the bytes of this one are another file of the catalog: pins are final. */
async function replacementOf(
  repository: AptRepository,
  path: string,
  version: string,
  integrity: Integrity,
): Promise<Replacements> {
  const before = await repository.known(packageOf(path), path);
  const isOther = before?.sha256 && before.version !== version;
  return new Map(isOther ? [[path, integrity]] : []);
}
