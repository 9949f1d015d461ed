// The hashes that a Release gives, told apart by their length.
import { type Integrity, integrityFromHex } from "../../core/integrity.ts";

/** What the digests of a Release are called, in its fields and in by-hash paths. */
export type HashName = "MD5Sum" | "SHA1" | "SHA256" | "SHA512";

const LENGTHS: Record<HashName, number> = { MD5Sum: 32, SHA1: 40, SHA256: 64, SHA512: 128 };
export const ALGORITHMS = Object.keys(LENGTHS) as HashName[];

export function isHashName(name: string): name is HashName {
  return Object.hasOwn(LENGTHS, name);
}

/** Whether a text is a digest of that algorithm, in hexadecimal of any case. */
export function isHash(algorithm: HashName, text: string): boolean {
  return text.length === LENGTHS[algorithm] && /^[0-9a-f]+$/i.test(text);
}

/** By which algorithm a digest was made; `hash` is one. */
export function hashName(hash: string): HashName {
  return ALGORITHMS.find((algorithm) => LENGTHS[algorithm] === hash.length)!;
}

/** As Integrity and node:crypto call it: "md5", "sha256". */
export function algorithmOf(hash: string): string {
  const name = hashName(hash);
  return name === "MD5Sum" ? "md5" : name.toLowerCase();
}

export function integrityOfHash(hash: string): Integrity {
  return integrityFromHex(algorithmOf(hash), hash)!;
}
