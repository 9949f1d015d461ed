// Cosignatures: what a witness says of a checkpoint and when, as a further signature of the note. c2sp.org/tlog-cosignature, of Ed25519
import { createHash, createPublicKey, sign, verify } from "node:crypto";
import { privateOf, publicOf } from "./signer.ts";
import { keyHash } from "./verifier.ts";

/** The first byte of a key: what it signs is a cosignature. */
const COSIGNATURE = 0x04;

export interface Cosigner {
  readonly name: string;
  /** For who verifies: name+hash+key. */
  readonly verifier: string;
  /** The line of the signature, for the text of a checkpoint. */
  cosign(text: string, seconds: number): string;
}

export interface CosignerKey {
  readonly name: string;
  /** When the witness signed, in seconds since the epoch, by one of the lines after a note's text; null where none of them holds. */
  find(text: string, lines: readonly string[]): { seconds: number; line: string } | null;
}

/** `secret`: 32 bytes, from which the key is made. */
export function createCosigner(name: string, secret: Uint8Array): Cosigner {
  const seed = createHash("sha256").update("cosigner ").update(secret).digest();
  const key = privateOf(seed);
  const typed = Buffer.concat([Buffer.of(COSIGNATURE), publicOf(seed)]);
  const hash = keyHash(name, typed);
  return {
    name,
    verifier: `${name}+${hash.toString(16).padStart(8, "0")}+${typed.toString("base64")}`,
    cosign(text, seconds) {
      const head = Buffer.alloc(12);
      head.writeUInt32BE(hash);
      head.writeBigUInt64BE(BigInt(seconds), 4);
      const signature = sign(null, signed(text, seconds), key);
      return `— ${name} ${Buffer.concat([head, signature]).toString("base64")}\n`;
    },
  };
}

/** Null for what is no key of an Ed25519 cosigner. */
export function parseCosignerKey(text: string): CosignerKey | null {
  const match = /^([^\s+]+)\+([0-9a-fA-F]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  if (!match) return null;
  const name = match[1]!;
  const hash = Number.parseInt(match[2]!, 16);
  const key = Buffer.from(match[3]!, "base64");
  if (key.toString("base64") !== match[3] || key.length !== 33 || key[0] !== COSIGNATURE)
    return null;
  if (keyHash(name, key) !== hash) return null;
  const x = key.subarray(1).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return {
    name,
    find(note, lines) {
      for (const line of lines) {
        const found = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
        const bytes = found?.[1] === name ? Buffer.from(found[2]!, "base64") : null;
        if (bytes?.length !== 76 || bytes.readUInt32BE(0) !== hash) continue;
        const seconds = Number(bytes.readBigUInt64BE(4));
        if (!Number.isSafeInteger(seconds)) continue;
        if (verify(null, signed(note, seconds), publicKey, bytes.subarray(12)))
          return { seconds, line };
      }
      return null;
    },
  };
}

function signed(text: string, seconds: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}
