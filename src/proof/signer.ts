// Keys that sign notes: made, kept as text, and used. golang.org/x/mod/sumdb/note, c2sp.org/signed-note
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { keyHash } from "./verifier.ts";

/** The first byte of a key: what it signs with. */
const ED25519 = 0x01;

export interface Signer {
  readonly name: string;
  /** For who verifies: name+hash+key. */
  readonly verifier: string;
  /** The note: the text, an empty line and the signature. `text` ends with a newline. */
  sign(text: string): string;
}

/** A key as text, which is a secret: PRIVATE+KEY+name+hash+seed. */
export function createSignerKey(name: string): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  const seed = Buffer.from(privateKey.export({ format: "jwk" }).d!, "base64url");
  const hash = keyHash(name, typed(ED25519, publicOf(seed)));
  return `PRIVATE+KEY+${name}+${hex(hash)}+${typed(ED25519, seed).toString("base64")}`;
}

/** The seed of a key: what else is derived from it is as secret. Null for what is no key. */
export function seedOf(key: string): Buffer | null {
  const match = /^PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(key.trim());
  const bytes = match && Buffer.from(match[3]!, "base64");
  if (!match || bytes?.length !== 33 || bytes[0] !== ED25519) return null;
  const seed = bytes.subarray(1);
  return hex(keyHash(match[1]!, typed(ED25519, publicOf(seed)))) === match[2] ? seed : null;
}

/** Null for what is no key. */
export function openSigner(key: string): Signer | null {
  const seed = seedOf(key);
  if (!seed) return null;
  const name = key.trim().split("+")[2]!;
  const secret = privateOf(seed);
  const own = typed(ED25519, publicOf(seed));
  const hash = keyHash(name, own);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(hash);
  return {
    name,
    verifier: `${name}+${hex(hash)}+${own.toString("base64")}`,
    sign(text) {
      const signature = sign(null, Buffer.from(text), secret);
      return `${text}\n— ${name} ${Buffer.concat([head, signature]).toString("base64")}\n`;
    },
  };
}

function typed(type: number, key: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type), key]);
}

function hex(hash: number): string {
  return hash.toString(16).padStart(8, "0");
}

export function privateOf(seed: Buffer) {
  const head = Buffer.from("302e020100300506032b657004220420", "hex"); // PKCS #8 around a seed, RFC 8410
  return createPrivateKey({ key: Buffer.concat([head, seed]), format: "der", type: "pkcs8" });
}

export function publicOf(seed: Buffer): Buffer {
  const { x } = createPublicKey(privateOf(seed)).export({ format: "jwk" });
  return Buffer.from(x!, "base64url");
}
