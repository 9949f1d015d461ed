// Verifier keys of signed notes, as text: name+hash+key. golang.org/x/mod/sumdb/note
import { createHash, createPublicKey, verify } from "node:crypto";

const ED25519 = 1;
const NAME = /^[^\s+]+$/;

export interface Verifier {
  name: string;
  /** First four bytes of SHA-256 over the name, a newline and the key: which of a name's keys it is. */
  hash: number;
  verify(text: Uint8Array, signature: Uint8Array): boolean;
}

export function isKeyName(name: string): boolean {
  return NAME.test(name);
}

/** The key hash that stands in verifier keys and at the head of signatures. */
export function keyHash(name: string, key: Uint8Array): number {
  return createHash("sha256").update(`${name}\n`).update(key).digest().readUInt32BE(0);
}

/** Null when the text is no Ed25519 verifier key, or its hash is not that of its name and key. */
export function parseVerifierKey(text: string): Verifier | null {
  const match = /^([^\s+]+)\+([0-9a-fA-F]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  if (!match) return null;
  const name = match[1]!;
  const hash = Number.parseInt(match[2]!, 16);
  const key = Buffer.from(match[3]!, "base64");
  if (key.toString("base64") !== match[3] || key.length !== 33 || key[0] !== ED25519) return null;
  if (keyHash(name, key) !== hash) return null;
  const x = key.subarray(1).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return {
    name,
    hash,
    verify: (message, signature) =>
      signature.length === 64 && verify(null, message, publicKey, signature),
  };
}
