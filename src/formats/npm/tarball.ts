// Tarballs: which documents may name one, and its registry signature.

import { parseJson } from "../../core/answers.ts";
import type { Artifact } from "../../core/artifact.ts";
import type { DocumentRef } from "../../core/document.ts";
import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { packumentRef, versionRef } from "./documents.ts";
import { registryKeys } from "./keys.ts";
import type { NpmMemory } from "./memory.ts";
import { versionOf } from "./names.ts";
import type { NpmRoute } from "./routes.ts";
import { checkSignatures } from "./signatures.ts";
import type { SignedFile } from "./types.ts";

type TarballRoute = NpmRoute & { kind: "tarball" };

/** The version that the file's name tells, and its purl. */
const toldBy = memo(({ name, file }: TarballRoute) => {
  const version = versionOf(name, file);
  return { version, purl: version === null ? null : purl("npm", name, version) };
});

export async function serveTarball(
  route: TarballRoute,
  request: Request,
  repository: Repository,
  memory: NpmMemory,
): Promise<Reply> {
  const { name, file } = route;
  const told = toldBy(route);
  const version = told.version ?? (await lookUpVersion(repository, name, file));
  const artifact: Artifact = {
    kind: "tarball",
    package: name,
    version,
    file,
    purl: told.purl ?? purl("npm", name, version),
    contentType: "application/octet-stream",
    path: `${name}/-/${file}`,
    get namedBy() {
      return told.version === null ? [packumentRef(name)] : documentsOf(memory, name, told.version);
    },
    integrity: async () => {
      await refuseFalseSignature(repository, memory, name, file, artifact.namedBy);
      return null; // the documents say which digest is due
    },
  };
  return repository.artifact(artifact, request);
}

/**
 * The version document first: `npm ci` needs nothing but a few hundred bytes of each package, whose packument may have
 * megabytes. Who was just given the packument has it here as well.
 */
export function documentsOf(memory: NpmMemory, name: string, version: string): DocumentRef[] {
  const documents = [versionRef(name, version), packumentRef(name)];
  return memory.packuments.has(name) ? documents.reverse() : documents;
}

/** Some tarballs are not named after their version. */
async function lookUpVersion(repository: Repository, name: string, file: string): Promise<string> {
  const known = await repository.known(name, file);
  if (known) return known.version;
  return (await readSigned(repository, packumentRef(name), file)).version;
}

async function refuseFalseSignature(
  repository: Repository,
  memory: NpmMemory,
  name: string,
  file: string,
  documents: DocumentRef[],
): Promise<void> {
  const keys = await registryKeys(repository, memory);
  if (keys.length === 0) return;
  const signed = await firstSigned(repository, documents, file);
  if (!signed) return;
  const verdict = checkSignatures(name, signed, keys);
  if (verdict.verdict !== "bad") return;

  const release = `${name}@${signed.version}`;
  const message = `The registry signature of ${release} is false: ${verdict.reason}`;
  const { integrity, signatures, time } = signed;
  const detail = { keyid: verdict.keyid, integrity, signatures, time };
  repository.report({
    kind: "unsigned",
    package: name,
    version: signed.version,
    file,
    message,
    detail,
  });
  throw new Problem("tampered", message);
}

/** What the first document that has the file says. None of them: then the artifact is not named either, and refused for that. */
export async function firstSigned(
  repository: Repository,
  documents: DocumentRef[],
  file: string,
): Promise<SignedFile | null> {
  for (const ref of documents) {
    try {
      return await readSigned(repository, ref, file);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return null;
}

async function readSigned(
  repository: Repository,
  ref: DocumentRef,
  file: string,
): Promise<SignedFile> {
  const read = await repository.read(ref, { variant: `file/${file}`, base: "" });
  return parseJson(read.bytes) as SignedFile;
}
