// Who made a file: its provenance object, held against the trust root. PEP 740
import { parseJson } from "../../core/answers.ts";
import { integrityToHex } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import {
  type Builder,
  NO_PROVENANCE,
  type Provenance,
  type ReleasedFile,
} from "../../core/provenance.ts";
import type { Repository } from "../../core/repository.ts";
import type { StoredBytes, Task } from "../../core/task.ts";
import { trustRoot } from "../../proof/roots.ts";
import { NotVerified, type TrustRoot } from "../../proof/sigstore.ts";
import type { Subject } from "./attestations.ts";
import { isObject } from "./json.ts";
import { isDistribution, normalizeName } from "./names.ts";
import type { PypiOptions } from "./options.ts";
import { advertised, askProvenance } from "./provenance.ts";

/** What the task is given. */
interface Evidence {
  file: string;
  /** Hexadecimal. */
  sha256: string | null;
  /** A provenance object; null where there is none, or where it is the file that comes with the task. */
  provenance: unknown;
  /** As in PypiOptions; null for the one that ships. */
  root: string | null;
}

/** Attestations of one file: PEP 740 has two kinds of them. */
const MOST = 10;

/** `Service.provenance`. Throws a Problem when the upstream cannot be asked now. */
export async function findProvenance(
  { package: project, version, file, isAttested }: ReleasedFile,
  repository: Repository<PypiOptions>,
): Promise<Provenance | null> {
  if (!isDistribution(file)) return null;
  if (repository.hosting.owns(project)) return ofPublished(project, file, repository);
  if (isAttested === false) return NO_PROVENANCE;
  const known = await repository.known(project, file);
  const evidence: Evidence = {
    file,
    sha256: integrityToHex(known?.integrity ?? "", "sha256") ?? known?.sha256 ?? null,
    provenance: await provenanceOf(project, version, file, isAttested, repository),
    root: repository.options.trustRoot ?? null,
  };
  return repository.work<Provenance>("provenance", evidence, [], { isBehind: true });
}

/** Of what is published here: by what came with it. */
async function ofPublished(
  project: string,
  file: string,
  repository: Repository<PypiOptions>,
): Promise<Provenance | null> {
  const hosted = await repository.hosting.read(project);
  const files = hosted?.releases.flatMap((release) => release.files) ?? [];
  const made = files.find((one) => one.file === file);
  if (!made) return null;
  const beside = files.find((one) => one.file === `${file}.provenance`);
  const root = repository.options.trustRoot ?? null;
  const evidence: Evidence = { file, sha256: made.sha256, provenance: null, root };
  const stored = beside ? [beside.sha256] : [];
  return repository.work<Provenance>("provenance", evidence, stored, { isBehind: true });
}

/** Throws Problem("badRequest") for what comes with an upload and is not verified: readers would believe that it was. */
export async function refuseUnverified(
  { file, sha256 }: Subject,
  provenance: unknown,
  repository: Repository<PypiOptions>,
): Promise<void> {
  const root = repository.options.trustRoot ?? null;
  const evidence: Evidence = { file, sha256, provenance, root };
  const { state, why } = await repository.work<Provenance>("provenance", evidence, []);
  if (state !== "verified")
    throw new Problem("badRequest", `Invalid attestations for ${file}: ${why}`);
}

async function provenanceOf(
  project: string,
  version: string,
  file: string,
  isAttested: boolean | null,
  repository: Repository<PypiOptions>,
): Promise<unknown> {
  const route = { kind: "provenance", project, version, file } as const;
  if (!isAttested && (await advertised(route, repository)) === null) return null;
  try {
    return parseJson((await askProvenance(route, repository)).bytes) ?? {};
  } catch (error) {
    // The page says that there is one: a mirror that passes pages on, and nothing else.
    if (error instanceof Problem && error.kind === "notFound") return {};
    throw error;
  }
}

/** Pure: everything that it goes by is in what it is given, but the trust root that ships. */
export const provenanceTask: Task = async ({ options, files: [stored] }) => {
  const { file, sha256, root } = options as Evidence;
  const { provenance } = stored ? { provenance: await readStored(stored) } : (options as Evidence);
  const told = (found: Omit<Provenance, "signature">): Provenance => ({
    ...found,
    signature: null,
  });
  if (provenance === null) return told({ state: "none", builder: null, why: null });
  try {
    if (sha256 === null) throw new NotVerified("no SHA-256 of the file is known");
    const builder = verifyAll({ file, sha256 }, provenance, await trustRoot(root));
    return told({ state: "verified", builder, why: null });
  } catch (error) {
    if (!(error instanceof NotVerified) && !(error instanceof Problem)) throw error;
    const isFalse = error instanceof NotVerified && error.isFalse;
    return told({ state: isFalse ? "false" : "unverified", builder: null, why: error.message });
  }
};

/** Larger ones were not taken. */
const LARGEST = 16 * 1024 * 1024;

async function readStored({ size, read }: StoredBytes): Promise<unknown> {
  return size > LARGEST ? {} : (parseJson(await read(0, size)) ?? {});
}

/** Each must hold, and all must name one builder, and the one of whom the index speaks. Throws NotVerified. */
function verifyAll(
  about: { file: string; sha256: string },
  provenance: unknown,
  root: TrustRoot,
): Builder {
  const bundles = isObject(provenance) ? provenance["attestation_bundles"] : null;
  if (!Array.isArray(bundles) || bundles.length === 0)
    throw new NotVerified("the index tells of provenance, and does not show it");
  let count = 0;
  let builder: Builder | null = null;
  for (const one of bundles) {
    const attestations = isObject(one) ? one["attestations"] : null;
    if (!isObject(one) || !Array.isArray(attestations))
      throw new NotVerified("a part of it is no bundle of attestations");
    for (const attestation of attestations) {
      count += 1;
      if (count > MOST) throw new NotVerified("there are more attestations than one file has");
      const { statement, builder: by } = root.verify(bundleOf(attestation));
      checkStatement(about, statement);
      if (!by) throw new NotVerified("one of its attestations names nobody");
      if (builder && by.subject !== builder.subject)
        throw new NotVerified("two of its attestations name different builders", { isFalse: true });
      checkPublisher(one["publisher"], by);
      builder = by;
    }
  }
  if (!builder) throw new NotVerified("there is no attestation in it");
  return builder;
}

/** The same as Sigstore writes it. pypi-attestations: only the names of the fields are others. */
export function bundleOf(attestation: unknown): unknown {
  const { verification_material: material, envelope } = isObject(attestation) ? attestation : {};
  if (!isObject(material) || !isObject(envelope))
    throw new NotVerified("one of its attestations is not whole");
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: material["certificate"] },
      tlogEntries: material["transparency_entries"],
    },
    dsseEnvelope: {
      payload: envelope["statement"],
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: envelope["signature"], keyid: "" }],
    },
  };
}

/** PEP 740: one subject, named as the file is (but for what two spellings of a name have in common), with its SHA-256. */
function checkStatement({ file, sha256 }: { file: string; sha256: string }, bytes: Uint8Array) {
  const statement = parseJson(bytes);
  const subjects = isObject(statement) ? statement["subject"] : null;
  const [about] = Array.isArray(subjects) && subjects.length === 1 ? subjects : [];
  if (!isObject(about)) throw new NotVerified("what is attested is not one file");
  const { name } = about;
  if (typeof name !== "string" || normalizeName(name) !== normalizeName(file))
    throw new NotVerified(`it is about ${String(name).slice(0, 200)}, not about ${file}`, {
      isFalse: true,
    });
  const digest = isObject(about["digest"]) ? about["digest"]["sha256"] : null;
  if (typeof digest !== "string" || digest.toLowerCase() !== sha256)
    throw new NotVerified("it is about other bytes", { isFalse: true });
}

/** What the index says of who published is not believed, and must not be something else either. */
function checkPublisher(publisher: unknown, { repository, workflow, subject }: Builder): void {
  if (!isObject(publisher)) return;
  const { repository: told, workflow: file, workflow_filepath: path, email } = publisher;
  const isOf = (value: unknown, has: (text: string) => boolean) =>
    typeof value !== "string" || value === "" || has(value);
  const isSame =
    isOf(told, (text) => repository?.toLowerCase().endsWith(`/${text.toLowerCase()}`) === true) &&
    isOf(file, (text) => workflow?.endsWith(`/${text}`) === true) &&
    isOf(path, (text) => workflow === text) &&
    isOf(email, (text) => subject === text);
  if (!isSame)
    throw new NotVerified(
      `the index names another publisher than the certificate, which was given to ${subject}`,
      { isFalse: true },
    );
}
