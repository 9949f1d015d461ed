// Who made a version: its attestations and the registry's signature, held against the trust root. npm docs: generating-provenance-statements
import { parseJson } from "../../core/answers.ts";
import { integrityToHex } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import {
  type Builder,
  NO_PROVENANCE,
  type Provenance,
  type ReleasedFile,
} from "../../core/provenance.ts";
import { purl } from "../../core/purl.ts";
import type { Repository } from "../../core/repository.ts";
import type { Task } from "../../core/task.ts";
import { registryKeys as shippedKeys, trustRoot } from "../../proof/roots.ts";
import { NotVerified, type TrustRoot } from "../../proof/sigstore.ts";
import { askAttestations, ownAttestations } from "./attestations.ts";
import { registryKeys } from "./keys.ts";
import type { NpmMemory } from "./memory.ts";
import { checkSignatures } from "./signatures.ts";
import { documentsOf, firstSigned } from "./tarball.ts";
import { isObject, type NpmOptions, type RegistryKey, type SignedFile } from "./types.ts";

/** What the task is given. */
interface Evidence {
  name: string;
  signed: SignedFile;
  /** An answer of `/-/npm/v1/attestations`; null where there are none. */
  answer: unknown;
  keys: RegistryKey[];
  /** As in NpmOptions; null for the one that ships. */
  root: string | null;
}

/** More of one version is nothing that a registry sends. */
const MOST = 10;
const SLSA = /^https:\/\/slsa\.dev\/provenance\/v/;

/** `Service.provenance`. Throws a Problem when the upstream cannot be asked now. */
export async function findProvenance(
  { package: name, version, file, isAttested }: ReleasedFile,
  repository: Repository<NpmOptions>,
  memory: NpmMemory,
): Promise<Provenance | null> {
  const isOwn = repository.hosting.owns(name);
  const keys = isOwn ? [] : await registryKeys(repository, memory);
  // Where there are keys, what a signature speaks of was read when the tarball was fetched.
  if (isAttested === false && keys.length === 0) return NO_PROVENANCE;
  const signed = await firstSigned(repository, documentsOf(memory, name, version), file);
  if (!signed) return null;
  const evidence: Evidence = {
    name,
    signed,
    answer: isOwn
      ? await ownAttestations(name, version, repository)
      : signed.attested
        ? await answerOf(name, version, repository)
        : null,
    keys,
    root: repository.options.trustRoot ?? null,
  };
  return repository.work<Provenance>("provenance", evidence, [], { isBehind: true });
}

/** Throws Problem("badRequest") for what comes with a version and is not verified: readers would believe that it was. */
export async function refuseUnverified(
  name: string,
  { version, integrity }: { version: string; integrity: string },
  bundle: unknown,
  repository: Repository<NpmOptions>,
): Promise<void> {
  const evidence: Evidence = {
    name,
    signed: { version, integrity, signatures: [], time: null },
    answer: { attestations: [{ bundle }] },
    keys: [],
    root: repository.options.trustRoot ?? null,
  };
  const { state, why } = await repository.work<Provenance>("provenance", evidence, []);
  if (state !== "verified")
    throw new Problem("badRequest", `The provenance of ${name}@${version} is refused: ${why}`);
}

/** Null when the upstream says that it has none, though its document does: a mirror that passes documents on, and nothing else. */
async function answerOf(name: string, version: string, repository: Repository): Promise<unknown> {
  try {
    return (await askAttestations(name, version, repository)).value;
  } catch (error) {
    if (error instanceof Problem && error.kind === "notFound") return { attestations: [] };
    throw error;
  }
}

/** Pure: everything that it goes by is in what it is given, but the trust root and the keys that ship. */
export const provenanceTask: Task = async ({ options }) => {
  const { name, signed, answer, keys, root } = options as Evidence;
  const signature = await signatureOf(name, signed, keys);
  const told = (found: Omit<Provenance, "signature">): Provenance => ({ ...found, signature });
  if (answer === null) return told({ state: "none", builder: null, why: null });
  try {
    const builder = verifyAll(name, signed, answer, await trustRoot(root));
    return told({ state: "verified", builder, why: null });
  } catch (error) {
    if (!(error instanceof NotVerified) && !(error instanceof Problem)) throw error;
    const isFalse = error instanceof NotVerified && error.isFalse;
    return told({ state: isFalse ? "false" : "unverified", builder: null, why: error.message });
  }
};

async function signatureOf(
  name: string,
  signed: SignedFile,
  keys: RegistryKey[],
): Promise<Provenance["signature"]> {
  const rooted = await shippedKeys("npm:signatures");
  const isGood = (some: RegistryKey[]) => checkSignatures(name, signed, some).verdict === "good";
  if (isGood(rooted.map(({ keyId: keyid, key, until: expires }) => ({ keyid, key, expires }))))
    return "root";
  return isGood(keys) ? "registry" : null;
}

/**
 * All that are there must hold, also what the registry signed itself with a key that is known here: it would not let one pass that it knows to be false. Throws NotVerified. The
 * builder is whom the provenance among them names.
 */
function verifyAll(name: string, signed: SignedFile, answer: unknown, root: TrustRoot): Builder {
  const all = isObject(answer) ? answer["attestations"] : null;
  if (!Array.isArray(all) || all.length === 0)
    throw new NotVerified("the upstream tells of attestations, and does not show them");
  if (all.length > MOST) throw new NotVerified("there are more attestations than one version has");
  let builder: Builder | null = null;
  for (const one of all) {
    const bundle = isObject(one) ? one["bundle"] : null;
    if (root.isByStranger(bundle)) continue; // the registry has a newer key than this root
    const { statement, builder: by } = root.verify(bundle);
    const predicate = checkStatement(name, signed, statement);
    if (!by || !SLSA.test(predicate)) continue;
    if (builder && by.subject !== builder.subject)
      throw new NotVerified("two of its attestations name different builders", { isFalse: true });
    builder = by;
  }
  if (!builder) throw new NotVerified("none of its attestations says how it was built");
  return builder;
}

/** It is about this version and these bytes, and nothing else. Says what it says of them. */
export function checkStatement(
  name: string,
  { version, integrity }: Pick<SignedFile, "version" | "integrity">,
  bytes: Uint8Array,
): string {
  const statement = parseJson(bytes);
  const subjects = isObject(statement) ? statement["subject"] : null;
  const [about] = Array.isArray(subjects) && subjects.length === 1 ? subjects : [];
  if (!isObject(statement) || !isObject(about))
    throw new NotVerified("what is attested is not one thing");
  const wanted = purl("npm", name, version);
  if (about["name"] !== wanted)
    throw new NotVerified(
      `it is about ${String(about["name"]).slice(0, 200)}, not about ${wanted}`,
      { isFalse: true },
    );
  const digest = isObject(about["digest"]) ? about["digest"]["sha512"] : null;
  const sha512 = integrityToHex(integrity ?? "", "sha512");
  if (typeof digest !== "string" || sha512 === null || digest.toLowerCase() !== sha512)
    throw new NotVerified("it is about other bytes", { isFalse: true });
  const predicate = statement["predicateType"];
  return typeof predicate === "string" ? predicate : "";
}
