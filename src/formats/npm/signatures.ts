// Registry signatures: ECDSA P-256 over `name@version:integrity`, made with the keys of `/-/npm/v1/keys`.
// Checked as npm/pacote lib/registry.js does.
import { createPublicKey, verify } from "node:crypto";
import { integrityFromHex } from "../../core/integrity.ts";
import { distOf } from "./packument.ts";
import {
  isObject,
  type Manifest,
  type RegistryKey,
  type Signature,
  type SignedFile,
} from "./types.ts";

const ECDSA_P256 = "ecdsa-sha2-nistp256";

/** What pacote assumes for packages "so old that they have no time". */
const MISSING_TIME = "2015-01-01T00:00:00.000Z";

/** `good`: at least one signature holds and none is false. `unknown`: none was made with a known key. */
export type Verdict =
  | { verdict: "good" | "unknown" }
  | { verdict: "bad"; keyid: string; reason: string };

/** What a signature speaks of, from a manifest as this server shows it. */
export function signedFile(version: string, manifest: Manifest, time: string | null): SignedFile {
  const dist = distOf(manifest);
  const sha1 = typeof dist.shasum === "string" ? integrityFromHex("sha1", dist.shasum) : null;
  return {
    version,
    integrity: typeof dist.integrity === "string" ? dist.integrity : sha1,
    signatures: Array.isArray(dist.signatures) ? dist.signatures.filter(isSignature) : [],
    time,
    ...(isObject(dist.attestations) && { attested: true }),
  };
}

function isSignature(value: unknown): value is Signature {
  return isObject(value) && typeof value["keyid"] === "string" && typeof value["sig"] === "string";
}

/** The keys in an answer of `/-/npm/v1/keys`; those that this server cannot use are left out. Null when it is no such answer. */
export function parseKeys(answer: unknown): RegistryKey[] | null {
  const keys = isObject(answer) ? answer["keys"] : null;
  if (!Array.isArray(keys)) return null;
  return keys.filter(
    (key): key is RegistryKey =>
      isObject(key) && typeof key["keyid"] === "string" && typeof key["key"] === "string",
  );
}

/** Holds the signatures of a file against the keys. A signature by an unknown key says nothing; a false one is never good. */
export function checkSignatures(name: string, file: SignedFile, keys: RegistryKey[]): Verdict {
  if (file.integrity === null) return { verdict: "unknown" };
  const message = `${name}@${file.version}:${file.integrity}`;
  let good = false;
  let expired: Verdict | null = null;
  for (const { keyid, sig } of file.signatures) {
    const key = keys.find((candidate) => candidate.keyid === keyid);
    if (!key || (key.keytype ?? ECDSA_P256) !== ECDSA_P256) continue;
    if (!isSignedBy(key, message, sig))
      return { verdict: "bad", keyid, reason: "it does not match name, version and integrity" };
    if (!key.expires || Date.parse(file.time ?? MISSING_TIME) < Date.parse(key.expires))
      good = true;
    else expired = { verdict: "bad", keyid, reason: `its key had expired on ${key.expires}` };
  }
  if (good) return { verdict: "good" };
  return expired ?? { verdict: "unknown" };
}

function isSignedBy(key: RegistryKey, message: string, sig: string): boolean {
  try {
    const spki = createPublicKey({
      key: Buffer.from(key.key, "base64"),
      format: "der",
      type: "spki",
    });
    return verify("sha256", Buffer.from(message), spki, Buffer.from(sig, "base64"));
  } catch {
    return false; // neither a key nor a signature: nothing that was ever valid
  }
}
